"""Compiled functions that call MPI, on ranks of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.clusters.running import run_ranks

BEGIN = """
import numpy as np
import hasten
from hasten import mpi

rank, size = mpi.rank(), mpi.size()
first, last = rank == 0, rank == size - 1
DTYPES = "? b B h H i I l L e f d F D".split()

def values_of(code, shape=6):
    return (np.arange(np.prod(shape)).reshape(shape) % 5 + rank).astype(code)

def same(a, b):
    assert type(a) is type(b), (type(a), type(b))
    if a is not None:
        assert np.asarray(a).dtype == np.asarray(b).dtype, (a, b)
        assert np.array_equal(a, b), (a, b)
"""

COLLECTIVES = """
def plainly(values, number, root):
    share = mpi.scatter(values, root)
    return (
        mpi.bcast(values, root),
        mpi.bcast(number),
        share,
        mpi.gather(share, root),
        mpi.allgather(values),
        mpi.allreduce(number),
        mpi.reduce(number, "max", root),
    )

calls = hasten.njit(plainly)

for code in DTYPES:
    for values in (values_of(code), values_of(code, (5, 2)), values_of(code, (4, 6)).T[::2]):
        for root in {0, size - 1}:
            for mine, theirs in zip(calls(values, rank + 1, root), plainly(values, rank + 1, root)):
                same(mine, theirs)
assert calls(values_of("d"), 1.5, 0)[5] == 1.5 * size
assert calls(values_of("d"), True, 0)[1] is True and calls(values_of("d"), True, 0)[5] == size

@hasten.njit
def total(values):
    return mpi.allreduce(values), mpi.reduce(values)

@hasten.njit
def product(values):
    return mpi.allreduce(values, "prod")

@hasten.njit
def extremes(values):
    return mpi.allreduce(values, "min"), mpi.reduce(values, "max", root=mpi.size() - 1)

@hasten.njit
def bits(values):
    return mpi.allreduce(values, "and"), mpi.allreduce(values, op="or"), mpi.allreduce(values, "xor")

for code in DTYPES:
    for values in (values_of(code), values_of(code, (4, 6)).T[::2]):
        for mine, theirs in zip(total(values), (mpi.allreduce(values), mpi.reduce(values))):
            same(mine, theirs)
        same(product(values), mpi.allreduce(values, "prod"))
        if code not in "FD":
            same(extremes(values)[0], mpi.allreduce(values, "min"))
            same(extremes(values)[1], mpi.reduce(values, "max", size - 1))
        if code in "?bBhHiIlL":
            for mine, op in zip(bits(values), ("and", "or", "xor")):
                same(mine, mpi.allreduce(values, op))
before = values_of("d")
assert (calls(before, 0, 0)[0] is before) == first, "rank 0 gets its own array"
mpi.barrier()
print(mpi.reduce(1) or "", end="")
"""

MESSAGES = """
@hasten.njit
def around(values, got, tag):
    there, back = (mpi.rank() + 1) % mpi.size(), (mpi.rank() - 1) % mpi.size()
    sending = mpi.isend(values, there, tag)
    came = mpi.recv(got, back, tag)
    mpi.wait(sending)
    return came

@hasten.njit
def around_together(values, got):
    return mpi.sendrecv(values, (mpi.rank() + 1) % mpi.size(), got, mpi.ANY_SOURCE)

@hasten.njit
def around_later(values, got):
    there, back = (mpi.rank() + 1) % mpi.size(), (mpi.rank() - 1) % mpi.size()
    receiving = mpi.irecv(got, back)
    sending = mpi.isend(values.copy(), there)  # of an array that nobody holds after this
    mpi.waitall((sending, receiving))
    assert mpi.test(sending) and mpi.testall(np.array([sending, receiving]))
    return mpi.waitany((sending, receiving)), mpi.wait(receiving)

back = (rank - 1) % size
for code in DTYPES:
    for shape in (6, (3, 2), 0):
        values = np.full(shape, rank, code)
        wanted = np.full(shape, back, code)
        got = np.zeros(shape, code)
        assert around(values, got, 7) == (back, wanted.size)
        same(got, wanted)
        got[...] = 0
        assert around_together(values, got) == (back, wanted.size)
        same(got, wanted)
        got[...] = 0
        assert around_later(values, got) == (-1, (-1, 0))
        same(got, wanted)
