"""`Pool` beyond what CPython's own tests say: see docs/processes.md."""

import functools
import importlib
import itertools
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hasten._cores import available_cores
from hasten._pool.results import AsyncResult

import hasten
from tests.python.pool import tasks

METHODS = ("fork", "spawn", "forkserver")


@pytest.fixture(scope="module")
def pool() -> Iterator[Any]:
    with hasten.Pool(2) as made:
        yield made


@pytest.mark.parametrize("method", METHODS)
def test_each_start_method_runs_calls(method: str) -> None:
    with hasten.Pool(2, context=multiprocessing.get_context(method)) as made:
        assert made.map(tasks.square, range(20)) == [x * x for x in range(20)]
        assert made.apply(tasks.identity, (b"x" * 3_000_000,)) == b"x" * 3_000_000
        made.close()
        made.join()


def wakes(pids: list[int]) -> int:
    """Return how often the threads of some processes have gone to sleep."""
    counts = [
        int(line.split()[1])
        for pid in pids
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    ]
    return sum(counts)


def test_idle_workers_are_not_woken_by_any_clock() -> None:
    with hasten.Pool(2) as made:
        made.map_async(tasks.square, range(100), chunksize=1).get(30)
        workers = [process.pid for process in made._pool]
        time.sleep(0.3)  # until they have spun and gone to sleep
        before = wakes(workers)
        time.sleep(0.7)  # longer than any period that a worker should have
        assert wakes(workers) == before


def test_results_of_all_kinds_come_back(pool: Any) -> None:
    values: list[Any] = [
        None,
        True,
        False,
        0,
        -1,
        2**62,
        2**70,
        -(2**63),
        1.5,
        float("inf"),
        "",
        "text",
        "ä€",
        "\ud800",
        b"",
        b"x",
    ]
    values += [b"", b"x", "x" * 5000, b"y" * 100_000, [1, [2]], {"a": (1,)}, 1 + 2j, range(3), {1, 2}, Exception]
    assert pool.map(tasks.identity, values, chunksize=5) == values
    assert [type(x) for x in pool.map(tasks.identity, values)] == [type(x) for x in values]


def test_arguments_of_all_kinds_arrive(pool: Any) -> None:
    nested = (1, (2.5, ("x", (b"y", (None, True)))))
    plain = [0, -1, 2**31, -(2**31), 2**62, 1.5, "", "text", b"\0", None, False, (), (1, ("a",)), nested]
    others = ["ä", "\ud800", 2**70, [1], {"a": 1}, "x" * 5000, 1 + 2j]
    for values in (plain, plain + others):
        for size in (1, 4, len(values)):
            results = pool.map(tasks.identity, values, chunksize=size)
            assert results == values and [type(x) for x in results] == [type(x) for x in values]
    assert pool.map(tasks.identity, plain * 5000) == plain * 5000  # too large for the task area
    assert pool.starmap(pow, [(2, 3), (2, -1), (1.5, 2)], chunksize=1) == [8, 0.5, 2.25]
    assert pool.starmap(pow, [[2, 3], (2, 3, 5)]) == [8, 3]
    with pytest.raises(TypeError):
        pool.starmap(pow, [1, 2])


def test_calls_take_turns_with_many_functions(pool: Any) -> None:
    functions: list[Any] = [abs, tasks.square, str, tasks.identity, repr, float, bool, hex]
    for function in functions * 2:
        assert pool.map(function, [7, 8], chunksize=1) == [function(7), function(8)]


def test_functions_that_pickle_refuses_travel(pool: Any) -> None:
    base = 10
    assert pool.map(lambda x: x + base, range(5)) == [10, 11, 12, 13, 14]

    def local(x: int, y: int = 1) -> int:
        return x * y + base

    assert pool.apply(local, (2,), {"y": 3}) == 16
    assert list(pool.imap(local, range(3))) == [10, 10 + 1, 12]


