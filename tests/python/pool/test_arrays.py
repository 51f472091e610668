"""Arrays and other large contents as arguments and results."""

import gc
import multiprocessing
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hasten._core import PoolExchange, PoolMemory
from hasten._pool.errors import WorkerDied

import hasten
from tests.python.pool import array_tasks as tasks

ROOT = Path(__file__).parents[3]
MiB = 1 << 20


class Subclass(np.ndarray[Any, Any]):
    """An array with a type of its own."""


def large(kind: Any = float) -> Any:
    return np.arange(100_000).astype(kind)


ARRAYS = {
    "contiguous": large(),
    "large": np.arange(3.0 * MiB),
    "no bytes": np.empty((0, 5)),
    "no dimensions": np.array(3.5),
    "small": np.arange(3),
    "Fortran order": np.asfortranarray(large().reshape(100, 1000)),
    "not contiguous": large()[::3],
    "transposed": large().reshape(10, 100, 100).transpose(1, 2, 0),
    "byte order": large(">i4"),
    "strings": large("U8"),
    "dates": large("M8[s]"),
    "structured": np.zeros(20_000, dtype=[("a", "i4"), ("b", "f8", (2,))]),
    "objects": np.array([*range(20_000), None], dtype=object),
    "subclass": large().view(Subclass),
    "bools": large() > 7,
}


