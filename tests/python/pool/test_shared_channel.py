"""Channels between processes: travelling, ends, deaths, select, event loops."""

from __future__ import annotations

import asyncio
import os
import pickle
import queue
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hasten
from hasten import multiprocessing
from tests.python.pool import queue_tasks
from tests.python.pool.interrupting import assert_is_interrupted

LONG = 30.0
METHODS = ["fork", "spawn", "forkserver"]


def shared(*bounds: int, **options: Any) -> Any:
    return hasten.Channel(*bounds, shared=True, **options)


def started(target: Any, *args: Any, method: str = "fork") -> Any:
    context: Any = multiprocessing.get_context(method)
    process = context.Process(target=target, args=args)
    process.start()
    return process


@pytest.mark.parametrize("method", METHODS)
def test_a_process_gets_the_same_channel(method: str) -> None:
    channel, results = shared(10), shared()
    consumers = [started(queue_tasks.sum_channel, channel, results, method=method) for _ in range(2)]
    for number in range(1000):
        channel.put(number)
    channel.close()
    assert results.get(timeout=LONG) + results.get(timeout=LONG) == sum(range(1000))
    for consumer in consumers:
        consumer.join(LONG)
        assert consumer.exitcode == 0


def test_it_is_a_channel() -> None:
    channel = shared(3, max_bytes=1000)
    assert isinstance(channel, hasten.Channel)
    assert (channel.maxsize, channel.max_bytes, channel.bytes, len(channel)) == (3, 1000, 0, 0)
    assert channel and not channel.closed
    channel.put(1)
    assert len(channel) == 1 and channel.bytes > 0
    with pytest.raises(ValueError, match="bounds must be 0"):
        shared(-1)


def test_one_between_threads_says_why_it_cannot_travel() -> None:
    with pytest.raises(TypeError, match="shared=True"):
        pickle.dumps(hasten.Channel())


def test_tasks_of_a_running_pool_get_it() -> None:
    with hasten.Pool(2) as pool:
        assert pool.apply(pow, (2, 3)) == 8  # the workers are there before the channel
        channel = shared()
        assert pool.starmap(queue_tasks.produce, [(channel, 100)] * 4) == [100] * 4
        assert sorted(channel.get(timeout=LONG) for _ in range(400)) == sorted([*range(100)] * 4)
        result = pool.apply_async(queue_tasks.take, (channel,))
        channel.put("item")
        assert result.get(LONG) == "item"


def test_it_lives_until_it_has_arrived() -> None:
    with hasten.Pool(1) as pool:
        channel = shared()
        channel.put("item")
        result = pool.apply_async(queue_tasks.take, (channel,))
        del channel
        assert result.get(LONG) == "item"


def test_a_pickle_loaded_twice_is_one_object() -> None:
    channel = shared()
    pickled = pickle.dumps(channel)
    assert pickle.loads(pickled) is channel


def test_bounds_and_time_outs() -> None:
    channel = shared(1)
    channel.put_nowait(1)
    for put in (lambda: channel.put_nowait(2), lambda: channel.put(2, timeout=0.01), lambda: channel.put(2, False)):
        with pytest.raises(queue.Full):
            put()
    assert channel.get() == 1
    for get in (channel.get_nowait, lambda: channel.get(timeout=0.01), lambda: channel.get(False)):
        with pytest.raises(queue.Empty):
            get()
    with pytest.raises(ValueError, match="non-negative"):
        channel.get(timeout=-1)
    narrow = shared(max_bytes=100_000)
    narrow.put_nowait(bytes(80_000))
    with pytest.raises(queue.Full):
        narrow.put_nowait(bytes(80_000))
    assert len(narrow.get()) == 80_000
    narrow.put_nowait(bytes(150_000))


def iter_nothing() -> Any:
    yield from ()


def test_what_cannot_be_pickled_raises() -> None:
    with pytest.raises(TypeError, match="generator"):
        shared().put(iter_nothing())


def test_large_arrays_pass_through_a_small_memory() -> None:
    channel = shared(max_bytes=100_000)
    process = started(queue_tasks.put_all, channel, [np.full(200_000, number) for number in range(3)])
    for number in range(3):
        array = channel.get(timeout=LONG)
        assert array.flags.writeable and (array == number).all() and array.size == 200_000
    process.join(LONG)
    assert process.exitcode == 0


