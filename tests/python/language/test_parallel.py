"""Loops over prange: reductions, refusals, errors; and loops of all kinds that Ctrl-C stops."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from hasten.errors import TypingError

import hasten
from hasten import njit, prange


def test_reductions():
    @njit(parallel=True)
    def reduce(a):
        s = 0.0
        m = -1e9
        c = 0
        for i in prange(a.size):
            s += a[i] * 2
            m = max(m, a[i])
            if a[i] > 0.5:
                c += 1
        return s, m, c

    a = np.random.default_rng(1).random(100_000)
    s, m, c = reduce(a)
    assert s == pytest.approx(a.sum() * 2, rel=1e-12)
    assert m == np.max(a)
    assert c == (a > 0.5).sum()
    assert reduce(a) == (s, m, c)


def test_private_variables_and_nested_loops():
    @njit(parallel=True)
    def fill(n, out):
        for i in prange(n):
            t = 0
            for j in range(i):
                t += j
            out[i] = t
        return out

    assert fill(1000, np.zeros(1000)).tolist() == [i * (i - 1) / 2 for i in range(1000)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_iterations(count):
    @njit(parallel=True)
    def total(n):
        s = 10
        for i in prange(n):
            s += i
        return s

    assert total(count) == 10 + sum(range(count))


def test_what_is_no_reduction_is_refused_with_both_places():
    @njit(parallel=True)
    def last(a):
        x = 0
        for i in prange(a.size):
            x = a[i]
        return x

    @njit(parallel=True)
    def running(a):
        s = 0.0
        for i in prange(a.size):
            s += a[i]
            a[i] = s
        return s

    a = np.ones(10)
    with pytest.raises(TypingError, match=r"(?s)changes `x`.*starts in line"):
        last(a)
    with pytest.raises(TypingError, match="no iteration may read it"):
        running(a)


def test_an_error_in_an_iteration_is_raised():
    @njit(parallel=True)
    def fail(a):
        for i in prange(a.size + 1):
            a[i] = 1

    with pytest.raises(IndexError, match="index 100000 is out of bounds"):
        fail(np.zeros(100_000))


def test_threads_can_be_set():
    before = hasten.get_num_threads()
    hasten.set_num_threads(1)
    assert hasten.get_num_threads() == 1
    hasten.set_num_threads(before)
    with pytest.raises(ValueError, match="threads"):
        hasten.set_num_threads(0)


@njit
def endless():
    i = 0
    while True:
        i += 1


@njit
def long_inner(a):
    s = 0.0
    for k in range(10**13):
        s += a[k % 3]
    return s


@njit
def long_outer(a):
    s = 0.0
    for _ in range(10**13):
        for j in range(3):
            s += a[j]
    return s


@njit(nogil=True)
def without_gil(a):
    while True:
        a = a * 1.0


@njit(parallel=True)
def long_parallel(a):
    s = 0.0
    for k in prange(10**13):
        s += a[k % 3]
    return s


LOOPS = [
    (endless,),
    (long_inner, np.ones(3)),
    (long_outer, np.ones(3)),
    (without_gil, np.ones(3)),
    (long_parallel, np.ones(3)),
]


@pytest.mark.parametrize("case", LOOPS, ids=lambda case: case[0].__name__)
def test_a_signal_stops_a_compiled_loop(case):
    def interrupt(*_):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            case[0](*case[1:])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