table = np.zeros((4, 5))
assert around(np.arange(8.0)[::2] + rank, table[:, 2], 0) == (back, 4), "columns are sent and filled, too"
assert (table[:, 2] == [back, back + 2, back + 4, back + 6]).all() and table[:, [0, 1, 3, 4]].sum() == 0
assert around(np.ones(2), table[0], 0) == (back, 2) and table[0].tolist() == [1, 1, back, 0, 0]

# Plain Python has the same functions, and either side may be compiled.
got = np.zeros(3)
if rank % 2:
    mpi.send(np.arange(3), (rank + 1) % size)
sending = mpi.isend(np.full(3, rank), (rank + 1) % size, 1)
wanted = np.zeros(3, int)
receiving = mpi.irecv(wanted, back, 1)
assert mpi.waitany([receiving]) == 0 and mpi.waitany([receiving]) == -1
mpi.waitall([sending, receiving])
assert (wanted == back).all() and mpi.testany([sending]) == -1 and mpi.test(sending)
if back % 2:
    assert mpi.recv(wanted, mpi.ANY_SOURCE) == (back, 3) and (wanted == [0, 1, 2]).all()

@hasten.njit
def number_to_next(x):
    got = np.empty(1)
    mpi.sendrecv(x, (mpi.rank() + 1) % mpi.size(), got, (mpi.rank() - 1) % mpi.size())
    return got[0]

assert number_to_next(rank + 0.5) == back + 0.5
print(mpi.reduce(1) or "", end="")
"""

OTHERS = """
@hasten.njit
def facts():
    return mpi.rank(), mpi.size(), mpi.initialized(), mpi.wtime()

assert facts()[:3] == (rank, size, True) == (mpi.rank(), mpi.size(), mpi.initialized())
assert mpi.wtime() <= facts()[3] <= mpi.wtime()

@hasten.jit
def half_python(values):
    names = {"total": mpi.allreduce(values.sum())}
    return names["total"]

@hasten.jit
def what_only_one_has(values):
    return mpi.scatter(values)

@hasten.jit
def compiled(values):
    mpi.barrier()
    return mpi.sendrecv(values, mpi.rank(), values + 1, mpi.rank())

import warnings
warnings.simplefilter("ignore")
assert half_python(np.ones(3)) == 3 * size
assert what_only_one_has(np.arange(size) if first else None).tolist() == [rank], "no rank compiles it"
before = hasten.stats()["native_calls"]
assert compiled(np.ones(2)) == (rank, 2) and hasten.stats()["native_calls"] == before + 1

from hasten import numba
@numba.njit
def in_the_other_dialect(x):
    return mpi.allreduce(x), mpi.bcast(x)
assert in_the_other_dialect(2) == (2 * size, 2)

@hasten.njit(parallel=True)
def in_a_loop(values):
    for i in hasten.prange(4):
        values[i] = mpi.rank()
    return values
assert (in_a_loop(np.ones(4)) == rank).all()
print(mpi.reduce(1) or "", end="")
"""


@pytest.mark.parametrize(("ranks", "shown"), [(0, "1"), (3, "3")])
@pytest.mark.parametrize("program", [COLLECTIVES, MESSAGES, OTHERS], ids=["collectives", "messages", "others"])
def test_compiled_calls_mean_what_plain_ones_do(
    mpirun: str, tmp_path: Path, ranks: int, shown: str, program: str
) -> None:
    done = run_ranks(mpirun, ranks, tmp_path / "script.py", BEGIN + program, 120)
    assert (done.returncode, done.stdout, done.stderr) == (0, shown, "")


ERRORS = r"""
import pytest

@hasten.njit
def send(values, dest, tag):
    mpi.send(values, dest, tag)

@hasten.njit
def recv(values, source):
    return mpi.recv(values, source)

@hasten.njit
def irecv(values):
    return mpi.irecv(values, 0)

@hasten.njit
def bcast(values, root):
    return mpi.bcast(values, root)

@hasten.njit
def scatter(values):
    return mpi.scatter(values)

@hasten.njit
def gather(values):
    return mpi.gather(values)

@hasten.njit
def unused(values):
    return mpi.reduce(values) + 1

for call, exception, message in [
    (lambda: send(np.ones(1), size, 0), ValueError, f"dest={size}: there are the ranks 0 to {size - 1}"),
    (lambda: mpi.send(np.ones(1), -1), ValueError, "dest=-1"),
    (lambda: send(np.ones(1), 0, -5), ValueError, "tag=-5: tags are numbers from 0 to 32767"),
    (lambda: recv(np.ones(1), size), ValueError, f"source={size}"),
    (lambda: bcast(np.ones(1), size), ValueError, f"root={size}"),
    (lambda: irecv(np.ones((3, 2))[:, 0]), ValueError, "in C order only"),
    (lambda: mpi.allreduce(np.ones(1), "and"), TypeError, "can't combine arrays of float64"),
]:
    with pytest.raises(exception, match=message):
        call()

