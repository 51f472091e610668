"""The pool over MPI, on ranks of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.clusters.running import GLOBALS, run_ranks

CALLS = """
import os
from functools import partial
import numpy as np
import hasten

offset = 10

@hasten.njit
def cube(x):
    return x * x * x

def pid(x):
    return os.getpid()

def item(array, index):
    return float(array[index])

def fragile(x):
    if x == 2:
        raise ValueError("two")
    return x

def fill(array):
    array[:] = 7
    return array

class Point:
    def __init__(self, x):
        self.x = x

with hasten.Pool(backend="mpi") as pool:
    assert pool.map(lambda x: x + offset, range(10)) == list(range(10, 20))
    assert pool.map(cube, [1, 2, 3]) == [1, 8, 27]
    assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
    assert pool.apply(sorted, ([2, 1],), {"reverse": True}) == [2, 1]
    assert list(pool.imap(cube, range(50), window=3)) == [x**3 for x in range(50)]
    assert sorted(pool.imap_unordered(cube, range(9), chunksize=2)) == [x**3 for x in range(9)]
    assert pool.map_async(cube, [2]).get(30) == [8] and pool.map(cube, []) == []
    assert isinstance(pool.apply(Point, (3,)), Point)
    got = []
    pool.apply_async(cube, (3,), callback=got.append).wait(30)
    assert got == [27]
    pids = set(pool.map(pid, range(30), chunksize=1))
    assert (os.getpid() in pids) == (WORKERS == 0)

    big = np.arange(300_000.0)
    assert pool.map(partial(item, big), range(6), chunksize=1) == list(range(6))
    results = pool.map(np.negative, [big] * 4)
    assert all((result == -big).all() for result in results)
    assert (pool.apply(fill, (big,)) == 7).all() and big[1] == 1, "a task's change stays with it"

    found = pool.map(fragile, range(4), on_error="return")
    assert found[:2] == [0, 1] and isinstance(found[2], ValueError) and found[3] == 3
    assert "fragile" in str(found[2].__cause__)
    try:
        pool.map(fragile, range(4))
    except ValueError as error:
        assert str(error) == "two"
    assert pool.map(lambda x: (x, lambda: x), [1], on_error="return")[0][1]() == 1
with hasten.Pool(backend="mpi") as pool:
    assert pool.map(cube, range(3)) == [0, 1, 8]
print("done")
"""


@pytest.mark.parametrize("ranks", [0, 3])
def test_calls(mpirun: str, tmp_path: Path, ranks: int) -> None:
    done = run_ranks(mpirun, ranks, tmp_path / "script.py", CALLS.replace("WORKERS", str(max(0, ranks - 1))))
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


RANKS = """
import hasten
from hasten import mpi

pool = hasten.Pool(backend="mpi")
if mpi.rank() == 0:
    with pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
assert mpi.allreduce(1) == mpi.size() == 3
if mpi.rank() == 0:
    with hasten.Pool(backend="mpi") as late:  # the others have come to their end
        print(late.map(abs, [-3]))
"""


def test_ranks_go_on_after_a_pool_and_serve_at_their_end(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 3, tmp_path / "script.py", RANKS)
    assert (done.returncode, done.stdout) == (0, "[3]\n"), done.stderr


def test_functions_share_the_globals_that_were_set_in_their_rank(mpirun: str, tmp_path: Path) -> None:
    program = GLOBALS.replace("OPTIONS", 'backend="mpi"')
    for ranks in (0, 3):
        done = run_ranks(mpirun, ranks, tmp_path / "script.py", program)
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


FAILURES = [
    ('with hasten.Pool(backend="mpi") as pool:\n    pass\nhasten.mpi.barrier()', "only serves pools"),
    ('with hasten.Pool(backend="mpi") as pool:\n    1 / 0', "ZeroDivisionError"),
    ("if hasten.mpi.rank() == 1:\n    1 / 0\nhasten.mpi.barrier()", "ZeroDivisionError"),
    ('hasten.Pool(initializer=divmod, initargs=(1, 0), backend="mpi")', "initializer failed"),
]


@pytest.mark.parametrize(("program", "message"), FAILURES)
def test_a_failure_ends_all_ranks(mpirun: str, tmp_path: Path, program: str, message: str) -> None:
    done = run_ranks(mpirun, 2, tmp_path / "script.py", f"import hasten\n{program}\n")
    assert done.returncode != 0
    assert message in done.stderr


HELPERS = """
import numpy as np
from hasten import mpi

rank, size = mpi.rank(), mpi.size()
first, last = rank == 0, rank == size - 1
mine = mpi.scatter(list(range(10)) if first else None)
assert abs(len(mine) * size - 10) < size
assert mpi.gather(mine) == (list(range(10)) if first else None)
table = np.arange(22.0).reshape(11, 2)
part = mpi.scatter(table if first else None)
assert part.shape[1] == 2 and (mpi.allgather(part) == table).all()
whole = mpi.gather(part * 2, root=size - 1)
assert (whole is not None) == last and (not last or (whole == 2 * table).all())
assert len(mpi.allgather(mpi.scatter(np.arange(2) if first else None))) == 2
dates = np.array(["2020-01-01", "2021-01-01"], "M8[D]")
assert (mpi.bcast(dates if first else None) == dates).all()
assert (mpi.bcast(table.T if first else None) == table.T).all()
assert mpi.bcast({"a": rank}, root=size - 1) == {"a": size - 1}
assert mpi.allreduce(rank) == size * (size - 1) // 2 and mpi.allreduce(rank, "max") == size - 1
for kind in ("f4", "f2", "i8"):
    assert (mpi.allreduce(np.full(3, rank + 1, kind), "min") == np.ones(3)).all()
