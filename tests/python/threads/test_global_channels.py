"""Channels that global variables hold, in compiled functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hasten.numba
import numpy as np
import pytest

import hasten

LONG = 30.0

numbers = hasten.Channel[int](4, dtype=int)
results = hasten.Channel[float](dtype=float)
lines = hasten.Channel[Any](4, dtype=float, ndim=1)


def started(function: Any, *args: Any) -> hasten.Thread:
    thread = hasten.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


@hasten.njit
def put_numbers(count):
    for i in range(count):
        numbers.put(i)
    numbers.close()


@hasten.njit
def halve_numbers():
    count = 0
    for number in numbers:
        results.put(number / 2)
        count += 1
    results.close()
    return count, numbers.closed, len(numbers)


def test_stages_in_threads_hand_over_by_globals() -> None:
    producer, stage = started(put_numbers, 1000), started(halve_numbers)
    assert sum(results) == 999 * 1000 / 4
    producer.result(LONG)
    assert stage.result(LONG) == (1000, True, 0)


@hasten.njit
def put_line(values):
    lines.put(values * 2)


@hasten.njit
def take_line():
    return lines.get(timeout=30.0).sum()


@hasten.njit
def pass_line(values):
    put_line(values)
    return take_line()


def test_arrays_and_functions_that_call_each_other() -> None:
    assert pass_line(np.arange(4.0)) == 12
    put_line(np.ones(3))
    assert list(lines.get()) == [2, 2, 2]


def test_it_waits_without_the_gil() -> None:
    waiting = started(take_line)
    lines.put(np.array([1.0, 2.0]))
    assert waiting.result(LONG) == 3


def make(channel: Any, decorator: Any) -> Any:
    space: dict[str, Any] = {"channel": channel}
    exec(compile("def take():\n    return channel.get_nowait()\n", "<global channel>", "exec"), space)
    return SimpleNamespace(space=space, take=decorator(space["take"]))


@pytest.mark.parametrize("decorator", [hasten.njit, hasten.jit])
def test_a_variable_that_gets_another_channel(decorator: Any) -> None:
    made = make(hasten.Channel(dtype=int), decorator)
    made.space["channel"].put(1)
    assert made.take() == 1
    for dtype, item in ((int, 2), (float, 2.5)):
        made.space["channel"] = hasten.Channel(dtype=dtype)
        made.space["channel"].put(item)
        found = made.take()
        assert found == item and type(found) is dtype


def test_numbas_dialect_keeps_the_channel_that_it_was_compiled_with() -> None:
    first = hasten.Channel[int](dtype=int)
    made = make(first, hasten.numba.njit)
    first.put(1)
    first.put(2)
    assert made.take() == 1
    made.space["channel"] = hasten.Channel(dtype=int)
    assert made.take() == 2


def test_closure_variables_and_tuples_hold_them_too() -> None:
    channels = (hasten.Channel[int](dtype=int), hasten.Channel[float](dtype=float))

    @hasten.njit
    def put_both(x):
        channels[0].put(x)
        channels[1].put(x + 0.5)

    put_both(3)
    assert (channels[0].get(), channels[1].get()) == (3, 3.5)


def test_plain_jit_compiles_them() -> None:
    channel = hasten.Channel[int](dtype=int)

    @hasten.jit
    def put_all(count):
        for i in range(count):
            channel.put(i)

    before = hasten.stats()["native_calls"]
    put_all(3)
    assert hasten.stats()["native_calls"] == before + 1
    assert [channel.get() for _ in range(3)] == [0, 1, 2]


def test_parallel_loops_use_them() -> None:
    channel = hasten.Channel[int](dtype=int)

    @hasten.njit(parallel=True)
    def put_all(count):
        for i in hasten.prange(count):
            channel.put(i)

    put_all(100)
    assert sorted(channel.get() for _ in range(100)) == list(range(100))


def test_a_channel_of_objects_is_refused_with_its_name() -> None:
    objects = hasten.Channel[int]()

    @hasten.njit
    def put_object():
        objects.put(1)

    with pytest.raises(hasten.errors.TypingError, match="objects"):
        put_object()


def test_a_vectorized_function_refuses_it() -> None:
    channel = hasten.Channel[int](dtype=int)

    with pytest.raises(hasten.errors.HastenError, match="channel that a global names"):

        @hasten.vectorize(["int64(int64)"])
        def put_each(x):
            channel.put(x)
            return x


def test_the_code_is_found_in_the_cache(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import hasten\n"
        "channel = hasten.Channel(dtype=int)\n"
        "@hasten.njit\n"
        "def put_one(x):\n"
        "    channel.put(x)\n"
        "put_one(7)\n"
        "print(channel.get(), *[hasten.stats()[name] for name in ('native_compilations', 'cache_loads')])\n"
    )
    environment = {"HASTEN_CACHE_DIR": str(tmp_path / "cache"), "PATH": ""}
    for expected in ("7 1 0\n", "7 0 1\n"):
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=60
        )
        assert done.stdout == expected, done.stderr