frozen = np.ones(1)
frozen.flags.writeable = False
for function, arguments, message in [
    (lambda a: mpi.recv(a, 0), (frozen,), "read-only"),
    (lambda a: mpi.send(a, 0), ("text",), "takes an array or a number in compiled code, not"),
    (lambda a: mpi.scatter(a), (3,), "takes an array with at least one dimension"),
    (lambda a: mpi.allreduce(a, "mean"), (3,), '"sum", "prod"'),
    (lambda a: mpi.allreduce(a, "min"), (1j,), "can't combine complex by 'min'"),
    (lambda a: mpi.waitall(a), (3,), "takes requests in a tuple or in an array of ints"),
]:
    with pytest.raises(hasten.errors.HastenError, match=message):
        hasten.njit(function)(*arguments)

# What one rank does wrong leaves no rank waiting.
own = np.ones((2, 2)) if first else np.ones(2, "f4")
for call in bcast, lambda values, root: scatter(values):
    if first:
        call(own, 0)
    else:
        with pytest.raises(TypeError, match=r"rank 0 passes an array of float64 .*\(2,2\), rank 1 one of float32"):
            call(own, 0)
with pytest.raises(ValueError, match=r"rank 0 passes float64 of shape \(2,2\), rank 1 float32 of shape \(2,\)"):
    gather(own)
if not first:
    with pytest.raises(TypeError, match="got None"):
        unused(np.ones(1))
    with pytest.raises(RuntimeError, match="(?i)truncate"):
        recv(np.ones(1), 0)
else:
    unused(np.ones(1))
    send(np.ones(5), 1, 0)
assert hasten.stats()["block_bytes"] == 0, "errors leave nothing behind"
print(mpi.reduce(1) or "", end="")
"""


def test_errors_are_exceptions(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 2, tmp_path / "script.py", BEGIN + ERRORS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2", "")


WAITING = """
import signal
import threading

@hasten.njit
def wait_for_a_message(values):
    return mpi.recv(values, 0, 5)

class TimeUp(Exception):
    pass

def interrupt(*_):
    raise TimeUp

got = np.zeros(2)
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    wait_for_a_message(got)
except TimeUp:
    print("interrupted", end=" ")

# A thread that waits holds no other one up.
thread = threading.Thread(target=wait_for_a_message, args=(got,))
thread.start()
ticks = sum(1 for _ in range(100_000))
mpi.send(np.arange(2.0), 0, 5)
thread.join()
print(got.tolist(), ticks)
"""


def test_waiting_ends_with_a_signal_and_leaves_the_gil(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 1, tmp_path / "script.py", BEGIN + WAITING)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted [0.0, 1.0] 100000\n", "")


SERVING = """
pool = hasten.Pool(backend="mpi")
if first:
    with pool:
        pool.map(abs, [1])

@hasten.njit
def meet():
    return mpi.allreduce(1)

assert meet() == size
with hasten.Pool(backend="mpi") as pool:
    pass
meet()
"""


def test_a_collective_call_that_a_serving_rank_misses_is_noticed(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 2, tmp_path / "script.py", BEGIN + SERVING)
    assert done.returncode != 0
    assert "only serves pools" in done.stderr


ABSENT = """
import sys
import hasten
from hasten import mpi
sys.modules["mpi4py"] = None

@hasten.njit
def rank():
    return mpi.rank()

try:
    rank()
except ModuleNotFoundError as error:
    print(error)
"""


def test_a_missing_mpi4py_is_named(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 0, tmp_path / "script.py", ABSENT)
    assert done.stdout == "this needs the package mpi4py, which is not installed: pip install 'hasten[mpi]'\n"


ONE_THREAD = """
import threading
import mpi4py
mpi4py.rc.thread_level = "funneled"
import hasten
from hasten import mpi

@hasten.njit
def meet():
    mpi.barrier()

def elsewhere():
    try:
        meet()
    except RuntimeError as error:
        print(error)

meet()
thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()
"""


def test_an_mpi_for_one_thread_is_called_from_the_main_thread_only(mpirun: str, tmp_path: Path) -> None:
    done = run_ranks(mpirun, 1, tmp_path / "script.py", ONE_THREAD)
    assert done.stdout.startswith("this MPI library was started for one thread"), (done.stdout, done.stderr)
