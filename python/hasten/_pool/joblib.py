"""The backend of joblib: ``joblib.parallel_config(backend="hasten")``, on which scikit-learn runs, too."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cloudpickle
from joblib import cpu_count
from joblib._parallel_backends import AutoBatchingMixin, FallbackToBackend, SequentialBackend
from joblib.parallel import ParallelBackendBase

from hasten._mirror import original
from hasten._pool.clean_context import CleanContext
from hasten._pool.executor import ProcessPoolExecutor

if TYPE_CHECKING:
    import multiprocessing
    from concurrent.futures import Future
else:
    multiprocessing = original("multiprocessing")

# Seconds after which workers that nobody uses leave.
_IDLE = 300.0


class HastenBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]  # joblib has no types
    """Runs joblib's batches in worker processes, which wait for the next call of `Parallel` when one is done.

    A worker that dies costs the call of `Parallel` alone. What `joblib.parallel_config` is given beside the
    backend's name goes to `hasten.ProcessPoolExecutor`: ``timeout``, ``retries``, ``max_memory``, ``initializer``.
    """

    _executor: ProcessPoolExecutor | None = None
    default_n_jobs = -1
    supports_retrieve_callback = True
    supports_inner_max_num_threads = True

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many workers there would be."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None or multiprocessing.current_process().daemon or self._is_nested_in_thread():
            return 1
        return n_jobs if n_jobs > 0 else max(cpu_count() + 1 + n_jobs, 1)

    def _is_nested_in_thread(self) -> bool:
        return bool(self.nesting_level) and not self.in_main_thread()

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:
        """Get the workers for one call of `Parallel`, or a series of them."""
        n_jobs = self.effective_n_jobs(n_jobs)
        if n_jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        self._executor = _workers.take(n_jobs, self._prepare_worker_env(n_jobs=n_jobs), self.backend_kwargs)
        return n_jobs

    def submit(self, func: Any, callback: Callable[[Future[Any]], object] | None = None) -> Future[Any]:
        """Let a worker run a batch."""
        if self._executor is None:
            raise RuntimeError("joblib's backend 'hasten' was not configured, or was terminated")
        future = self._executor.submit(run_batch, ByValue(func))
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """Return the results of a batch that is done."""
        return out.result()

    def terminate(self) -> None:
        """Leave the workers to the next call of `Parallel`."""
        self._executor = None
        _workers.give_back()
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End what the workers do; it's for a call that has failed."""
        if self._executor is not None:
            _workers.end(self._executor)
        if ensure_ready:
            self.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)


class _Workers:
    """The workers of all calls that want the same ones, kept for the next call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._wanted: tuple[Any, ...] = ()
        self._timer: threading.Timer | None = None

    def take(self, count: int, environment: dict[str, str], options: dict[str, Any]) -> ProcessPoolExecutor:
        wanted = (count, environment, options)
        with self._lock:
            self._stop_timer()
            if self._executor is None or wanted != self._wanted:
                # Another call may still use the one before, whose workers leave when nobody has it any more.
                context = CleanContext(environment)
                self._executor = ProcessPoolExecutor(count, context, on_worker_death="replace", **options)
                self._wanted = wanted
            return self._executor

    def give_back(self) -> None:
        with self._lock:
            self._stop_timer()
            self._timer = threading.Timer(_IDLE, self._leave)
            self._timer.daemon = True
            self._timer.start()

    def end(self, executor: ProcessPoolExecutor) -> None:
        with self._lock:
            if executor is self._executor:
                self._executor = None
        executor.kill_workers()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self) -> None:
        with self._lock:
            self._executor = None


_workers = _Workers()


def run_batch(calls: Callable[[], list[Any]]) -> ByValue:
    """Run some calls, in a worker."""
    return ByValue(calls())


class ByValue:
    """Is unpickled as what it holds. Functions and classes go by value: a worker has no main module."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        buffers: list[pickle.PickleBuffer] = []
        data = cloudpickle.dumps(self.value, pickle.HIGHEST_PROTOCOL, buffer_callback=buffers.append)
        return _loads, (data, *buffers)


def _loads(data: bytes, *buffers: Any) -> Any:
    return pickle.loads(data, buffers=buffers)
