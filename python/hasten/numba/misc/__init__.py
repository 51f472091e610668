"""Where numba keeps its special functions."""
