"""Channels of numbers and arrays: between threads of Python and of compiled code."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import hasten

LONG = 30.0


def started(function: Any, *args: Any) -> hasten.Thread:
    thread = hasten.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


@hasten.njit
def put_numbers(channel, count):
    for i in range(count):
        channel.put(i)
    channel.close()


@hasten.njit
def total(channel):
    result = 0
    count = 0
    for item in channel:
        result += item
        count += 1
    return result, count


@hasten.njit
def take_one(channel):
    return channel.get()


@hasten.njit
def take_within(channel, seconds):
    return channel.get(timeout=seconds)


@hasten.njit
def put_one(channel, item):
    channel.put(item)


@hasten.njit
def put_without_waiting(channel, item):
    channel.put_nowait(item)


@pytest.mark.parametrize("room", [0, 1, 7, 1000])
def test_compiled_threads_hand_over_every_item(room: int) -> None:
    channel = hasten.Channel[int](room, dtype=np.int64)
    producer = started(put_numbers, channel, 5000)
    assert total(channel) == (sum(range(5000)), 5000)
    producer.result(LONG)
    assert channel.closed


def test_many_producers_and_consumers_lose_nothing() -> None:
    channel = hasten.Channel[int](16, dtype=int)
    put_some = hasten.njit(_put_some)
    producers = [started(put_some, channel, 2000) for _ in range(3)]
    consumers = [started(total, channel) for _ in range(3)]
    for producer in producers:
        producer.result(LONG)
    channel.close()
    sums = [consumer.result(LONG) for consumer in consumers]
    assert sum(value for value, _ in sums) == 3 * sum(range(2000))
    assert sum(count for _, count in sums) == 6000


def _put_some(channel, count):
    for i in range(count):
        channel.put(i)


def test_python_and_compiled_code_meet() -> None:
    channel = hasten.Channel[int](4, dtype=int)
    producer = started(put_numbers, channel, 100)
    assert list(channel) == list(range(100))
    producer.result(LONG)
    back = hasten.Channel[int](4, dtype=int)
    consumer = started(total, back)
    for i in range(100):
        back.put(i)
    back.close()
    assert consumer.result(LONG) == (4950, 100)


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        (np.bool_, True, True),
        (np.int8, -5, -5),
        (np.uint16, 65535, 65535),
        (np.uint64, 2**64 - 1, 2**64 - 1),
        (np.float16, 0.1, float(np.float16(0.1))),
        (np.float32, 0.1, float(np.float32(0.1))),
        (np.float64, 0.1, 0.1),
        (np.float64, 3, 3.0),
        (np.complex64, 0.1 + 2j, complex(np.complex64(0.1 + 2j))),
        (np.complex128, 0.1 + 2j, 0.1 + 2j),
    ],
)
def test_numbers_are_rounded_to_the_dtype_and_come_out_as_pythons(dtype: Any, value: Any, expected: Any) -> None:
    channel: Any = hasten.Channel[Any](dtype=dtype)
    assert channel.dtype == np.dtype(dtype)
    channel.put(value)
    by_python = channel.get()
    put_one(channel, value)
    from_compiled_code = channel.get()
    channel.put(value)
    in_compiled_code = take_one(channel)
    for found in (by_python, from_compiled_code, in_compiled_code):
        assert found == expected
    assert type(by_python) is type(from_compiled_code) is type(expected)


def test_arrays_are_copied_when_they_are_put() -> None:
    @hasten.njit
    def put_rows(channel, count):
        row = np.zeros((2, 3))
        for i in range(count):
            row[1, 2] = i
            channel.put(row.T)
        channel.close()

    @hasten.njit
    def weighted(channel):
        result = 0.0
        for position, item in enumerate(channel):
            result += position * item[2, 1] + item.shape[0]
        return result

    channel = hasten.Channel[Any](4, dtype=float, ndim=2)
    producer = started(put_rows, channel, 50)
    assert weighted(channel) == sum(i * i + 3 for i in range(50))
    producer.result(LONG)

    channel = hasten.Channel[Any](dtype=float, ndim=2)
    put_rows(channel, 3)
    rows = list(channel)
    assert [row[2, 1] for row in rows] == [0, 1, 2]
    assert all(row.shape == (3, 2) and row.flags.c_contiguous and row.flags.writeable for row in rows)

    mine = np.arange(4.0)
    line = hasten.Channel[Any](dtype=float, ndim=1)
    line.put(mine)
    mine[:] = 0
    np.testing.assert_array_equal(line.get(), np.arange(4.0))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (1, 1, 1)])
def test_arrays_of_any_shape_travel(shape: tuple[int, ...]) -> None:
    channel = hasten.Channel[Any](dtype=np.int16, ndim=len(shape))
    sent = np.ones(shape, np.int16)
    channel.put(sent)
    put_one(channel, sent)
    for _ in range(2):
        got = channel.get()
        assert got.shape == shape
        assert got.dtype == np.int16


def test_bytes_bound_arrays() -> None:
    channel = hasten.Channel[Any](max_bytes=1000, dtype=float, ndim=1)
    channel.put(np.zeros(100))
    assert channel.bytes == 800
    with pytest.raises(queue.Full):
        channel.put_nowait(np.zeros(100))
    with pytest.raises(queue.Full):
        put_without_waiting(channel, np.zeros(100))
    channel.get()
    assert channel.bytes == 0
    channel.put(np.zeros(1000))  # what is larger than the bound travels alone
    assert len(channel) == 1


def test_the_ends_are_those_of_other_channels() -> None:
    channel = hasten.Channel[float](1, dtype=float)
    with pytest.raises(queue.Empty):
        channel.get_nowait()
    with pytest.raises(queue.Empty):
        take_within(channel, 0.01)
    with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
        take_within(channel, -1.0)
    put_one(channel, 1.0)
    with pytest.raises(queue.Full):
        put_without_waiting(channel, 2.0)
    with pytest.raises(queue.Full):
        channel.put(2.0, timeout=0.01)
    channel.close()
    with pytest.raises(hasten.ChannelClosed, match=r"put\(\) on a closed channel"):
        put_one(channel, 2.0)
    assert take_one(channel) == 1.0
    with pytest.raises(hasten.ChannelClosed, match=r"get\(\) on a closed and empty channel"):
        take_one(channel)
    with pytest.raises(hasten.ChannelClosed):
        channel.get()


def test_closing_wakes_whoever_waits() -> None:
    channel = hasten.Channel[float](1, dtype=float)
    with hasten.ThreadPoolExecutor(2) as executor:
        consumer = executor.submit(take_one, channel)
        loop = executor.submit(total, channel)
        channel.close()
        assert isinstance(consumer.exception(LONG), hasten.ChannelClosed)
        assert loop.result(LONG) == (0, 0)


def test_compiled_code_closes_and_looks() -> None:
    @hasten.njit
    def look(channel):
        before = (len(channel), channel.closed)
        channel.close(discard=True)
        return before, (len(channel), channel.closed)

    channel = hasten.Channel[float](dtype=float)
    channel.put(1.0)
    assert look(channel) == ((1, False), (0, True))


def test_a_loop_may_be_left_and_have_an_else() -> None:
    @hasten.njit
    def until_negative(channel):
        last = 0
        for item in channel:
            if item == 0:
                continue
            if item < 0:
                break
            last = item
        else:
            return -last
        return last

    channel = hasten.Channel[int](dtype=int)
    for item in (1, 0, 2, -1, 5):
        channel.put(item)
    assert until_negative(channel) == 2
    channel.close()
    assert until_negative(channel) == -5


def test_a_channel_is_chosen_at_run_time_and_passed_on() -> None:
    @hasten.njit
    def send(channel, item):
        channel.put(item)

    @hasten.njit
    def route(first, second, item):
        send(first if item % 2 == 0 else second, item)

    even, odd = hasten.Channel[int](dtype=int), hasten.Channel[int](dtype=int)
    for item in range(6):
        route(even, odd, item)
    even.close()
    odd.close()
    assert (list(even), list(odd)) == ([0, 2, 4], [1, 3, 5])


def test_each_kind_of_channel_has_its_own_code() -> None:
    numbers = hasten.Channel[Any](dtype=float)
    lines = hasten.Channel[Any](dtype=float, ndim=1)
    numbers.put(1.5)
    lines.put([1.5, 2.5])
    assert take_one(numbers) == 1.5
    np.testing.assert_array_equal(take_one(lines), [1.5, 2.5])


def test_select_takes_of_both_kinds() -> None:
    values, objects = hasten.Channel[Any](dtype=int), hasten.Channel[Any]()
    producer = started(put_one, values, 3)
    assert hasten.select([values, objects], timeout=LONG) == (values, 3)
    producer.result(LONG)
    objects.put("text")
    assert hasten.select([values, objects]) == (objects, "text")
    with pytest.raises(queue.Empty):
        hasten.select([values, objects], timeout=0.01)
    values.close()
    objects.close()
    with pytest.raises(hasten.ChannelClosed):
        hasten.select([values, objects])


def test_event_loops_wait_for_compiled_threads() -> None:
    async def collect() -> list[int]:
        channel = hasten.Channel[int](2, dtype=int)
        producer = started(put_numbers, channel, 300)
        found = [item async for item in channel]
        producer.result(LONG)
        return found

    assert asyncio.run(collect()) == list(range(300))


def test_a_cancelled_wait_takes_nothing() -> None:
    async def cancel() -> int:
        channel = hasten.Channel[int](dtype=int)
        waiting = asyncio.create_task(channel.get_async())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        channel.put(7)
        return await channel.get_async()

    assert asyncio.run(cancel()) == 7


def test_a_wait_lets_other_threads_run_without_nogil() -> None:
    channel = hasten.Channel[int](dtype=int)
    consumer = started(take_one, channel)
    assert threading.active_count() > 1
    channel.put(5)  # this thread has the GIL, so the waiting one doesn't
    assert consumer.result(LONG) == 5


def test_ctrl_c_ends_a_wait_in_compiled_code() -> None:
    program = """
