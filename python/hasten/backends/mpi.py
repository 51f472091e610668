"""The pool over MPI, on mpi4py's futures."""

from __future__ import annotations

import sys
import threading
import traceback
import uuid
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, NamedTuple, NoReturn

from hasten.backends.freight import Ticket
from hasten.backends.interface import Reply, Task, refuse, require
from hasten.backends.namespaces import forget, forget_all, initialize
from hasten.backends.packed import Packed, Parcel, pack
from hasten.backends.pool import ClusterPool
from hasten.backends.ranks import World, world
from hasten.backends.tasks import LACKS_FUNCTION, knows, run

# Bytes up to which a function is sent with each task; a larger one is sent to a rank when that asks for it.
_SMALL = 16_384

_REASONS = {
    "maxtasksperchild": "a rank of MPI can't be replaced; leave it out",
    "max_memory": "killing a rank of MPI ends all of them; leave it out, and limit memory by ulimit",
    "max_shm": "its arrays don't pass through shared memory; leave it out",
    "context": "ranks are started by mpirun; leave it out",
    "address": "ranks are found by mpirun; leave it out",
}


class Delivery(NamedTuple):
    """A parcel that a task needs: a rank that has it already doesn't fetch it."""

    key: str
    is_code: bool
    ticket: Ticket


class MpiBackend:
    """Runs tasks in all ranks but 0; where there is only one, in a thread of it."""

    kills_tasks = False

    def __init__(self, ranks: World, initializer: tuple[Callable[..., object], tuple[Any, ...]] | None) -> None:
        self.key = uuid.uuid4().hex
        self._ranks = ranks
        self._is_closed = False
        self._freight = ranks.freight()
        options: dict[str, Any] = {}
        if initializer is not None:
            packed = pack(initializer, self.packs_out_of_band(), self.key)
            options.update(initializer=_initialize, initargs=(self.key, packed))
        self._parcels: weakref.WeakKeyDictionary[Parcel, Ticket] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._executor = _commune(ranks, **options).__enter__()
        self._executor.bootup(wait=True)
        if self.packs_out_of_band():
            self._freight.serve()
        if self._executor._broken:
            self.close()
            raise RuntimeError("the pool's initializer failed; a rank has printed its traceback")

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""
        return max(1, self._ranks.size - 1)

    def packs_out_of_band(self) -> bool:
        """Whether tasks leave this process."""
        return self._ranks.size > 1

    def submit(self, task: Task, deliver: Callable[[Reply], None]) -> Callable[[], None]:
        """Run a task."""
        small = task.function.packed.nbytes <= _SMALL
        return self._send(task, task.function.packed if small else None, deliver)

    def _send(self, task: Task, function: Packed | None, deliver: Callable[[Reply], None]) -> Callable[[], None]:
        sent = (function and self._freight.offer(function), self._freight.offer(task.items))
        known = task.function

        def answer(future: Future[Any]) -> None:
            self._freight.withdraw(*sent)
            reply = self._reply_of(future)
            if reply.value == LACKS_FUNCTION:
                self._send(task, known.packed, deliver)
            else:
                deliver(reply)

        try:
            future: Future[Any] = self._executor.submit(
                _run, known.key, sent[0], known.may_be_kept, task.mode, sent[1], *self._offer_parcels(task)
            )
        except RuntimeError as error:  # closed, or broken
            self._freight.withdraw(*sent)
            deliver(Reply("cancelled" if self._is_closed else "failed", error))
            return lambda: None
        future.add_done_callback(answer)
        return future.cancel  # type: ignore[return-value]

    def _offer_parcels(self, task: Task) -> tuple[list[Delivery | Parcel], frozenset[str]]:
        """Return what stands for a task's parcels, and the keys of all that there are: ranks drop the others."""
        with self._lock:
            deliveries = [self._offer_parcel(parcel) for parcel in task.parcels]
            return deliveries, frozenset(parcel.key for parcel in self._parcels)

    def _offer_parcel(self, parcel: Parcel) -> Delivery | Parcel:
        ticket = self._parcels.get(parcel)
        if ticket is None:
            offered = self._freight.offer(Packed(parcel.pickled, parcel.buffers), always=True)  # which keeps no parcel
            if not isinstance(offered, Ticket):
                return parcel
            ticket = self._parcels[parcel] = offered
            weakref.finalize(parcel, self._freight.withdraw, ticket).atexit = False
        return Delivery(parcel.key, parcel.is_code, ticket)

    def _reply_of(self, future: Future[Any]) -> Reply:
        if future.cancelled():
            return Reply("cancelled")
        error = future.exception()
        if error is not None:
            return Reply("failed", error)
        result = future.result()
        return Reply("done", self._freight.collect(*result) if isinstance(result, tuple) else result)

    def close(self) -> None:
        """Wait for what runs, drop what doesn't, and let the ranks go on."""
        self._is_closed = True
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._freight.withdraw(*self._parcels.values())
        self._freight.close()
        forget(self.key)


