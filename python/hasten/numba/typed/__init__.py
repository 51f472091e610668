"""Where numba keeps typed containers."""
