"""hasten.Channel: bounds, ends, select, event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import queue
import threading
import time
import weakref
from collections import Counter
from typing import Any

import numpy as np
import pytest

import hasten

LONG = 30.0


def started(function: Any, *args: Any) -> hasten.Thread:
    thread = hasten.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def test_items_come_out_in_order_until_the_end() -> None:
    channel = hasten.Channel[int](3)
    consumer = started(list, channel)
    for number in range(1000):
        channel.put(number)
    channel.close()
    assert consumer.result(LONG) == list(range(1000))
    assert list(channel) == []
    with pytest.raises(hasten.ChannelClosed, match=r"put\(\) on a closed channel"):
        channel.put(1)
    with pytest.raises(hasten.ChannelClosed, match=r"get\(\) on a closed and empty channel"):
        channel.get()


def test_bounds_hold() -> None:
    channel = hasten.Channel[int](2)
    channel.put_nowait(1)
    channel.put_nowait(2)
    with pytest.raises(queue.Full):
        channel.put_nowait(3)
    with pytest.raises(queue.Full):
        channel.put(3, timeout=0.01)
    assert (len(channel), channel.get(), channel.get_nowait()) == (2, 1, 2)
    with pytest.raises(queue.Empty):
        channel.get(block=False)
    with pytest.raises(queue.Empty):
        channel.get(timeout=0.01)
    assert channel, "an empty channel is not false"


def test_bytes_are_bounded() -> None:
    channel = hasten.Channel[Any](max_bytes=1000)
    channel.put(np.zeros(100))
    assert channel.bytes == 800
    with pytest.raises(queue.Full):
        channel.put_nowait(b"x" * 201)
    channel.put_nowait(b"x" * 200)
    channel.get()
    channel.get()
    channel.put_nowait(bytes(10_000))  # larger than the bound: alone
    with pytest.raises(queue.Full):
        channel.put_nowait(b"x")
    assert len(channel.get()) == 10_000 and channel.bytes == 0


@pytest.mark.parametrize("maxsize", [1, 7, 0])
def test_many_producers_and_consumers(maxsize: int) -> None:
    channel = hasten.Channel[int](maxsize)

    def produce(start: int) -> None:
        for number in range(start, start + 2000):
            channel.put(number)

    consumers = [started(list, channel) for _ in range(3)]
    producers = [started(produce, 2000 * n) for n in range(3)]
    for producer in producers:
        producer.result(LONG)
    channel.close()
    found = Counter(number for consumer in consumers for number in consumer.result(LONG))
    assert found == Counter(range(6000))


def test_closing_wakes_everybody() -> None:
    full, empty = hasten.Channel[int](1), hasten.Channel[int]()
    full.put(1)
    putters = [started(full.put, 2) for _ in range(2)]
    getters = [started(list, empty) for _ in range(2)]
    time.sleep(0.01)
    hook, threading.excepthook = threading.excepthook, lambda args: None
    try:
        full.close()
        empty.close()
        for putter in putters:
            with pytest.raises(hasten.ChannelClosed):
                putter.result(LONG)
    finally:
        threading.excepthook = hook
    assert [getter.result(LONG) for getter in getters] == [[], []]
    assert list(full) == [1]


def test_closing_can_discard() -> None:
    channel = hasten.Channel[int]()
    channel.put(1)
    channel.close(discard=True)
    assert channel.closed and list(channel) == []


def test_select_takes_from_whichever_has_something() -> None:
    first, second = hasten.Channel[str](), hasten.Channel[str]()
    with pytest.raises(queue.Empty):
        hasten.select([first, second], timeout=0.01)
    second.put("b")
    assert hasten.select([first, second]) == (second, "b")
    waiting = started(hasten.select, [first, second])
    time.sleep(0.01)
    first.put("a")
    assert waiting.result(LONG) == (first, "a")
    first.close()
    waiting = started(hasten.select, [first, second])
    time.sleep(0.01)
    second.put("c")
    assert waiting.result(LONG) == (second, "c")
    second.close()
    with pytest.raises(hasten.ChannelClosed, match="all closed and empty"):
        hasten.select([first, second])
    with pytest.raises(TypeError, match="1 to 64 channels"):
        hasten.select([])


def test_select_prefers_nobody() -> None:
    first, second = hasten.Channel[int](), hasten.Channel[int]()
    for _ in range(20):
        first.put(1)
        second.put(2)
    assert {hasten.select([first, second])[1] for _ in range(4)} == {1, 2}


def test_select_loses_no_wake_up() -> None:
    channels = [hasten.Channel[int](2) for _ in range(3)]
    found: list[int] = []

    def consume() -> None:
        while True:
            try:
                found.append(hasten.select(channels)[1])
            except hasten.ChannelClosed:
                return

    consumers = [started(consume) for _ in range(3)]
    producers = [started(lambda c=channel: [c.put(n) for n in range(1000)]) for channel in channels]
    for producer in producers:
        producer.result(LONG)
    for channel in channels:
        channel.close()
    for consumer in consumers:
        consumer.result(LONG)
    assert Counter(found) == Counter(list(range(1000)) * 3)


def test_coroutines_put_and_get() -> None:
    async def main() -> list[int]:
        numbers, squares = hasten.Channel[int](2), hasten.Channel[int](2)

        def square() -> None:
            for number in numbers:
                squares.put(number * number)
            squares.close()

        worker = started(square)

        async def feed() -> None:
            for number in range(100):
                await numbers.put_async(number)
            numbers.close()

        feeding = asyncio.create_task(feed())
        found = [number async for number in squares]
        await feeding
        worker.result(LONG)
        return found

    assert asyncio.run(main()) == [n * n for n in range(100)]


def test_a_cancelled_coroutine_passes_its_item_on() -> None:
    async def main() -> int:
        channel = hasten.Channel[int]()
        first = asyncio.create_task(channel.get_async())
        second = asyncio.create_task(channel.get_async())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        channel.put(1)
        first.cancel()
        return await asyncio.wait_for(second, LONG)

    assert asyncio.run(main()) == 1


def test_what_is_in_a_channel_is_let_go_with_it() -> None:
    class Thing:
        pass

    channel = hasten.Channel[Any]()
    thing = Thing()
    channel.put(thing)
    channel.put(channel)
    reference = weakref.ref(thing)
    del thing, channel
    gc.collect()
    assert reference() is None


def test_a_forked_child_has_a_channel_of_its_own() -> None:
    channel = hasten.Channel[int](1)
    waiting = started(channel.get)
    time.sleep(0.01)
    child = os.fork()
    if child == 0:
        channel.put(5)
        os._exit(0 if channel.get(timeout=LONG) == 5 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    channel.put(6)
    assert waiting.result(LONG) == 6


def test_bad_bounds_are_named() -> None:
    with pytest.raises(ValueError, match="not maxsize=-1, max_bytes=0"):
        hasten.Channel(-1)
    with pytest.raises(ValueError, match="must be a non-negative number"):
        hasten.Channel[int]().get(timeout=-1)
