"""Parallel loops' threads, where numba has them."""

from hasten.numba._parallel import get_num_threads, get_thread_id, set_num_threads, threading_layer

__all__ = ["get_num_threads", "get_thread_id", "set_num_threads", "threading_layer"]
