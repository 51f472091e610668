"""The pool over Dask, on dask.distributed."""

from __future__ import annotations

import contextlib
import functools
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from hasten._cores import available_cores
from hasten.backends.interface import Function, Reply, Task, refuse, require
from hasten.backends.namespaces import forget, initialize
from hasten.backends.packed import Packed, Parcel, pack
from hasten.backends.pool import ClusterPool
from hasten.backends.tasks import run

# Bytes from which on data is put into the memory of workers rather than sent by way of the scheduler.
_LARGE = 262_144
# Seconds to wait for a scheduler and its first worker.
_PATIENCE = 30.0
# How often a client is made before its scheduler counts as broken.
_TRIES = 5
# Seconds between two looks whether the scheduler has been given up.
_LOOK = 0.5

_REASONS = {
    "maxtasksperchild": "Dask's workers stay; start them with --lifetime, or leave it out",
    "max_memory": "Dask's workers have a limit of their own; start them with --memory-limit, or leave it out",
    "max_shm": "its arrays don't pass through shared memory; leave it out",
    "context": "Dask starts its workers itself; leave it out",
}


class DaskBackend:
    """Runs tasks in the workers of a cluster."""

    kills_tasks = True

    def __init__(
        self,
        address: str | None,
        processes: int | None,
        initializer: tuple[Callable[..., object], tuple[Any, ...]] | None,
    ) -> None:
        self.key = uuid.uuid4().hex
        self._distributed: Any = require("distributed", "dask")
        self._cluster = _start_cluster(processes) if address is None else None
        try:
            self._client = _connect(
                self._distributed, self._cluster or address, len(self._cluster.worker_spec) if self._cluster else 1
            )
            self._plugin = None if initializer is None else self._initialize(initializer)
        except BaseException:
            self._stop_cluster()
            raise
        self._lock = threading.Lock()
        self._deliveries: dict[str, Callable[[Reply], None]] = {}  # by the keys of futures
        self._parcels: weakref.WeakKeyDictionary[Parcel, Any] = weakref.WeakKeyDictionary()
        self._is_closed = False
        self._submitted = threading.Semaphore(0)
        self._futures = self._distributed.as_completed(loop=self._client.loop)
        self._collector = threading.Thread(target=self._collect, name="hasten-dask", daemon=True)
        self._collector.start()
        self._end = threading.Event()
        threading.Thread(target=self._watch, name="hasten-dask-watch", daemon=True).start()

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""
        return sum(self._client.nthreads().values()) if self._client.status == "running" else 1

    def packs_out_of_band(self) -> bool:
        """Whether tasks leave this process."""
        return True

    # --- tasks ---

    def submit(self, task: Task, deliver: Callable[[Reply], None]) -> Callable[[], None]:
        """Run a task."""
        key = f"{task.name}-{uuid.uuid4().hex}"
        try:
            function = self._place(task.function)
            items = self._scatter(task.items, everywhere=False) if task.items.nbytes >= _LARGE else task.items
            with self._lock:
                self._deliveries[key] = deliver
            future = self._client.submit(
                run,
                task.function.key,
                function,
                task.function.may_be_kept,
                task.mode,
                items,
                task.timeout,
                *map(self._place_parcel, task.parcels),
                key=key,
                pure=False,
            )
            self._futures.add(future)
        except Exception as error:
            with self._lock:
                self._deliveries.pop(key, None)
            deliver(Reply("failed", self._explain(error)))
            return lambda: None
        self._submitted.release()
        return functools.partial(self._cancel, future)

    def _cancel(self, future: Any) -> None:
        with contextlib.suppress(self._distributed.client.ClosedClientError, OSError):  # nothing is left to cancel
            future.cancel()

    def _place(self, function: Function) -> Any:
        """Return what a task gets as its function: a large one is sent to each worker once."""
        if function.packed.nbytes < _LARGE:
            return function.packed
        with self._lock:
            if function.place is None or function.place.status != "finished":
                function.place = self._scatter(function.packed, everywhere=True)
            return function.place

    def _place_parcel(self, parcel: Parcel) -> Any:
        """Return what stands for a parcel, which each worker gets once; it is dropped there when it is dropped here."""
        with self._lock:
            place = self._parcels.get(parcel)
            if place is None or place.status != "finished":
                place = self._parcels[parcel] = self._scatter(parcel, everywhere=True)
            return place

    def _scatter(self, packed: Packed, everywhere: bool) -> Any:
        return self._client.scatter(packed, hash=False, broadcast=everywhere)

    def _collect(self) -> None:
        """Deliver results as they come, in a thread of its own."""
        while True:
            self._submitted.acquire()
            if self._is_closed:
                return
            for batch in self._futures.batches():
                for future, result in zip(batch, self._gather(batch), strict=True):
                    self._deliver(future, result)
                del batch, future, result

    def _watch(self) -> None:
        """End all calls when the client has given the scheduler up, after which its futures may never be done."""
        while not self._end.wait(_LOOK):
            if self._client.status == "closed":
                self._deliver_all(Reply("died", "the scheduler is gone"))

    def _deliver_all(self, reply: Reply) -> None:
        with self._lock:
            deliveries = list(self._deliveries.values())
            self._deliveries.clear()
        for deliver in deliveries:
            deliver(reply)

    def _gather(self, futures: list[Any]) -> list[Any]:
        """Return the results of futures, fetched together where none of them failed."""
        if all(future.status == "finished" for future in futures):
            with contextlib.suppress(Exception):
                results: list[Any] = self._client.gather(futures)
                return results
        return [self._result(future) for future in futures]

    def _result(self, future: Any) -> Any:
        try:
            return future.result()
        except BaseException as error:
            return error

    def _deliver(self, future: Any, result: Any) -> None:
        reply = self._reply_of(future, result)
        with self._lock:
            deliver = self._deliveries.pop(future.key, None)
        if deliver is not None:
            deliver(reply)

    def _reply_of(self, future: Any, result: Any) -> Reply:
        if future.status == "finished":
            return Reply("done", result)
        if self._client.status not in ("running", "connecting"):
            return Reply("died", "the scheduler is gone")
        if future.status in ("cancelled", "lost"):
            return Reply("lost")
        if isinstance(result, self._distributed.KilledWorker):
            return Reply("died", f"the workers that ran it died, again and again ({result})")
        return Reply("failed", result)

    def _explain(self, error: Exception) -> Exception:
        if self._client.status in ("running", "connecting"):
            return error
        return ConnectionError(f"the Dask scheduler is gone ({type(error).__name__}: {error})")

    # --- workers ---

    def _initialize(self, initializer: tuple[Callable[..., object], tuple[Any, ...]]) -> str:
        name = f"hasten-{uuid.uuid4().hex}"
        key, packed = self.key, pack(initializer, pool=self.key)

        class Initializer(self._distributed.WorkerPlugin):  # type: ignore[misc, name-defined]
            def setup(self, worker: object) -> None:
                initialize(key, packed)

        self._client.register_plugin(Initializer(), name=name)
        return name

    # --- the end ---

    def close(self) -> None:
        """Leave the cluster; one that was started for this pool ends."""
        self._is_closed = True
        self._end.set()
        self._submitted.release()
        self._deliver_all(Reply("cancelled"))
        if self._cluster is None and self._client.status == "running":
            if self._plugin is not None:
                self._client.unregister_worker_plugin(self._plugin)
            self._client.run(forget, self.key, on_error="ignore")
        self._client.close()
        self._stop_cluster()

    def _stop_cluster(self) -> None:
        if self._cluster is None:
            return
        psutil: Any = require("psutil", "dask")
        try:
            self._cluster.close()
        except psutil.NoSuchProcess:  # one ended by itself just when it was to be ended; then the others were left
            for part in (*self._cluster.workers.values(), self._cluster.scheduler):
                if part.process is not None and part.process.returncode is None:
                    _kill_tree(psutil, part.process.pid)


