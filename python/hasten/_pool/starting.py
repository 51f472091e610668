"""What holds while a worker's process is started."""

from __future__ import annotations

import contextlib
import operator
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing import current_process, reduction
from typing import Any, NamedTuple


class NewWorker(NamedTuple):
    """A worker that has not been started."""

    lane: int
    process: Any


class SpawnedName(str):
    """The name of a process that is spawned: the first that it reads, so it takes its stderr before its main module."""

    __slots__ = ("_stderr",)

    _stderr: int | None

    @classmethod
    def of(cls, name: str, stderr: int) -> SpawnedName:
        """Return the name of a process that is to write to `stderr`, which is open here until it is started."""
        made = cls(name)
        made._stderr = stderr
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        # Only names of the C library's modules: the path to this one may not be known there yet.
        stderr, self._stderr = self._stderr, None
        return (str, (str(self),)) if stderr is None else (operator.getitem, ((str(self), _Taken(stderr)), 0))


class _Taken:
    """A descriptor that is read as the process's stderr."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Any, ...]:
        return os.dup2, (_Duplicated(self.descriptor), 2)


class _Duplicated:
    """A descriptor that is read as the number that it has there."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Any, ...]:
        return operator.methodcaller("detach"), (reduction.DupFd(self.descriptor),)


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
