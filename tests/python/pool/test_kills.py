"""Workers and parents that are killed at any moment: every task is accounted for, nothing stays behind."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hasten._pool.errors import WorkerDied

import hasten
from tests.python.pool import tasks

ROOT = Path(__file__).parents[3]
ROUNDS = 200


@pytest.fixture(scope="module")
def pool() -> Iterator[Any]:
    with hasten.Pool(2) as made:
        yield made


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_death_while_arguments_are_unpickled(pool: Any, number: signal.Signals) -> None:
    results = pool.map(tasks.identity, [1, tasks.DeadlyArgument(number), 3], chunksize=1, on_error="return")
    assert results[0::2] == [1, 3]
    assert isinstance(results[1], WorkerDied) and results[1].signal == number
    assert pool.apply(tasks.square, (3,)) == 9


def test_a_death_while_a_result_is_pickled(pool: Any) -> None:
    results = pool.map(tasks.return_deadly_at_three, range(6), chunksize=3, on_error="return")
    assert [type(one) for one in results] == [int, int, int, WorkerDied, int, int]
    assert "item 3" in str(results[3])


def test_an_exception_whose_pickling_kills(pool: Any) -> None:
    with pytest.raises(WorkerDied, match="raise_deadly"):
        pool.apply(tasks.raise_deadly)
    assert pool.apply(tasks.square, (3,)) == 9


def test_a_result_larger_than_memory_allows_fails_alone(pool: Any) -> None:
    results = pool.map(tasks.make_bytes_within, [(1 << 20), (1 << 40), 5], chunksize=1, on_error="return")
    assert [len(results[0]), len(results[2])] == [1 << 20, 5]
    assert isinstance(results[1], MemoryError)


def test_without_descriptors_the_pool_says_so() -> None:
    text = """
    import hasten, resource
    with hasten.Pool(1) as pool:
        pool.apply(abs, (-1,))
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 100))
        try:
            hasten.Pool(1)
        except OSError as error:
            print(error.errno)
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        print(pool.apply(abs, (-2,)))
    """
    done = run(text)
    assert (done.stdout, done.stderr) == ("24\n2\n", "")


def test_random_kills_under_load() -> None:
    chance = random.Random(7)
    deaths = 0
    with hasten.Pool(3) as made:
        for turn in range(ROUNDS):
            size = chance.choice([1, 4, 20])
            result = made.map_async(tasks.busy_identity, range(60), chunksize=size, on_error="return")
            for _ in range(chance.randint(1, 3)):
                kill_one(made, chance)
            results = result.get(60)
            died = [x for x, one in enumerate(results) if isinstance(one, WorkerDied)]
            deaths += len(died)
            assert len(died) <= 3
            assert [one for x, one in enumerate(results) if x not in died] == [x for x in range(60) if x not in died]
            assert made.apply(tasks.square, (turn,), retries=3) == turn * turn
    assert deaths > 0


def kill_one(made: Any, chance: random.Random) -> None:
    with contextlib.suppress(ProcessLookupError, IndexError):
        process = chance.choice(list(made._pool))
        os.kill(process.pid, chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV]))


def test_kills_with_retries_lose_nothing() -> None:
    chance = random.Random(8)
    with hasten.Pool(3) as made:
        for _ in range(10):
            result = made.map_async(tasks.busy_identity, range(200), chunksize=5, retries=20)
            for _ in range(5):
                kill_one(made, chance)
            assert result.get(60) == list(range(200))


@pytest.mark.parametrize("method", ["fork", "spawn", "template"])
def test_kills_while_workers_start(method: str) -> None:
    chance = random.Random(9)
    with hasten.Pool(2, context=method) as made:
        for _ in range(2):
            kill_one(made, chance)
        assert made.map(tasks.square, range(10), retries=5) == [x * x for x in range(10)]


def test_terminate_while_workers_start_and_die() -> None:
    chance = random.Random(10)
    for _ in range(10):
        made = hasten.Pool(2)
        workers = list(made._pool)
        kill_one(made, chance)
        made.terminate()
        made.join()
        assert not any(process.is_alive() for process in workers)


def test_pools_are_used_while_threads_fork(pool: Any) -> None:
    stop = threading.Event()

    def fork() -> None:
        while not stop.is_set():
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)

    thread = threading.Thread(target=fork)
    thread.start()
    try:
        for _ in range(20):
            assert pool.map(tasks.square, range(20)) == [x * x for x in range(20)]
    finally:
        stop.set()
        thread.join()


def run(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=60, cwd=ROOT
    )


LONG = """
import hasten, sys, time
pool = hasten.Pool(3, context=sys.argv[1])
results = pool.map_async(time.sleep, [60] * 20, chunksize=1)
print(*[one.pid for one in pool._pool], flush=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for children in Path("/proc", str(pid), "task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found |= {child} | descendants(child)
    return found


@pytest.mark.parametrize("method", ["fork", "spawn", "template"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nothing_outlives_a_parent_that_is_killed(method: str, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LONG, method], stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )
    assert process.stdout
    workers = {int(one) for one in process.stdout.readline().split()}
    assert len(workers) == 3 and all(map(is_running, workers))
    everybody = descendants(process.pid)
    assert everybody >= workers
    os.kill(process.pid, number)  # not the group: nobody else is told
    process.wait(60)
    end = time.monotonic() + 30
    while any(map(is_running, everybody)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(map(is_running, everybody))