def test_compiled_functions_travel(pool: Any) -> None:
    @hasten.njit
    def cube(x):
        return x * x * x

    assert pool.map(cube, [1, 2, 3]) == [1, 8, 27]


def test_a_function_that_changed_is_the_one_that_runs(pool: Any) -> None:
    for add in range(3):
        assert pool.apply(lambda x, add=add: x + add, (1,)) == 1 + add


def test_results_are_of_the_documented_classes(pool: Any) -> None:
    assert isinstance(pool, multiprocessing.pool.Pool)
    result = pool.apply_async(tasks.square, (3,))
    assert importlib.import_module("hasten.multiprocessing.pool").AsyncResult is AsyncResult
    assert isinstance(result, AsyncResult) and isinstance(result, multiprocessing.pool.AsyncResult)
    assert result.get(10) == 9 and result.ready() and result.successful()
    with pytest.raises(multiprocessing.TimeoutError):
        pool.apply_async(tasks.sleep, (0.5,)).get(0.01)


def test_two_tasks_that_meet_meet_whatever_waits_in_front_of_them(pool: Any, tmp_path: Path) -> None:
    for turn in range(20):
        folder = tmp_path / str(turn)
        folder.mkdir()
        before = [pool.apply_async(tasks.square, (x,)) for x in range(5)]
        a = pool.apply_async(tasks.meet, (str(folder), "a", "b"))
        b = pool.apply_async(tasks.meet, (str(folder), "b", "a"))
        assert (b.get(30), a.get(30)) == ("b", "a")
        assert [x.get(30) for x in before] == [0, 1, 4, 9, 16]


def test_tasks_of_a_map_meet_however_many_workers_that_takes() -> None:
    context = multiprocessing.get_context("fork")
    workers = 2 * available_cores() + 2
    with hasten.Pool(workers, tasks.barriers.append, (context.Barrier(workers),), context=context) as made:
        assert made.map(tasks.identity, range(5000), chunksize=1) == list(range(5000))  # short ones go to a few workers
        for count in (workers, 20 * workers):
            assert made.map(tasks.meet_at_barrier, range(count), chunksize=1) == list(range(count))


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("call", ["map", "imap", "imap_unordered", "apply_async"])
def test_neighbours_among_tasks_meet_as_in_a_pool_with_one_queue(call: str, workers: int) -> None:
    context = multiprocessing.get_context("fork")
    numbers = range(600)  # more than the workers' lanes have room for
    events = [context.Event() for _ in numbers]
    with hasten.Pool(workers, tasks.places.append, (events,), context=context) as made:
        if call == "apply_async":
            results = [result.get(60) for result in [made.apply_async(tasks.meet_neighbour, (x,)) for x in numbers]]
        else:
            results = list(getattr(made, call)(tasks.meet_neighbour, numbers, chunksize=1))
    assert sorted(results) == list(numbers)


class Look:
    """An argument that counts, when it is pickled, the results that have come by then."""

    def __init__(self, waits_for: Path) -> None:
        self.waits_for = waits_for
        self.seen = -1

    def __reduce__(self) -> tuple[Any, ...]:
        while not self.waits_for.exists():
            time.sleep(0.001)
        self.seen = len(tasks.came)
        return int, ()


def test_results_are_read_while_more_is_submitted(tmp_path: Path) -> None:
    first, second = Look(tmp_path / "ran"), Look(tmp_path / "ran")
    with hasten.Pool(1) as made:
        call = functools.partial(tasks.noted, str(tmp_path / "ran"))
        made.map(call, [*range(1000), first, *range(1000, 4000), second], chunksize=1)
    assert second.seen > 0


