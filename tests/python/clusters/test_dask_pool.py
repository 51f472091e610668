"""The pool over Dask: on workers that it starts itself, and on a cluster of separate processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hasten._pool.errors import WorkerDied

import hasten
from tests.python.clusters.running import GLOBALS, Cluster, loopback_cluster, namespace_cluster


@hasten.njit
def cube(x):
    return x * x * x


def local_pids(pool: Any) -> set[int]:
    return set(pool.map(lambda _: os.getpid(), range(20), chunksize=1))


def scattered(pool: Any) -> list[int]:
    """Return a list that gets the size of each content that the pool scatters from now on."""
    sent: list[int] = []
    scatter = pool._backend._client.scatter

    def noting(data: Any, **options: Any) -> Any:
        sent.append(data.nbytes)
        return scatter(data, **options)

    pool._backend._client.scatter = noting
    return sent


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with loopback_cluster(tmp_path_factory.mktemp("cluster"), 2) as cluster:
        yield cluster


@pytest.fixture
def pool(cluster: Cluster) -> Iterator[Any]:
    with hasten.Pool(backend="dask", address=cluster.address) as pool:
        yield pool


def test_calls(pool: Any) -> None:
    offset = 10
    assert pool.map(lambda x: x + offset, range(10)) == list(range(10, 20))
    assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
    assert pool.apply(sorted, ([2, 1],), {"reverse": True}) == [2, 1]
    assert pool.map_async(abs, [-2]).get(30) == [2]
    assert pool.map(abs, []) == []
    assert pool.map(abs, [-1, -2], progress=True) == [1, 2]
    assert list(pool.imap(abs, range(-20, 0), window=3)) == list(range(20, 0, -1))
    assert sorted(pool.imap_unordered(abs, range(-9, 0), chunksize=2)) == list(range(1, 10))
    results: list[int] = []
    pool.apply_async(abs, (-3,), callback=results.append).wait(30)
    assert results == [3]
    assert os.getpid() not in local_pids(pool)


def test_functions_share_the_globals_that_were_set_in_their_worker(cluster: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    for options in ('processes=2, backend="dask"', f'backend="dask", address={cluster.address!r}'):
        script.write_text(GLOBALS.replace("OPTIONS", options))
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


SIDE_BY_SIDE = """
import sys
import time

import hasten


def multiply(x):
    time.sleep(0.01)
    return x * scale


with hasten.Pool(backend="dask", address=sys.argv[1]) as pool:
    results = []
    for scale in range(20):
        results.append(pool.map_async(multiply, [1, 2], chunksize=1))
    assert [result.get(60) for result in results] == [[scale, 2 * scale] for scale in range(20)]