def test_closing_ends_both_sides() -> None:
    channel, results = shared(1), shared()
    consumer = started(queue_tasks.sum_channel, channel, results)
    channel.put(1)
    channel.close()
    assert channel.closed
    assert results.get(timeout=LONG) == 1
    with pytest.raises(hasten.ChannelClosed, match="put"):
        channel.put(2)
    with pytest.raises(hasten.ChannelClosed, match="get"):
        channel.get()
    consumer.join(LONG)
    results.put(3)
    results.close(discard=True)
    assert list(results) == []


def test_a_dead_producer_breaks_it_but_what_it_put_is_there() -> None:
    channel = shared()
    started(queue_tasks.put_and_die, channel, 10).join(LONG)
    received = []
    with pytest.raises(hasten.ChannelBroken, match="died"):
        for item in channel:
            received.append(item)
    assert received == list(range(10))
    with pytest.raises(hasten.ChannelBroken):
        channel.put(1)


def test_a_producer_that_ends_breaks_nothing() -> None:
    channel = shared()
    process = started(queue_tasks.produce, channel, 10)
    process.join(LONG)
    assert [channel.get(timeout=LONG) for _ in range(10)] == list(range(10))
    with pytest.raises(queue.Empty):
        channel.get(timeout=0.3)


def test_producers_killed_in_the_middle_of_a_put() -> None:
    for _ in range(10):
        channel = shared(max_bytes=10_000)
        process = started(queue_tasks.put_for_ever, channel)
        for number in range(15):
            assert channel.get(timeout=LONG).size == 997 * number % 20_000
        process.kill()
        process.join(LONG)
        with pytest.raises(hasten.ChannelBroken):
            for _ in channel:
                pass


def test_consumers_killed_while_they_get() -> None:
    channel = shared()
    for _ in range(10):
        process = started(queue_tasks.get_for_ever, channel)
        for number in range(20):
            channel.put(np.full(number * 500, number), timeout=LONG)
        process.kill()
        process.join(LONG)
    while len(channel):
        channel.get(timeout=LONG)
    channel.put("at last")
    assert channel.get(timeout=LONG) == "at last"


def test_a_producer_that_waits_learns_that_all_consumers_died() -> None:
    channel = shared(1)
    consumer = started(queue_tasks.get_for_ever, channel)
    channel.put(1)
    while len(channel):
        pass
    consumer.kill()
    consumer.join(LONG)
    channel.put(2)
    with pytest.raises(hasten.ChannelBroken):
        channel.put(3, timeout=LONG)


def test_the_parent_killed_leaves_children_that_find_out() -> None:
    program = textwrap.dedent("""
        import hasten, os, signal
        channel = hasten.Channel(shared=True)
        channel.put("item")
        if os.fork() == 0:
            assert channel.get() == "item"
            print("got", flush=True)
            try:
                channel.get()
            except hasten.ChannelBroken:
                print("broken", flush=True)
            os._exit(0)
        signal.pause()
    """)
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "got\n"
    parent.kill()
    assert parent.stdout.readline() == "broken\n"
    parent.wait(LONG)


def test_select_takes_from_whichever_has_one() -> None:
    first, second, threads = shared(), shared(), hasten.Channel[Any]()
    first.put(1)
    assert hasten.select([first, second, threads]) == (first, 1)
    threads.put(2)
    assert hasten.select([first, second, threads], timeout=LONG) == (threads, 2)
    started(queue_tasks.put_all, second, ["late"]).join(LONG)
    assert hasten.select([first, second], timeout=LONG) == (second, "late")
    with pytest.raises(queue.Empty):
        hasten.select([first, second], timeout=0.01)
    for channel in (first, second, threads):
        channel.close()
    with pytest.raises(hasten.ChannelClosed):
        hasten.select([first, second, threads])


def test_select_is_woken() -> None:
    first, second = shared(), shared()
    waiting = hasten.Thread(target=hasten.select, args=([first, second], LONG))
    waiting.start()
    started(queue_tasks.put_all, second, ["item"])
    assert waiting.result(LONG) == (second, "item")


