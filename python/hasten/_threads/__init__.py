"""Threads, pools of threads, and what they hand over to each other: the Python side of the engine's types."""
