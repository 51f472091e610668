"""How arguments find parameters, and which code they find."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import hasten
from hasten import jit, njit


def compilations() -> int:
    return hasten.stats()["native_compilations"]


def describe(a: Any, /, b: Any, c: Any = 10, *, d: Any, e: Any = 100) -> Any:
    return ((((a * 10) + b) * 10 + c) * 10 + d) * 10 + e


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1, 2), {"d": 3}),
    ((1, 2, 3), {"d": 4, "e": 5}),
    ((1,), {"b": 2, "d": 3}),
    ((1,), {"e": 1, "d": 2, "c": 3, "b": 4}),
]

MISFITS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((1, 2), {}),
    ((1, 2, 3, 4), {"d": 5}),
    ((1, 2), {"d": 3, "f": 4}),
    ((1, 2), {"b": 3, "d": 4}),
    ((), {"a": 1, "b": 2, "d": 3}),
]


@pytest.mark.parametrize(("args", "kwargs"), CALLS)
def test_arguments_find_parameters_as_in_python(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert njit(describe)(*args, **kwargs) == describe(*args, **kwargs)


@pytest.mark.parametrize(("args", "kwargs"), MISFITS)
def test_a_call_that_does_not_fit_is_refused_in_pythons_words(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(TypeError) as python:
        describe(*args, **kwargs)
    before = compilations()
    with pytest.raises(TypeError) as ours:
        njit(describe)(*args, **kwargs)
    assert str(ours.value) == str(python.value)
    assert compilations() == before


def test_more_arguments_become_a_tuple() -> None:
    @njit
    def second_of_rest(first: Any, *rest: Any) -> Any:
        return first + rest[1]

    assert second_of_rest(1, 2, 3) == 4
    assert second_of_rest(1, 2.5, 3.5, 4) == 4.5


def test_many_parameters() -> None:
    names = [f"x{i}" for i in range(40)]
    scope: dict[str, Any] = {}
    exec(f"def total({', '.join(names)}):\n    return {' + '.join(names)}", scope)
    total = njit(scope["total"])
    assert total(*range(40)) == sum(range(40))
    assert total(*range(39), x39=1) == sum(range(39)) + 1
    arrays = [np.full(3, float(i)) for i in range(40)]
    assert np.array_equal(total(*arrays), np.full(3, float(sum(range(40)))))


def test_types_are_compiled_once() -> None:
    @njit
    def double(x: Any) -> Any:
        return x + x

    before = compilations()
    assert [double(1), double(2), double(3)] == [2, 4, 6]
    assert compilations() == before + 1
    assert [double(1.5), double(1), double(2.5)] == [3.0, 2, 5.0]
    assert compilations() == before + 2


def test_arrays_are_told_apart_by_dtype_rank_layout_and_writeability() -> None:
    @njit
    def first(a: Any) -> Any:
        return a.shape[0]

    square = np.zeros((4, 4))
    fixed = np.zeros((4, 4))
    fixed.flags.writeable = False
    for array in (square, np.asfortranarray(square), square[::2, ::2], square.astype(np.float32), square[0], fixed):
        before = compilations()
        assert first(array) == array.shape[0]
        assert first(array) == array.shape[0]
        assert compilations() == before + 1


def test_calls_are_counted() -> None:
    @njit
    def same(x: Any) -> Any:
        return x

    before = hasten.stats()
    for i in range(5):
        same(i)
    after = hasten.stats()
    assert after["native_calls"] - before["native_calls"] == 5
    assert after["interpreted_calls"] == before["interpreted_calls"]


def test_methods() -> None:
    class Point:
        x = 3

        @njit
        def shifted(self: Any, by: Any) -> Any:
            return self + by

        @staticmethod
        @njit
        def doubled(x: Any) -> Any:
            return x + x

    assert Point.doubled(2) == 4
    assert Point().doubled(2) == 4
    assert Point.shifted(1, 2) == 3
    bound = Point().shifted
    assert bound.__self__.x == 3
    assert bound.__func__ is Point.__dict__["shifted"]


def test_arguments_of_a_type_that_compiled_code_lacks() -> None:
    @njit
    def same(x: Any) -> Any:
        return x

    with pytest.raises(hasten.errors.TypingError, match="It is the argument `x`"):
        same(object())


def test_the_gil_is_released_where_that_was_asked_for() -> None:
    def spin(n: int) -> int:
        total = 0
        for i in range(n):
            total += i % 7
        return total

    free = njit(nogil=True)(spin)
    free(1)
    ticks = 0
    done = threading.Event()

    def work() -> None:
        free(200_000_000)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.wait(0.001):
        ticks += 1
    thread.join()
    assert ticks > 1


def test_threads_that_want_the_same_code_compile_it_once() -> None:
    @njit
    def heavy(a: Any) -> Any:
        total = 0.0
        for i in range(a.shape[0]):
            for j in range(a.shape[0]):
                total += a[i] * a[j]
        return total

    array = np.arange(10.0)
    before = compilations()
    barrier = threading.Barrier(8)
    results: list[float] = []

    def call() -> None:
        barrier.wait()
        results.append(heavy(array))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [array.sum() ** 2] * 8
    assert compilations() == before + 1


def test_a_function_is_called_by_another() -> None:
    @njit
    def inner(x: Any) -> Any:
        return x * 2

    @njit
    def outer(x: Any) -> Any:
        return inner(x) + 1

    assert outer(3) == 7


def test_recursion_that_is_too_deep_raises() -> None:
    @njit("int64(int64)")
    def down(n: Any) -> Any:
        return 0 if n == 0 else down(n - 1) + 1

    assert down(1000) == 1000
    with pytest.raises(RecursionError):
        down(10**9)

    failures: list[BaseException] = []

    def in_thread() -> None:
        try:
            down(10**9)
        except RecursionError as error:
            failures.append(error)

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert len(failures) == 1


def test_plain_jit_computes_what_python_computes() -> None:
    @jit
    def power(x: Any, y: Any) -> Any:
        return x * y

    assert power(2**40, 2**10) == 2**50
    with pytest.raises(OverflowError):
        power(2**40, 2**40)


def test_a_choice_of_tuples_may_be_unpacked() -> None:
    def chosen(flag: Any) -> Any:
        return (*((1, 2) if flag else (3, 4)), 5)

    assert njit(chosen)(True) == (1, 2, 5)
    assert njit(chosen)(False) == (3, 4, 5)
