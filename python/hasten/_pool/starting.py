"""What holds while a worker's process is started."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from multiprocessing import current_process
from typing import Any, NamedTuple


class NewWorker(NamedTuple):
    """A worker that has not been started."""

    lane: int
    process: Any


@contextlib.contextmanager
def allowed_to_start() -> Iterator[None]:
    """Let a daemonic process have workers: they end with it, however it ends."""
    settings = current_process()._config  # type: ignore[attr-defined]
    was_daemon = settings.get("daemon")
    settings["daemon"] = False
    try:
        yield
    finally:
        settings["daemon"] = was_daemon


@contextlib.contextmanager
def uninterrupted(worker: Any) -> Iterator[None]:
    """Put off Ctrl-C while a worker is forked: what runs at a fork swallows exceptions, and the worker would get it."""
    is_main = threading.current_thread() is threading.main_thread()
    standing = signal.getsignal(signal.SIGINT)
    if getattr(worker, "_start_method", None) != "fork" or not is_main or not callable(standing):
        yield
        return
    came: list[Any] = []
    signal.signal(signal.SIGINT, lambda *what: came.append(what))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, standing)
        for what in came[:1]:
            standing(*what)
