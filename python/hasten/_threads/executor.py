"""`concurrent.futures.ThreadPoolExecutor` over the engine's queue."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hasten import _core
from hasten._mirror import original
from hasten._threads import future as _future
from hasten._threads import workers

if TYPE_CHECKING:
    from concurrent.futures import thread as _thread
else:
    _thread = original("concurrent.futures.thread")

_Standard = _thread.ThreadPoolExecutor


class ThreadPoolExecutor(_core.Crew, _Standard):
    """Runs tasks in threads, as `concurrent.futures.ThreadPoolExecutor` does.

    Its futures can be awaited in coroutines. Tasks see the context variables of whoever submitted them. A task that
    waits for another task of its executor which nobody has begun runs that one itself.

    Parameters
    ----------
    max_workers
        How many threads there may be; by default 4 more than the machine has cores, at most 32.
    thread_name_prefix
        What the names of the threads begin with.
    initializer, initargs
        Called in each thread before its first task. If it raises, the executor is broken.
    """

    _threads: set[Any]
    submit = _core.Crew._submit

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        _Standard.__init__(self, max_workers, thread_name_prefix, initializer, initargs)
        self._initializer = initializer  # type: ignore[assignment]  # it may return anything
        self._initargs = initargs
        self._set_size(self._max_workers)
        self._count = 0

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks.

        Parameters
        ----------
        wait
            Return when all tasks are done and the threads have ended.
        cancel_futures
            Cancel what no thread has begun.
        """
        self._shutdown = True
        if self._is_foreign():
            self._threads = set()
        left = self._recall() if cancel_futures or not self._threads else []
        self._close()
        for future in left:
            if future.cancel() and future._state == "CANCELLED":
                future.set_running_or_notify_cancel()  # `wait` and `as_completed` hear of it only then
        if wait:
            for thread in list(self._threads):
                thread.join()

    def _add_worker(self) -> None:
        name = f"{self._thread_name_prefix or self}_{self._count}"
        self._count += 1
        self_reference = weakref.ref(self)

        def fail(error: BaseException) -> None:
            _report_initializer(error)
            executor = self_reference()
            if executor is not None:
                executor._initializer_failed()

        self._threads.add(workers.start(name, self._worker(), self._initializer, self._initargs, fail, daemon=False))

    def _start_anew(self) -> None:
        self._threads = set()

    def _initializer_failed(self) -> None:
        self._broken = "A thread initializer failed, the thread pool is not usable anymore"  # type: ignore[assignment]
        left = self._recall()
        self._close()
        for future in left:
            if future._state in ("PENDING", "CANCELLED") and future.set_running_or_notify_cancel():
                future.set_exception(_thread.BrokenThreadPool(self._broken))

    def _refuse(self) -> None:
        if self._broken:
            raise _thread.BrokenThreadPool(self._broken)
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")


def _report_initializer(error: BaseException) -> None:
    logging.getLogger("concurrent.futures").critical("Exception in initializer:", exc_info=error)


Future = _future.Future