def mixed() -> list[Any]:
    return [shared(4), hasten.Channel[Any](4), hasten.Channel[Any](4, dtype=int), shared(4)]


@pytest.mark.parametrize("which", range(4))
def test_select_over_all_kinds_is_woken_by_each(which: int) -> None:
    channels = mixed()
    for number in range(20):
        waiting = hasten.Thread(target=hasten.select, args=(channels, LONG))
        waiting.start()
        if number % 2 == 1:
            time.sleep(0.005)  # it sleeps by now
        channels[which].put(number)
        assert waiting.result(LONG) == (channels[which], number)


def test_select_over_all_kinds_loses_no_wake_up() -> None:
    channels = mixed()
    found: list[int] = []

    def consume() -> None:
        while True:
            try:
                found.append(hasten.select(channels, LONG)[1])
            except hasten.ChannelClosed:
                return

    consumers = [hasten.Thread(target=consume) for _ in range(3)]
    processes = [started(queue_tasks.put_all, channel, range(2000)) for channel in (channels[0], channels[3])]
    threads = [hasten.Thread(target=queue_tasks.put_all, args=(channel, range(2000))) for channel in channels[1:3]]
    for thread in consumers + threads:
        thread.start()
    for process in processes:
        process.join(LONG)
        assert process.exitcode == 0
    for thread in threads:
        thread.result(LONG)
    for channel in channels:
        channel.close()
    for thread in consumers:
        thread.result(LONG)
    assert sorted(found) == sorted([*range(2000)] * 4)


def test_select_sleeps_while_nothing_comes() -> None:
    channels = mixed()
    before = resource.getrusage(resource.RUSAGE_THREAD)
    with pytest.raises(queue.Empty):
        hasten.select(channels, timeout=1)
    after = resource.getrusage(resource.RUSAGE_THREAD)
    assert after.ru_nvcsw - before.ru_nvcsw < 50


def test_select_sleeps_beside_channels_that_are_closed() -> None:
    channels = mixed()
    for channel in channels[1:]:
        channel.close()
    for chosen in (channels, [channels[2], hasten.Channel[Any]()], [channels[3], hasten.Channel[Any]()]):
        before = time.thread_time()
        with pytest.raises(queue.Empty):
            hasten.select(chosen, timeout=0.5)
        assert time.thread_time() - before < 0.2


def test_select_over_all_kinds_ends_by_ctrl_c() -> None:
    assert_is_interrupted("channels = [hasten.Channel(shared=True), hasten.Channel()]", "hasten.select(channels)")


def test_select_finds_a_dead_producer() -> None:
    first, second = shared(), shared()
    started(queue_tasks.put_and_die, second, 1).join(LONG)
    assert hasten.select([first, second], timeout=LONG) == (second, 0)
    with pytest.raises(hasten.ChannelBroken):
        hasten.select([first, second], timeout=LONG)


def test_event_loops_wait_for_other_processes() -> None:
    channel, back = shared(1), shared(1)

    async def main() -> int:
        process = started(queue_tasks.echo, channel, back)

        async def put_all() -> None:
            for number in range(20):
                await channel.put_async(number)
            await channel.put_async("stop")
            await asyncio.to_thread(process.join, LONG)
            back.close()

        task = asyncio.create_task(put_all())
        total = 0
        async for item in back:
            total += item
        await task
        return total

    assert asyncio.run(main()) == sum(range(20))


def test_waiting_is_interrupted_by_ctrl_c() -> None:
    assert_is_interrupted("channel = hasten.Channel(shared=True)", "channel.get()")


def test_nothing_stays_when_all_are_killed() -> None:
    program = textwrap.dedent("""
        import hasten, os, time
        from hasten import multiprocessing
        from tests.python.pool import queue_tasks
        context = multiprocessing.get_context("fork")
        channel = hasten.Channel(shared=True)
        child = context.Process(target=queue_tasks.put_for_ever, args=(channel,))
        child.start()
        channel.get()
        print(child.pid, flush=True)
        time.sleep(60)
    """)
    before = set(os.listdir("/dev/shm"))
    root = Path(__file__).parents[3]
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    os.kill(child, signal.SIGKILL)
    parent.wait(LONG)
    assert {name for name in set(os.listdir("/dev/shm")) - before if "hasten" in name} == set()