SMALL_SHAPES: dict[str, Any] = {
    "one dimension": lambda kind: np.arange(7).astype(kind),
    "no dimensions": lambda kind: np.array(1).astype(kind),
    "no bytes": lambda kind: np.empty((0, 5), kind),
    "C order": lambda kind: np.arange(24).reshape(2, 3, 4).astype(kind),
    "Fortran order": lambda kind: np.asfortranarray(np.arange(24).reshape(2, 3, 4).astype(kind)),
    "not contiguous": lambda kind: np.arange(24).reshape(4, 6).astype(kind)[::2, 1::2],
    "backwards": lambda kind: np.arange(7).astype(kind)[::-1],
    "most dimensions": lambda kind: np.ones((1,) * 63 + (2,), kind),
    "largest": lambda kind: np.ones(65_536, "b").view(kind),
    "too large": lambda kind: np.ones(65_536 + 16, "b").view(kind),
}
SMALL_KINDS = ["?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "g", "c8", "c16", ">i4", "S4", "M8[s]"]


@pytest.fixture(scope="module")
def pool() -> Iterator[Any]:
    with hasten.Pool(2) as made:
        yield made


@pytest.mark.parametrize("name", ARRAYS)
def test_every_kind_of_array_comes_back_as_it_was(pool: Any, name: str) -> None:
    array = ARRAYS[name]
    (result,) = pool.map(tasks.identity, [array])
    assert type(result) is type(array) and result.dtype == array.dtype and result.shape == array.shape
    assert np.array_equal(result, array)
    assert result.flags.writeable
    assert result.flags.f_contiguous == array.flags.f_contiguous or not (
        array.flags.c_contiguous or array.flags.f_contiguous
    )


@pytest.mark.parametrize("shape", SMALL_SHAPES)
def test_small_arrays_are_what_pickle_makes_of_them(pool: Any, shape: str) -> None:
    arrays = [SMALL_SHAPES[shape](kind) for kind in SMALL_KINDS]
    expected = [pickle.loads(pickle.dumps(array, pickle.HIGHEST_PROTOCOL)) for array in arrays]
    for results in (
        pool.map(tasks.identity, arrays, chunksize=1),
        pool.map(tasks.identity, arrays, chunksize=5),
        pool.starmap(tasks.identity, [(array,) for array in arrays]),
        [pool.apply(tasks.identity, (array,)) for array in arrays],
        [pool.apply(tasks.identity, (), {"x": array}) for array in arrays],
    ):
        for result, wanted in zip(results, expected, strict=True):
            assert type(result) is np.ndarray
            assert (result.dtype, result.shape) == (wanted.dtype, wanted.shape)
            assert result.size == 0 or result.strides == wanted.strides
            assert result.tobytes("A") == wanted.tobytes("A")
            assert result.flags.writeable and result.flags.aligned


def test_small_arrays_that_are_no_plain_ones_are_pickled(pool: Any) -> None:
    described = np.zeros(3, np.dtype("i4", metadata={"unit": "m"}))
    described_by_pickle = pickle.loads(pickle.dumps(described)).dtype.metadata
    objects = np.array([1, None, "three"], object)
    structured = np.zeros(3, [("a", "i4"), ("b", "f8")])
    for array in [np.arange(3).view(Subclass), np.ma.masked_equal(np.arange(3), 1), objects, structured]:
        result = pool.apply(tasks.identity, (array,))
        assert type(result) is type(array) and result.dtype == array.dtype and (result == array).all()
    assert pool.apply(tasks.identity, (described,)).dtype.metadata == described_by_pickle


def test_a_small_array_belongs_to_its_task_alone(pool: Any) -> None:
    array = np.arange(5.0)
    assert pool.map(tasks.change_first, [array, array.copy(), array.copy()], chunksize=3) == [10.0] * 3
    assert array.tolist() == [0, 1, 2, 3, 4]
    result = pool.apply(tasks.identity, (array,))
    assert result.base is None and result.flags.owndata
    # One object stays one, within what travels together.
    assert pool.apply(tasks.are_one, (array, array)) and not pool.apply(tasks.are_one, (array, array.copy()))
    assert pool.map(tasks.change_first, [array, array], chunksize=2) == [10.0, 2.0]


def test_small_arrays_among_other_arguments(pool: Any) -> None:
    array = np.arange(5)
    mixed = (1, ("two", array), None, np.arange(3.0))
    first, (name, inner), nothing, last = pool.apply(tasks.identity, (mixed,))
    assert (first, name, nothing, inner.tolist(), last.tolist()) == (1, "two", None, [0, 1, 2, 3, 4], [0, 1, 2])


def test_a_small_array_that_is_write_protected_stays_so(pool: Any) -> None:
    array = np.arange(5)
    array.flags.writeable = False
    assert pool.apply(tasks.is_writeable, (array,)) is False
    assert not pool.apply(tasks.identity, (array,)).flags.writeable


def test_numpy_is_imported_when_the_first_array_comes() -> None:
    run(
        """
        import sys, hasten, multiprocessing
        from tests.python.pool import tasks
        spawn = multiprocessing.get_context("spawn")
        with hasten.Pool(1, context=spawn) as pool:
            assert pool.apply(tasks.has_module, ("numpy",)) is False
            assert pool.apply(tasks.identity, ((1, "two"),)) == (1, "two")
            assert "numpy" not in sys.modules and pool.apply(tasks.has_module, ("numpy",)) is False
            result = pool.apply(tasks.array_of, (3,))
            assert "numpy" in sys.modules and result.tolist() == [0, 1, 2]
        with hasten.Pool(1, context=spawn) as pool:
            assert pool.apply(tasks.type_name, (result,)) == "ndarray"
        """
    )


def test_an_array_that_is_write_protected_stays_so(pool: Any) -> None:
    array = large()
    array.flags.writeable = False
    assert pool.apply(tasks.is_writeable, (array,)) is False
    assert not pool.apply(tasks.identity, (array,)).flags.writeable
    assert pool.apply(tasks.is_writeable, (large(),)) is True


@pytest.mark.parametrize("size", [10, 100_000])
def test_results_are_views_that_the_caller_may_change(pool: Any, size: int) -> None:
    one, two = pool.map(tasks.ones, [size, size])
    one[:] = 7
    assert two.sum() == size
    assert pool.apply(tasks.ones, (size,)).sum() == size


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_result_is_viewed_where_the_worker_wrote_it(pool: Any, order: Any) -> None:
    array = large("f4").reshape(100, 1000, order=order)
    result = pool.apply(tasks.identity, (array,))
    assert type(result.base) is PoolMemory and np.array_equal(result, array)
    assert result.strides == array.strides and result.flags.writeable and result.flags.aligned
    array.flags.writeable = False
    protected = pool.apply(tasks.identity, (array,))
    assert type(protected.base) is PoolMemory and not protected.flags.writeable


def test_nobody_sees_what_a_task_changes(pool: Any, tmp_path: Path) -> None:
    array = large()
    before = array.sum()
    assert pool.map(tasks.change_first, [array] * 6, chunksize=1) == [before] * 6
    assert array.sum() == before
    # Bound to the function, sent once.
    assert pool.map(partial(tasks.change_first_of, array), range(6), chunksize=1) == [before] * 6
    # Changed, then tried again.
    for attempt, retry in enumerate([tasks.change_and_fail_once, tasks.change_and_die_once]):
        mark = str(tmp_path / str(attempt))
        assert pool.apply(retry, (mark, array), retries=1) == before


def test_a_task_gets_the_value_at_the_time_of_the_call(pool: Any) -> None:
    arrays = [large() for _ in range(8)]
    results = [pool.apply_async(tasks.slow_total, (array,)) for array in arrays]
    for array in arrays:
        array[:] = 0
    assert [result.get(60) for result in results] == [large().sum()] * 8


def test_a_task_may_keep_its_argument() -> None:
    with hasten.Pool(1) as single:
        single.apply(tasks.keep, (large(),))
        for _ in range(5):
            single.apply(tasks.total, (np.zeros(100_000),))
        assert single.apply(tasks.kept_total) == large().sum()


def test_a_bound_array_is_sent_once(pool: Any) -> None:
    array = np.ones(2 * MiB)
    before = exchange_of(pool).bytes_sent
    results = pool.map(partial(tasks.add_to_first, array), range(1000), chunksize=1)
    assert results == [x + 1 for x in range(1000)]
    sent = exchange_of(pool).bytes_sent - before
    assert array.nbytes <= sent < array.nbytes + 1000
    assert list(pool.imap(partial(tasks.add_to_first, array), range(100))) == results[:100]
    assert exchange_of(pool).bytes_sent - before < 2 * (array.nbytes + 1000)


def test_memory_is_used_again() -> None:
    with hasten.Pool(2) as fresh:
        array = np.ones(MiB)
        for _ in range(30):
            assert fresh.apply(tasks.identity, (array,)).size == MiB
        # Two blocks of arguments in turn, and a result or two a worker.
        assert exchange_of(fresh).bytes_used <= 8 * (array.nbytes + 8192)


def test_what_arrays_of_a_worker_have_freed_is_used_again() -> None:
    size = 8 * MiB  # as large as nothing else that a worker frees
    with hasten.Pool(1) as single, hasten.Pool(1, max_memory=1 << 40) as bounded:
        for one in (single, bounded):
            assert one.apply(tasks.ones, (size,)).sum() == size
            one.apply(tasks.faults_of_ones, (size,))  # memory that NumPy got after the first result
        assert single.apply(tasks.faults_of_ones, (size,)) < 10
        assert single.apply(tasks.faults_of_ones, (2 * size,)) >= 64  # pages of 2 MiB, where the system has them
        assert bounded.apply(tasks.faults_of_ones, (size,)) >= 32
        assert single.apply(tasks.fork_and_make_arrays, (size,)) == 0


def test_a_worker_that_is_woken_for_nothing_keeps_its_memory() -> None:
    with hasten.Pool(1) as single:
        for _ in range(20):
            single.apply(tasks.ones, (MiB,))
            time.sleep(0.01)  # it sleeps, too, and is rung when its result is read
            assert exchange_of(single).bytes_used >= 8 * MiB


def test_long_pickles_without_buffers(pool: Any) -> None:
    text = "text" * 100_000
    words = [f"word {i}" for i in range(50_000)]
    assert pool.map(tasks.identity, [text, words, text.encode(), bytearray(200_000)]) == [
        text,
        words,
        text.encode(),
        bytearray(200_000),
    ]


def test_results_beyond_the_limit_are_copied() -> None:
    with hasten.Pool(2, max_shm=16 * MiB) as small:
        held = [small.apply(tasks.filled, (MiB // 8, float(i))) for i in range(40)]
        assert [array[0] for array in held] == [array[-1] for array in held] == list(range(40))
        assert exchange_of(small).bytes_used <= 16 * MiB
        del held
        assert small.apply(tasks.filled, (MiB, 1.0)).sum() == MiB


@pytest.mark.parametrize("limit", [0, 1, MiB])
def test_what_finds_no_room_is_copied_through_the_lanes(limit: int) -> None:
    with hasten.Pool(2, max_shm=limit) as small:
        arrays = [np.full(MiB // 2, float(i)) for i in range(4)]
        results = small.map(tasks.identity, arrays)
        assert all(np.array_equal(a, b) for a, b in zip(results, arrays, strict=True))
        assert small.map(partial(tasks.change_first_of, arrays[0]), range(4), chunksize=1) == [0.0] * 4


def test_more_results_than_memory_at_once() -> None:
    with hasten.Pool(2, max_shm=4 * MiB) as small:
        results = small.map(tasks.ones, [MiB // 4] * 20, chunksize=5)
        assert [result.sum() for result in results] == [MiB // 4] * 20


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="max_shm=-1"):
        hasten.Pool(1, max_shm=-1)


@pytest.mark.parametrize("limit", [resource.RLIMIT_AS, resource.RLIMIT_FSIZE])
def test_a_pool_works_where_the_system_refuses_memory(limit: int) -> None:
    run(
        f"""
        import resource, hasten, numpy as np
        from tests.python.pool import array_tasks as tasks
        size = 4 << 30 if {limit} == resource.RLIMIT_AS else 8 << 20
        resource.setrlimit({limit}, (size, size))
        with hasten.Pool(2) as pool:
            assert pool._crew.exchange is None
            assert pool.apply(tasks.identity, (np.ones(300_000),)).sum() == 300_000
        """
    )
    # Enough for the reservation, and no more of it.
    run(
        """
        import resource, hasten, numpy as np
        from tests.python.pool import array_tasks as tasks
        with hasten.Pool(2, max_shm=32 << 20) as pool:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
            for process in pool._pool:
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
            results = pool.map(tasks.identity, [np.full(200_000, i) for i in range(10)], chunksize=1)
            assert [result[7] for result in results] == list(range(10))
        """
    )


@pytest.mark.parametrize("task", [tasks.die_holding, tasks.die_in_unpickling, tasks.die_in_result])
def test_a_worker_that_dies_with_blocks_costs_its_task(pool: Any, task: Any) -> None:
    argument: Any = tasks.DiesInUnpickling(large()) if task is tasks.die_in_unpickling else large()
    before = exchange_of(pool).bytes_used
    for _ in range(10):
        with pytest.raises(WorkerDied):
            pool.apply(task, (argument,))
        assert np.array_equal(pool.apply(tasks.identity, (large(),)), large())
    assert exchange_of(pool).bytes_used <= before + 10 * large().nbytes


def test_results_outlive_worker_and_pool() -> None:
    with hasten.Pool(2) as other:
        results = other.map(tasks.filled_by_pair, [(100_000, float(i)) for i in range(6)], chunksize=1)
        for process in list(other._pool):
            os.kill(process.pid, signal.SIGKILL)
        more = other.map(tasks.filled_by_pair, [(100_000, float(i)) for i in range(6)], chunksize=1)
    del other
    gc.collect()
    assert [(array[0], array[-1]) for array in results + more] == [(float(i), float(i)) for i in [*range(6), *range(6)]]


def test_a_fork_and_its_parent_keep_their_results(pool: Any) -> None:
    result = pool.apply(tasks.filled, (100_000, 1.0))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        saw = result[0] == 1 and result[-1] == 1
        result[:] = 2
        del result
        os._exit(0 if saw else 1)
    os.close(reader)
    result[:] = 3
    for i in range(5):
        assert pool.apply(tasks.filled, (100_000, float(i)))[0] == i
    del result
    for i in range(5):
        assert pool.apply(tasks.filled, (100_000, float(i)))[0] == i
    result = pool.apply(tasks.filled, (100_000, 4.0))
    os.write(writer, b"x")
    os.close(writer)
    assert os.waitpid(child, 0)[1] == 0
    assert (result == 4).all()


def test_workers_forked_later_see_the_results_of_the_time() -> None:
    run(
        """
        import hasten, multiprocessing
        from tests.python.pool import array_tasks as tasks
        fork = multiprocessing.get_context("fork")
        with hasten.Pool(1) as pool:
            tasks.found = pool.apply(tasks.filled, (100_000, 5.0))
            with hasten.Pool(1, context=fork) as other:
                tasks.found[:] = 6
                for i in range(3):
                    pool.apply(tasks.filled, (100_000, float(i)))
                assert other.apply(tasks.change_found) == (5.0, 5.0)
                assert (tasks.found == 6).all()
        """
    )


def test_a_fork_of_a_worker_keeps_its_argument() -> None:
    reader, writer = os.pipe()
    with hasten.Pool(1, context=multiprocessing.get_context("fork")) as forking:
        forking.apply(tasks.fork_and_report, (large(), writer))
        os.close(writer)
        for _ in range(5):
            forking.apply(tasks.total, (np.zeros(100_000),))
        forking.apply(tasks.let_report)
        assert float(os.read(reader, 100)) == large().sum()
    os.close(reader)


def test_nothing_stays_when_the_parent_is_killed() -> None:
    script = """
        import os, signal, hasten, numpy as np
        from tests.python.pool import array_tasks as tasks
        pool = hasten.Pool(2)
        held = pool.map(tasks.identity, [np.ones(200_000)] * 4)
        workers = [process.pid for process in pool._pool]
        for pid in [os.getpid(), *workers]:
            maps = open(f"/proc/{pid}/maps").read()
            assert "memfd:hasten-pool" in maps and "/dev/shm" not in maps
        print(*workers, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    shown = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, capture_output=True, text=True)
    pids = shown.stdout.split()
    assert len(pids) == 2, shown.stderr
    for pid in pids:
        try:
            process = os.pidfd_open(int(pid))
        except ProcessLookupError:
            continue
        assert select.select([process], [], [], 60)[0], f"worker {pid} lives on"
        os.close(process)


def test_an_exchange_too_large_is_none() -> None:
    assert PoolExchange.reserve(1 << 62, keeps_freed=True) is None


def exchange_of(pool: Any) -> Any:
    return pool._crew.exchange


def run(script: str) -> None:
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=60, cwd=ROOT)