def test_a_long_task_holds_up_nobody(pool: Any, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    long = pool.apply_async(tasks.meet, (str(tmp_path), "started", "stop"))
    others = [pool.apply_async(tasks.square, (x,)) for x in range(40)]
    assert [x.get(30) for x in others] == [x * x for x in range(40)]
    assert not long.ready()
    stop.touch()
    assert long.get(30) == "started"


def test_many_threads_wait_at_once(pool: Any) -> None:
    failures: list[Any] = []

    def call(base: int) -> None:
        for x in range(50):
            if pool.apply(tasks.square, (base + x,)) != (base + x) ** 2:
                failures.append(base + x)

    threads = [threading.Thread(target=call, args=(1000 * n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads) and not failures


def test_callbacks_come_without_anybody_waiting(pool: Any) -> None:
    came: list[Any] = []
    done = threading.Event()

    def take(value: Any) -> None:
        came.append(value)
        done.set()

    pool.map_async(tasks.square, range(3), callback=take)
    assert done.wait(30) and came == [[0, 1, 4]]
    done.clear()
    pool.apply_async(tasks.raise_it, (KeyError("k"),), error_callback=take)
    assert done.wait(30) and isinstance(came[1], KeyError)


def test_a_callback_may_use_the_pool_and_may_fail(pool: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def again(x: int) -> None:
        came.append(pool.apply(tasks.square, (x,)))
        raise RuntimeError("from a callback")

    came: list[int] = []
    result = pool.apply_async(tasks.square, (2,), callback=again)
    assert result.get(30) == 4 and came == [16]
    assert "from a callback" in capsys.readouterr().err
    assert pool.apply(tasks.square, (3,)) == 9


def counted(read: list[int]) -> Iterator[int]:
    for x in range(10_000):
        read.append(x)
        yield x


def test_imap_reads_its_input_as_the_work_proceeds() -> None:
    read: list[int] = []
    with hasten.Pool(1) as made:
        results = made.imap(tasks.sleep, (0.01 for _ in counted(read)))
        assert next(results) == 0.01
        assert len(read) < 200


def test_a_window_counts_results_that_nobody_read() -> None:
    read: list[int] = []
    with hasten.Pool(1) as made:
        results = made.imap(tasks.square, counted(read), window=3)
        time.sleep(0.2)
        assert len(read) <= 3
        assert [next(results) for _ in range(10)] == [x * x for x in range(10)]
        time.sleep(0.1)
        assert len(read) <= 13


def test_imap_may_be_fed_by_what_it_gives(pool: Any) -> None:
    given: list[int] = [1]
    event = threading.Event()

    def numbers() -> Iterator[int]:
        yield 1
        event.wait(30)
        yield given[-1]

    results = pool.imap(tasks.square, numbers())
    given.append(next(results) + 4)
    event.set()
    assert list(results) == [25]


def test_imap_that_nobody_reads_runs_everything(tmp_path: Path) -> None:
    made = hasten.Pool(2)
    made.imap_unordered(lambda x: (tmp_path / str(x)).touch(), iter(range(100)))
    made.close()
    made.join()
    assert len(list(tmp_path.iterdir())) == 100


@pytest.mark.parametrize("kind", [list, tuple, range, set, dict, str, bytes, iter, "generator"])
@pytest.mark.parametrize("ordered", [True, False])
def test_imap_takes_inputs_of_all_kinds(pool: Any, kind: Any, ordered: bool) -> None:
    made: dict[Any, Any] = {str: "abc" * 500, bytes: b"abc" * 500, range: range(1500), dict: dict.fromkeys(range(1500))}
    values = made.get(kind) or (kind(list(range(1500))) if kind != "generator" else (x for x in range(1500)))
    expected = list(values) if kind not in (iter, "generator") else list(range(1500))
    for chunksize in (1, 7) if kind not in (iter, "generator") else (7,):
        results = list(pool.imap(tasks.identity, values, chunksize, ordered=ordered))
        assert results == expected if ordered else sorted(results) == sorted(expected)


def test_imap_of_items_that_do_not_pickle_goes_on(pool: Any) -> None:
    lock = threading.Lock()
    for values in ([1, lock, 3], iter([1, lock, 3]), (x for x in (1, lock, 3))):
        results = list(pool.imap(tasks.identity, values, on_error="return"))
        assert results[0::2] == [1, 3] and isinstance(results[1], TypeError)


def test_imap_that_nobody_reads_or_holds_leaves_the_pool_usable(pool: Any) -> None:
    pool.imap(tasks.square, range(5000))
    pool.imap_unordered(tasks.square, (x for x in range(5000)))
    assert pool.map(tasks.square, range(10), chunksize=1) == [x * x for x in range(10)]


def test_imap_may_be_read_by_several_threads(pool: Any) -> None:
    results = pool.imap_unordered(tasks.square, range(3000))
    came: list[int] = []

    def read() -> None:
        came.extend(results)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(came) == [x * x for x in range(3000)]


def test_a_named_function_is_looked_up_again_under_another_name(pool: Any) -> None:
    assert [pool.apply(f, (-3,)) for f in (abs, tasks.square, abs, tasks.identity)] == [3, 9, 3, -3]
    assert pool.starmap(pow, [(2, 3)]) == [8] and pool.apply(pow, (2, 3)) == 8


def test_imap_goes_on_after_a_failure(pool: Any) -> None:
    results = pool.imap(lambda x: 1 // x, [1, 0, -1], chunksize=3)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == [-1]


def test_options_of_map(pool: Any, capsys: pytest.CaptureFixture[str]) -> None:
    results = pool.map(lambda x: 1 // x, [1, 0, 2], on_error="return")
    assert results[0] == 1 and isinstance(results[1], ZeroDivisionError) and results[2] == 0
    assert sorted(pool.map(tasks.square, range(50), ordered=False)) == [x * x for x in range(50)]
    assert pool.map(tasks.square, range(50), progress=True) == [x * x for x in range(50)]
    assert "50/50" in capsys.readouterr().err
    assert pool.starmap(pow, [(2, 3), (3, 2)], progress=True) == [8, 9]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, "timeout=0: the seconds"),
        ({"retries": -1}, "retries=-1: a task"),
        ({"on_error": "ignore"}, "on_error='ignore': use 'raise' or 'return'"),
        ({"chunksize": 0}, "Chunksize must be 1"),
        ({"chunksize": 1.5}, "chunksize=1.5: how many items"),
        ({"retries": 1.5}, "retries=1.5: how often"),
        ({"timeout": "1 s"}, "timeout='1 s': the seconds"),
    ],
)
def test_bad_options_are_refused(pool: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        pool.map(tasks.square, [1], **options)


def test_window_and_memory_must_be_positive(pool: Any) -> None:
    with pytest.raises(ValueError, match="window=0"):
        pool.imap(tasks.square, [1], window=0)
    with pytest.raises(TypeError, match=r"window=1\.5"):
        pool.imap(tasks.square, [1], window=1.5)
    with pytest.raises(ValueError, match="max_memory=-1"):
        hasten.Pool(1, max_memory=-1)
    with pytest.raises(TypeError, match=r"processes=1\.5"):
        hasten.Pool(1.5)  # type: ignore[arg-type]


def test_bounds_beyond_all_bounds_are_none(pool: Any) -> None:
    for timeout in (float("inf"), 1e30):
        assert pool.apply(tasks.square, (3,), timeout=timeout, retries=1 << 40) == 9
    assert list(pool.imap(tasks.square, [1, 2], window=1 << 90)) == [1, 4]


def test_a_call_that_is_interrupted_while_it_is_submitted_leaves_nothing_to_wait_for() -> None:
    class Interrupting:
        def __reduce__(self) -> Any:
            raise KeyboardInterrupt

    made = hasten.Pool(1)
    calls = [
        lambda: made.map(tasks.identity, [1, Interrupting(), 3], chunksize=1),
        lambda: made.map(Interrupting(), [1]),  # type: ignore[arg-type]
        lambda: made.apply(tasks.identity, (Interrupting(),)),
        lambda: list(made.imap(tasks.identity, [1, Interrupting(), 3])),
    ]
    for call in calls:
        with pytest.raises(KeyboardInterrupt):
            call()
    made.close()
    made.join()


def test_of_a_chunk_only_what_can_not_be_pickled_fails(pool: Any) -> None:
    values = [1, threading.Lock(), 3, 4]
    for results in (
        pool.map(tasks.identity, values, chunksize=3, on_error="return"),
        list(pool.imap(tasks.identity, values, chunksize=3, on_error="return")),
    ):
        assert [results[0], *results[2:]] == [1, 3, 4] and isinstance(results[1], TypeError)


@pytest.mark.parametrize("is_endless", [True, False])
def test_a_window_that_nobody_can_open_any_more_ends_the_call(is_endless: bool) -> None:
    made = hasten.Pool(1)
    results = made.imap(tasks.square, itertools.count() if is_endless else range(1000), window=3)
    assert next(results) == 0
    del results
    made.close()
    made.join()
    for thread in threading.enumerate():
        if thread.name == "hasten-pool-feeder":
            thread.join(60)
            assert not thread.is_alive()


@pytest.mark.parametrize("kind", [list, iter])
def test_join_opens_windows(kind: Any) -> None:
    made = hasten.Pool(1)
    results = made.imap(tasks.square, kind(range(1000)), window=3)
    made.close()
    made.join()
    assert list(results) == [x * x for x in range(1000)]


def test_results_that_are_taken_back_cost_one_exception() -> None:
    made = hasten.Pool(1)
    told: list[str] = []
    exception_of = made._crew.exception_of

    def tell(kind: str, detail: Any, task: str) -> BaseException:
        told.append(kind)
        return exception_of(kind, detail, task)

    made._crew.exception_of = tell  # type: ignore[method-assign]
    result = made.map_async(tasks.sleep, [60] * 1000, chunksize=1)
    made.terminate()
    with pytest.raises(Exception, match="terminated"):
        result.get(60)
    assert 1 <= len(told) <= 3


def test_workers_are_replaced_after_their_tasks() -> None:
    with hasten.Pool(2, maxtasksperchild=3) as made:
        pids = made.map(tasks.pid, range(30), chunksize=1)
        assert len(pids) == 30 and max(pids.count(one) for one in pids) <= 3


def test_tasks_see_what_the_initializer_set() -> None:
    with hasten.Pool(1, tasks.set_state, (5,)) as made:
        assert made.apply(tasks.get_state) == 5


def test_retries_run_failures_again(pool: Any, tmp_path: Path) -> None:
    arguments = [(str(tmp_path), x) for x in range(6)]
    assert pool.starmap(tasks.fail_once, arguments, chunksize=3, retries=1) == list(range(6))
    with pytest.raises(ZeroDivisionError):
        pool.map(lambda x: 1 // x, [0], retries=3)


def test_a_pool_takes_nothing_after_close() -> None:
    made = hasten.Pool(1)
    result = made.apply_async(tasks.square, (3,))
    made.close()
    with pytest.raises(ValueError, match="not running"):
        made.map(tasks.square, [1])
    made.join()
    assert result.get() == 9


def test_a_pool_that_is_dropped_leaves_no_worker() -> None:
    made = hasten.Pool(2)
    pids = [process.pid for process in made._pool]
    with pytest.warns(ResourceWarning, match="unclosed running"):
        del made
        __import__("gc").collect()
    for one in pids:
        with pytest.raises(OSError):
            os.kill(one, 0)


def named_memory(pid: int) -> set[str]:
    """Return the files of shared memory that a process has mapped and that others could find by their names."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {line.split()[-1] for line in lines if "/dev/shm/" in line and not line.endswith("(deleted)")}


def test_shared_memory_has_no_name() -> None:
    before = named_memory(os.getpid())
    with hasten.Pool(1) as made:
        made.apply(tasks.identity, (b"x" * 1_000_000,))
        for pid in (os.getpid(), made._pool[0].pid):
            assert named_memory(pid) <= before