total = mpi.reduce(np.ones((2, 2)), root=size - 1)
assert (total is not None) == last and (not last or (total == size).all())
half = mpi.reduce(np.ones(2, "f2"), "prod")
assert (half is not None) == first
try:
    mpi.allreduce(1, "mean")
except ValueError as error:
    assert "mean" in str(error)
mpi.barrier()
try:
    mpi.gather(np.ones(1, "f4" if last and size > 1 else "f8"))
except ValueError as error:
    assert first and size > 1 and "float32" in str(error)
print(mpi.reduce(1) or "", end="")
"""


@pytest.mark.parametrize(("ranks", "shown"), [(0, "1"), (3, "3")])
def test_helpers(mpirun: str, tmp_path: Path, ranks: int, shown: str) -> None:
    done = run_ranks(mpirun, ranks, tmp_path / "script.py", HELPERS)
    assert (done.returncode, done.stdout) == (0, shown), done.stderr


JIT = """
import warnings
import numpy as np
import hasten
from hasten import mpi

rank = mpi.rank()

@hasten.jit
def step(values):
    for i in range(values.size):
        values[i] = values[i] * 2 + rank
    return mpi.allreduce(values)

warnings.simplefilter("ignore")
assert (step(np.ones(4)) == 2 * mpi.size() + sum(range(mpi.size()))).all()
assert hasten.stats()["native_calls"] == 1
"""


def test_jit_compiles_the_loops_around_a_call_of_mpi(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 2, tmp_path / "script.py", JIT)
    assert done.returncode == 0, done.stderr


ONCE = """
import os
rank = os.environ.get("PMI_RANK", os.environ.get("OMPI_COMM_WORLD_RANK", "0"))
os.environ["HASTEN_CACHE_DIR"] = os.path.join("FOLDER", rank)
import numpy as np
import hasten
from functools import partial

@hasten.njit
def fourth(x):
    return x * x * x * x

def counts(x):
    before = hasten.stats()
    fourth(x)
    after = hasten.stats()
    return [after[name] - before[name] for name in ("native_compilations", "cache_loads")]

def read(table, i):
    return float(table[i]), table.flags.writeable

with hasten.Pool(backend="mpi") as pool:
    freight = pool._backend._freight
    sent = []
    send = freight._send
    freight._send = lambda packed, rank: (sent.append(rank), send(packed, rank))
    fourth(2.0)
    found = pool.map(counts, [1.0] * 20, chunksize=1)
    assert all(not compilations for compilations, _ in found), found
    assert sum(loads for _, loads in found) == len(sent) == len(set(sent)) <= WORKERS
    assert pool.apply(counts, (3,)) == [1, 0]

    sent.clear()
    handle = hasten.share(np.arange(1000.0))
    for _ in range(2):
        assert pool.starmap(read, [(handle, i) for i in range(9)], chunksize=1) == [(i, False) for i in range(9)]
    assert pool.map(partial(read, handle), range(3)) == [(i, False) for i in range(3)]
    parcels = [rank for rank in sent]
    assert len(set(parcels)) <= WORKERS and len(parcels) <= 2 * WORKERS, parcels
    waiting = len(freight._sent)
    del handle
    assert pool.map(abs, [-1] * 9, chunksize=1) == [1] * 9
    assert len(freight._sent) == waiting - (WORKERS > 0), "what is not shared any more is forgotten"

    again = pool.map(lambda x: hasten.share((x, np.arange(3.0))), [1, 2])
    assert [(x, array.sum()) for x, array in again] == [(1, 3), (2, 3)], "a handle that comes back is its value"

def set_up(given):
    os.environ["GIVEN"] = str(given.sum())

with hasten.Pool(None, set_up, (hasten.share(np.arange(4.0)),), backend="mpi") as pool:
    assert pool.apply(os.getenv, ("GIVEN",)) == "6.0"
print("done")
"""


@pytest.mark.parametrize("ranks", [0, 3])
def test_code_and_shared_values_go_to_each_rank_once(mpirun: str, tmp_path: Path, ranks: int) -> None:
    program = ONCE.replace("FOLDER", str(tmp_path / "cache")).replace("WORKERS", str(max(0, ranks - 1)))
    done = run_ranks(mpirun, ranks, tmp_path / "script.py", program)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


OPTIONS = """
import hasten
for name in "processes", "maxtasksperchild", "max_memory", "max_shm", "context", "address":
    try:
        hasten.Pool(**{name: 5}, backend="mpi")
    except ValueError as error:
        assert f"{name}=" in str(error) and "leave it out" in str(error), error
    else:
        raise AssertionError(name)
with hasten.Pool(backend="mpi") as pool:
    try:
        pool.map(abs, [1], timeout=1)
    except ValueError as error:
        assert "timeout=1" in str(error)
    else:
        raise AssertionError
print("done")
"""


def test_what_mpi_lacks_is_refused(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 0, tmp_path / "script.py", OPTIONS)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


MISSING = """
import sys
import hasten
assert not {"mpi4py", "distributed", "hasten.backends"} & set(sys.modules)
for backend, package in (("mpi", "mpi4py"), ("dask", "distributed")):
    sys.modules[package] = None
    try:
        hasten.Pool(backend=backend)
    except ModuleNotFoundError as error:
        print(error)
try:
    hasten.Pool(backend="slurm")
except ValueError as error:
    print(error)
"""


def test_a_missing_package_is_named(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 0, tmp_path / "script.py", MISSING)
    assert done.stdout.splitlines() == [
        "this needs the package mpi4py, which is not installed: pip install 'hasten[mpi]'",
        "this needs the package distributed, which is not installed: pip install 'hasten[dask]'",
        "backend='slurm': use one of 'mpi', 'dask', or leave it out for processes on this machine",
    ], done.stderr