def connect(
    processes: int | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: Iterable[Any] = (),
    *,
    address: str | None = None,
    **options: Any,
) -> ClusterPool:
    """Return a pool over the Dask cluster at `address`, or over workers on this machine."""
    refuse("dask", options, _REASONS)
    if address is not None and processes is not None:
        raise ValueError(
            f'processes={processes!r} with backend="dask" and address={address!r}: the cluster has the workers that it '
            "has; leave one of the two out"
        )
    if processes is not None and processes < 1:
        raise ValueError("Number of processes must be at least 1")
    return ClusterPool(DaskBackend(address, processes, None if initializer is None else (initializer, tuple(initargs))))


def _kill_tree(psutil: Any, pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (*root.children(recursive=True), root):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _connect(distributed: Any, target: Any, workers: int) -> Any:
    try:
        client = _new_client(distributed, target)
        client.wait_for_workers(workers, timeout=_PATIENCE)
    except (OSError, TimeoutError) as error:
        raise ConnectionError(
            f"no Dask cluster with a worker answers at {target} within {_PATIENCE:g} s: {error}"
        ) from error
    return client


def _new_client(distributed: Any, target: Any) -> Any:
    for _ in range(_TRIES):
        # Asserts that the first message is the only one, which it isn't where a worker comes at that moment.
        with contextlib.suppress(AssertionError):
            return distributed.Client(target, timeout=_PATIENCE, set_as_default=False)
    raise ConnectionError(f"the Dask scheduler at {target} greeted none of {_TRIES} connections as it should")


def _start_cluster(processes: int | None) -> Any:
    """Start a scheduler and workers on this machine, as programs of their own: no main guard is needed."""
    deploy: Any = require("distributed.deploy.subprocess", "dask")
    return deploy.SubprocessCluster(
        n_workers=processes or available_cores(),
        threads_per_worker=1,
        dashboard_address=None,
        worker_kwargs={"memory_limit": 0},
    )