print("done")
"""


def test_tasks_side_by_side_have_the_globals_of_their_own_calls(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SIDE_BY_SIDE)
    with loopback_cluster(tmp_path, 1, threads=4) as cluster:
        command = [sys.executable, str(script), cluster.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_workers_forget_what_was_set_for_a_pool_that_is_closed(cluster: Cluster) -> None:
    def bound() -> int:
        from hasten.backends import namespaces

        return len(namespaces._pools)

    with hasten.Pool(backend="dask", address=cluster.address, initializer=bound) as pool:
        assert set(pool.map(lambda _: bound(), range(8), chunksize=1)) == {1}
    with hasten.Pool(backend="dask", address=cluster.address) as pool:
        assert set(pool.map(lambda _: bound(), range(8), chunksize=1)) == {1}


def test_compiled_functions_arrive(pool: Any) -> None:
    def native_calls(x):
        before = hasten.stats()["native_calls"]
        return cube(x), hasten.stats()["native_calls"] - before

    assert pool.map(native_calls, [1, 2, 3], chunksize=1) == [(1, 1), (8, 1), (27, 1)]


def test_a_worker_need_not_compile_what_was_compiled_here(tmp_path: Path) -> None:
    @hasten.njit
    def fourth(x):
        return x * x * x * x

    def counts(x):
        before = hasten.stats()
        fourth(x)
        after = hasten.stats()
        return [after[name] - before[name] for name in ("native_compilations", "cache_loads")]

    fourth(2.0)
    cluster = loopback_cluster(tmp_path, 1, HASTEN_CACHE_DIR=str(tmp_path / "cache"))
    with cluster as started, hasten.Pool(backend="dask", address=started.address) as made:
        pool: Any = made
        sent = scattered(pool)
        assert pool.map(counts, [1.0, 2.0], chunksize=1) == [[0, 1], [0, 0]]
        assert pool.map(lambda x: fourth(x) + 1, [1.0, 2.0]) == [2, 17]
        assert len(sent) == 1, "it is sent once, whatever needs it"
        assert pool.apply(counts, (3,)) == [1, 0], "types that are new are compiled there"


def test_a_shared_value_is_scattered_once(pool: Any) -> None:
    class Counted:
        decoded = 0

        def __setstate__(self, state: dict[str, Any]) -> None:
            self.__dict__.update(state)
            type(self).decoded += 1

    def read(both, i):
        return float(both[0][i]), both[0].flags.writeable, type(both[1]).decoded

    value = Counted()
    value.name = "a name"  # type: ignore[attr-defined]
    handle: Any = hasten.share((np.arange(100_000.0), value))
    sent = scattered(pool)
    for _ in range(2):
        found = pool.starmap(read, [(handle, i) for i in range(8)], chunksize=1)
        assert found == [(i, False, 1) for i in range(8)], "each worker decodes it once"
    assert pool.map(partial(read, handle), range(3)) == [(i, False, 1) for i in range(3)]
    assert len(sent) == 1
    assert len(pool._backend._parcels) == 1
    del handle
    assert pool.map(abs, [-1]) == [1]
    assert len(pool._backend._parcels) == 0


def test_large_arguments(pool: Any) -> None:
    big = np.arange(300_000.0)
    assert pool.map(partial(lambda array, i: float(array[i]), big), range(6), chunksize=1) == list(range(6))
    results = pool.map(np.negative, [big] * 4)
    assert all((result == -big).all() for result in results)

    def fill(array):
        array[:] = 7
        return array

    assert (pool.apply(fill, (big,)) == 7).all()
    assert big[1] == 1


def test_a_large_partial_is_sent_to_each_worker_once(pool: Any) -> None:
    class Counted:
        def __init__(self, data: bytes) -> None:
            self.data = data

    sent = scattered(pool)
    bound = partial(lambda counted, i: len(counted.data) + i, Counted(bytes(1_000_000)))
    assert pool.map(bound, range(20), chunksize=1) == [1_000_000 + i for i in range(20)]
    assert len(sent) == 1


def test_failures(pool: Any, tmp_path: Path) -> None:
    def fragile(x):
        if x == 2:
            raise ValueError("two")
        return x

    found = pool.map(fragile, range(4), on_error="return")
    assert found[:2] == [0, 1]
    assert found[3] == 3
    assert isinstance(found[2], ValueError)
    assert "fragile" in str(found[2].__cause__)
    with pytest.raises(ValueError, match="two"):
        pool.map(fragile, range(4))

    def second_time(folder, x):
        (folder / f"{x}-{time.monotonic_ns()}").touch()
        if len(list(folder.glob(f"{x}-*"))) < 2:
            raise ValueError("first time")
        return x

    assert pool.map(partial(second_time, tmp_path), range(3), retries=1) == [0, 1, 2]


def test_a_timeout_ends_one_task(pool: Any) -> None:
    def spin(x):
        while x == 1:
            pass
        return x

    found = pool.map(spin, range(3), timeout=0.3, on_error="return")
    assert (found[0], found[2]) == (0, 2)
    assert isinstance(found[1], TimeoutError)
    assert pool.map(abs, [-1] * 4, chunksize=1) == [1] * 4


def test_terminate_cancels(cluster: Cluster) -> None:
    pool: Any = hasten.Pool(backend="dask", address=cluster.address)
    result = pool.map_async(time.sleep, [0.01] * 2000, chunksize=1)
    pool.terminate()
    pool.join()
    with pytest.raises(Exception, match="taken back"):
        result.get(30)


def test_an_endless_input_is_read_as_needed(pool: Any) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        while True:
            taken.append(len(taken))
            yield taken[-1]

    results = pool.imap(abs, numbers(), window=4)
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) <= 10 + 4


@pytest.mark.parametrize("start", [loopback_cluster, namespace_cluster])
def test_a_host_that_dies_loses_no_task(start: Any, tmp_path: Path) -> None:
    with start(tmp_path, 2) as cluster, hasten.Pool(backend="dask", address=cluster.address) as pool:
        ready = tmp_path / "ready"

        def work(data, x):
            if x == 10:
                ready.touch()
            time.sleep(0.02)
            return x + len(data)

        result = pool.map_async(partial(work, bytes(1_000_000)), range(60), chunksize=1)
        while not ready.exists():
            time.sleep(0.01)
        cluster.processes[1].send_signal(signal.SIGKILL)
        assert result.get(60) == [x + 1_000_000 for x in range(60)]


def test_own_workers(tmp_path: Path) -> None:
    def set_up(folder):
        (folder / str(os.getpid())).touch()

    def die(x):
        if x == 2:
            os._exit(3)
        return x

    with hasten.Pool(2, set_up, (tmp_path,), backend="dask") as pool:
        assert {int(file.name) for file in tmp_path.iterdir()} == local_pids(pool)
        found = pool.map(die, range(4), on_error="return")
    assert found[:2] == [0, 1]
    assert found[3] == 3
    assert isinstance(found[2], WorkerDied)
    assert "again and again" in str(found[2])


def test_a_scheduler_that_dies_ends_the_calls(tmp_path: Path) -> None:
    with loopback_cluster(tmp_path, 1) as cluster:
        pool: Any = hasten.Pool(backend="dask", address=cluster.address)
        with pool:
            pool._backend._client._timeout = 2.0  # in which it would look for the scheduler again
            result = pool.apply_async(time.sleep, (60,))
            cluster.processes[0].kill()
            with pytest.raises((WorkerDied, ConnectionError), match="scheduler is gone"):
                result.get(30)


@pytest.mark.parametrize("name", ["maxtasksperchild", "max_memory", "max_shm", "context"])
def test_what_dask_lacks_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}=1 with backend.*leave it out"):
        hasten.Pool(backend="dask", **{name: 1})  # type: ignore[arg-type]


def test_addresses_are_checked() -> None:
    with pytest.raises(ValueError, match="leave one of the two out"):
        hasten.Pool(2, backend="dask", address="tcp://127.0.0.1:1")
    with pytest.raises(ValueError, match="backend"):
        hasten.Pool(2, address="tcp://127.0.0.1:1")
