"""Where numba keeps classes that are compiled."""
