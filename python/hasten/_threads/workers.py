"""What the threads of pools and executors do, and how they end with the interpreter."""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hasten import _core
from hasten._mirror import original
from hasten._threads.thread import Thread

if TYPE_CHECKING:
    import threading
else:
    threading = original("threading")


# Threads that the interpreter waits for at its end, after they have finished what was submitted.
_awaited: weakref.WeakKeyDictionary[Thread, _core.Worker] = weakref.WeakKeyDictionary()
_is_exiting = False


def is_exiting() -> bool:
    """Whether the interpreter ends: no more tasks are taken."""
    return _is_exiting


def start(
    name: str,
    worker: _core.Worker,
    initializer: Callable[..., object] | None,
    initargs: Iterable[Any],
    on_failure: Callable[[BaseException], None],
    daemon: bool,
) -> Thread:
    """Start a thread that runs the jobs of a pool.

    Parameters
    ----------
    name
        Of the thread.
    worker
        The pool's part that the thread may hold; it does not keep the pool alive.
    initializer, initargs
        Called first. The context variables that it sets are seen by the tasks.
    on_failure
        Called with what the initializer raised; then the thread ends.
    daemon
        Whether the interpreter's end does not wait for it.
    """
    thread = Thread(target=_work, name=name, args=(worker, initializer, initargs, on_failure), daemon=daemon)
    thread.start()
    if not daemon:
        _awaited[thread] = worker
    return thread


def _work(
    worker: _core.Worker,
    initializer: Callable[..., object] | None,
    initargs: Iterable[Any],
    on_failure: Callable[[BaseException], None],
) -> None:
    variables = None
    if initializer is not None:
        try:
            initializer(*initargs)
        except BaseException as error:
            worker.leave()
            on_failure(error)
            return
        variables = contextvars.copy_context() or None
    del initializer, initargs, on_failure
    worker.run(variables)


def _finish() -> None:
    global _is_exiting
    _is_exiting = True
    waiting = list(_awaited.items())
    for _, worker in waiting:
        worker.close()
    for thread, _ in waiting:
        thread.join()


threading._register_atexit(_finish)  # type: ignore[attr-defined]  # before non-daemon threads are joined