import hasten, os, signal, threading
@hasten.njit
def take(channel):
    return channel.get()
channel = hasten.Channel(dtype=int)
channel.put(1)
take(channel)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
take(channel)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LONG, check=False)
    assert "KeyboardInterrupt" in ended.stderr
    assert ended.returncode in (-signal.SIGINT, 130)


def test_after_a_fork_each_process_has_a_channel() -> None:
    channel = hasten.Channel[int](dtype=int)
    stop = started(total, hasten.Channel[int](dtype=int))  # a thread that sleeps in another one
    channel.put(1)
    child = os.fork()
    if child == 0:
        channel.put(2)
        os._exit(0 if [channel.get(), channel.get()] == [1, 2] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(channel) == 1
    assert stop.is_alive()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"dtype": object}, TypeError, "a channel carries bools, integers, floats and complex numbers"),
        ({"dtype": "M8[s]"}, TypeError, "a channel carries"),
        ({"dtype": ">f8"}, TypeError, "a channel carries"),
        ({"dtype": float, "ndim": 33}, ValueError, "ndim=33"),
        ({"dtype": float, "ndim": -1}, ValueError, "ndim=-1"),
        ({"ndim": 1}, TypeError, "ndim=1 without a dtype"),
        ({"dtype": float, "maxsize": -1}, ValueError, "maxsize=-1"),
    ],
)
def test_what_no_channel_carries_is_refused(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        hasten.Channel(**options)


@pytest.mark.parametrize(
    ("options", "item", "error", "text"),
    [
        ({"dtype": int}, 1.5, TypeError, "a channel of int64 takes such numbers, not 1.5"),
        ({"dtype": np.int8}, 300, OverflowError, "out of range for int8"),
        ({"dtype": float}, "1", TypeError, "not '1'"),
        ({"dtype": float}, 1j, TypeError, "not 1j"),
        ({"dtype": float, "ndim": 1}, 1.0, TypeError, "takes arrays of 1 dimensions, not of 0"),
        ({"dtype": float, "ndim": 1}, np.zeros((2, 2)), TypeError, "takes arrays of 1 dimensions, not of 2"),
    ],
)
def test_items_of_another_kind_are_refused(
    options: dict[str, Any], item: object, error: type[Exception], text: str
) -> None:
    channel = hasten.Channel[Any](**options)
    with pytest.raises(error, match=text):
        channel.put(item)
    assert len(channel) == 0


@pytest.mark.parametrize(
    ("options", "item", "text"),
    [
        ({"dtype": int}, 1.5, "put.. can't turn a float into the channel's int64"),
        ({"dtype": float}, "x", "put.. into a channel of float64 takes a number, not str"),
        ({"dtype": float, "ndim": 2}, np.zeros(3), "takes such an array, not array"),
    ],
)
def test_compiled_code_says_what_a_channel_takes(options: dict[str, Any], item: object, text: str) -> None:
    with pytest.raises(hasten.errors.TypingError, match=text):
        put_one(hasten.Channel[Any](**options), item)