class ServedPool:
    """What other ranks than 0 get, after they have served. Who uses it serves on until rank 0's program ends."""

    def __init__(self, ranks: World) -> None:
        self._ranks = ranks

    def close(self) -> None:
        """Do nothing: rank 0 has closed the pool."""

    terminate = join = close

    def __enter__(self) -> NoReturn:
        self._leave_script()

    def __exit__(self, *raised: object) -> None:
        """Never reached: `__enter__` does not return."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._leave_script()

    def _leave_script(self) -> NoReturn:
        """End this rank's script, which goes on in rank 0 alone."""
        self._ranks.serve_until_end()
        sys.exit(0)


def connect(
    processes: int | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: Iterable[Any] = (),
    **options: Any,
) -> Any:
    """Return a pool over MPI; to be called by all ranks, of which those other than 0 serve until it closes."""
    refuse("mpi", options, _REASONS)
    ranks = world()
    workers = max(1, ranks.size - 1)
    if processes not in (None, workers):
        raise ValueError(
            f'processes={processes!r} with backend="mpi": mpirun says how many there are, here {workers} and the one '
            f"that runs the script; leave it out, or use mpirun -n {(processes or 0) + 1}"
        )
    if ranks.rank == 0:
        ranks.announce_pool()
        return ClusterPool(MpiBackend(ranks, None if initializer is None else (initializer, tuple(initargs))))
    if not ranks.await_pool():
        sys.exit(0)
    serve()
    return ServedPool(ranks)


def _commune(ranks: World, **options: Any) -> Any:
    return require("mpi4py.futures", "mpi").MPICommExecutor(ranks.comm, 0, **options)


def serve() -> None:
    """Serve one pool of rank 0."""
    world().freight()
    try:
        with _commune(world()):
            pass
    finally:
        _stored.clear()
        forget_all()


# The parcels of the pool that this rank serves.
_stored: dict[str, Parcel] = {}


def _receive(deliveries: list[Delivery | Parcel], existing: frozenset[str]) -> list[Parcel]:
    """Return the parcels of a task; those that rank 0 has dropped are dropped."""
    for key in _stored.keys() - existing:
        del _stored[key]
    return [one if isinstance(one, Parcel) else _fetch(one) for one in deliveries]


def _fetch(delivery: Delivery) -> Parcel:
    parcel = _stored.get(delivery.key)
    if parcel is None:
        packed = world().freight().fetch(delivery.ticket)
        parcel = _stored[delivery.key] = Parcel(delivery.key, delivery.is_code, packed.pickled, packed.buffers)
    return parcel


def _run(
    key: str,
    function: Packed | Ticket | None,
    may_be_kept: bool,
    mode: int,
    items: Packed | Ticket,
    deliveries: list[Delivery | Parcel],
    existing: frozenset[str],
) -> Packed | str | tuple[int, Ticket]:
    """Run a task in a rank."""
    freight = world().freight()
    if function is None and not knows(key):
        return LACKS_FUNCTION
    parcels = _receive(deliveries, existing)
    sent = None if function is None else freight.fetch(function)
    result = run(key, sent, may_be_kept, mode, freight.fetch(items), None, *parcels)
    return freight.deliver(result) if isinstance(result, Packed) else result


def _initialize(pool: str, packed: Packed) -> None:
    try:
        initialize(pool, packed)
    except BaseException:
        traceback.print_exc()
        raise
