"""Exceptions that compiled code raises are those that the source names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from typing import Any

import numpy as np
import pytest

from hasten import jit, njit


class Refusal(Exception):
    """A class of the user's, with arguments of its own."""

    def __init__(self, code: int, why: str = "no reason") -> None:
        super().__init__(code, why)
        self.code = code


def test_the_users_exception_and_its_arguments() -> None:
    @njit
    def check(x: Any, a: Any) -> Any:
        if x < 0:
            raise Refusal(x, "negative")
        if x == 0:
            raise Refusal(7)
        if x == 1:
            raise ValueError(x, 2.5, None, True, (1, "two"), a)
        return x

    array = np.arange(3.0)
    with pytest.raises(Refusal) as caught:
        check(-5, array)
    assert caught.value.code == -5
    assert caught.value.args == (-5, "negative")
    with pytest.raises(Refusal) as caught:
        check(0, array)
    assert caught.value.args == (7, "no reason")
    with pytest.raises(ValueError) as other:  # noqa: PT011
        check(1, array)
    assert other.value.args[:5] == (1, 2.5, None, True, (1, "two"))
    assert other.value.args[5] is array


def test_a_class_without_a_call() -> None:
    @njit
    def never(x: Any) -> Any:
        raise KeyError

    with pytest.raises(KeyError) as caught:
        never(1)
    assert caught.value.args == ()


def test_formatted_messages() -> None:
    @njit
    def check(x: Any, y: Any) -> Any:
        if x > 10:
            raise ValueError(f"{x} is {x - 10:03d} above; {y!r:>6} {{}}")
        raise ValueError("%.2f is it" % y)

    with pytest.raises(ValueError, match=r"^15 is 005 above;    2\.5 \{\}$"):
        check(15, 2.5)
    with pytest.raises(ValueError, match=r"^2\.50 is it$"):
        check(3, 2.5)


def test_errors_that_compiled_code_finds_itself() -> None:
    @njit
    def at(a: Any, i: Any) -> Any:
        return a[i]

    array = np.arange(3.0)
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 3"):
        at(array, 5)
    with pytest.raises(ZeroDivisionError):
        njit(lambda x, y: x // y)(1, 0)


def frames_of(error: BaseException) -> list[tuple[str, str, int]]:
    return [(os.path.basename(f.filename), f.name, f.lineno or 0) for f in traceback.extract_tb(error.__traceback__)]


def test_the_traceback_names_the_users_lines() -> None:
    @njit
    def inner(x: Any) -> Any:
        for i in range(10):
            if i == x:
                raise ValueError("found")
        return 0

    @njit
    def outer(x: Any) -> Any:
        total = inner(x + 1)
        return total + 1

    with pytest.raises(ValueError, match="found") as caught:
        outer(2)
    first = inner.py_func.__code__.co_firstlineno
    second = outer.py_func.__code__.co_firstlineno
    here = os.path.basename(__file__)
    assert frames_of(caught.value)[1:] == [(here, "outer", second + 2), (here, "inner", first + 4)]
    text = "".join(traceback.format_exception(caught.value))
    assert 'raise ValueError("found")' in text


def test_nothing_is_lost_on_the_way_out() -> None:
    import hasten

    @njit
    def late(a: Any, i: Any) -> Any:
        b = a + 1
        c = b * 2
        return b[i] + c[i]

    array = np.arange(100.0)
    late(array, 1)
    before = hasten.stats()
    for _ in range(20):
        with pytest.raises(IndexError):
            late(array, 1000)
    after = hasten.stats()
    assert after["blocks_allocated"] - after["blocks_freed"] == before["blocks_allocated"] - before["blocks_freed"]
    references = sys.getrefcount(array)
    with pytest.raises(IndexError):
        late(array, 1000)
    assert sys.getrefcount(array) == references


def spin(n: Any) -> Any:
    total = 0
    for i in range(n):
        total += i % 7
    return total


# Another process sends the signal: another thread would need the GIL for that.
INTERRUPT = "import os, signal, time\ntime.sleep(0.5)\nos.kill(os.getppid(), signal.SIGINT)"


@pytest.mark.parametrize("nogil", [False, True])
def test_ctrl_c_stops_a_loop(nogil: bool) -> None:
    loop = njit(nogil=nogil)(spin)
    loop(1)
    with subprocess.Popen([sys.executable, "-c", INTERRUPT]):
        with pytest.raises(KeyboardInterrupt) as caught:
            loop(10**15)
    file, name, line = frames_of(caught.value)[-1]
    assert (file, name) == ("test_exceptions.py", "spin")
    assert 0 < line - spin.__code__.co_firstlineno < 4
    assert loop(10) == 24


def test_a_signal_handler_that_returns_lets_the_loop_go_on() -> None:
    loop = njit(spin)
    loop(1)
    seen: list[int] = []
    previous = signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        while not seen:
            assert loop(70_000_000) == 210_000_000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert seen == [signal.SIGALRM]


def test_an_assertion() -> None:
    @jit
    def positive(x: Any) -> Any:
        assert x > 0, "too small"
        return x

    assert positive(1) == 1
    with pytest.raises(AssertionError, match="too small"):
        positive(0)


def test_the_exception_that_is_being_handled_becomes_the_context() -> None:
    @njit
    def never(x: Any) -> Any:
        raise ValueError("second")

    with pytest.raises(ValueError, match="second") as caught:
        try:
            raise KeyError("first")
        except KeyError:
            never(1)
    assert isinstance(caught.value.__context__, KeyError)
