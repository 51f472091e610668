"""`_reader` and `_writer` of queues: what programs give to `connection.wait`, selectors and event loops."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
from multiprocessing.connection import wait
from typing import Any

import pytest

import hasten
from hasten import multiprocessing
from tests.python.pool import queue_tasks

LONG = 30.0
METHODS = ["fork", "spawn", "forkserver", "template"]
KINDS = ["Queue", "JoinableQueue", "SimpleQueue"]


def make(kind: str) -> Any:
    return getattr(multiprocessing.get_context(), kind)()


def is_readable(queue: Any) -> bool:
    return bool(select.select([queue._reader], [], [], 0)[0])


def put_small(queue: Any, count: int) -> None:
    for number in range(count):
        queue.put(number)


@pytest.mark.parametrize("method", METHODS)
def test_wait_tells_of_items_and_of_the_end_of_the_process(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=queue_tasks.put_all, args=(queue, range(100)))
    process.start()
    received = []
    is_alive = True
    while is_alive or not queue.empty():
        ready = wait([queue._reader, process.sentinel] if is_alive else [queue._reader], LONG)
        assert ready
        if queue._reader in ready:
            received.append(queue.get_nowait())
        elif process.sentinel in ready:
            is_alive = False
    assert received == list(range(100))
    process.join(LONG)


@pytest.mark.parametrize("method", METHODS)
def test_every_process_that_has_the_queue_can_wait(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    there, back = context.Queue(), context.SimpleQueue()
    there._reader.fileno()  # what this process has is not what its children have
    processes = [context.Process(target=queue_tasks.echo_when_ready, args=(there, back)) for _ in range(2)]
    for process in processes:
        process.start()
    for number in range(50):
        there.put(number)
    received: list[int] = []
    while len(received) < 50:
        assert wait([back._reader], LONG) == [back._reader]
        received.append(back.get())
    assert sorted(received) == list(range(50))
    for _ in processes:
        there.put("stop")
    for process in processes:
        process.join(LONG)
        assert process.exitcode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_readable_exactly_as_long_as_there_are_items(kind: str) -> None:
    queue = make(kind)
    assert not is_readable(queue) and not queue._reader.poll()
    for _ in range(1000):
        queue.put(1)
        queue.put(2)
        assert is_readable(queue) and queue._reader.poll()
        assert queue.get() == 1
        assert is_readable(queue) and queue._reader.poll()
        assert queue.get() == 2
        assert not is_readable(queue) and not queue._reader.poll()


def test_it_is_readable_no_more_when_another_process_took_the_item() -> None:
    context: Any = multiprocessing.get_context("fork")
    queue, back = context.Queue(), context.Queue()
    process = context.Process(target=queue_tasks.echo, args=(queue, back))
    queue._reader.fileno()
    process.start()
    queue.put("item")
    assert back.get(timeout=LONG) == "item"
    end = time.monotonic() + LONG
    while is_readable(queue) and time.monotonic() < end:
        time.sleep(0.001)
    assert not is_readable(queue)
    queue.put("stop")
    process.join(LONG)


def test_it_tells_of_items_that_were_there_before_it_was_asked_for() -> None:
    queue = make("Queue")
    queue.put(1)
    assert wait([queue._reader], 0) == [queue._reader]


def test_items_of_any_size_make_it_readable() -> None:
    queue = make("Queue")
    items = [b"larger than the ring" * 500_000, "small", b"x" * 1_000_000]
    for item in items:
        queue.put(item)
    for item in items:
        assert wait([queue._reader], LONG)
        assert queue.get(timeout=LONG) == item
    assert not is_readable(queue)


def test_a_selector_keeps_its_descriptor() -> None:
    queue = make("Queue")
    descriptor = queue._reader.fileno()
    poller = select.epoll()
    poller.register(descriptor, select.EPOLLIN)
    assert poller.poll(0) == []
    threading.Timer(0.05, queue.put, (1,)).start()
    assert poller.poll(LONG) == [(descriptor, select.EPOLLIN)]
    assert queue._reader.fileno() == descriptor
    assert queue.get() == 1
    assert poller.poll(0) == []
    poller.close()


def test_event_loops_wait_for_it() -> None:
    queue = make("Queue")
    process = multiprocessing.get_context("fork").Process(target=queue_tasks.put_all, args=(queue, range(20)))

    async def collect() -> list[int]:
        loop = asyncio.get_running_loop()
        received: list[int] = []
        is_done = asyncio.Event()

        def take() -> None:
            received.append(queue.get_nowait())
            if len(received) == 20:
                is_done.set()

        loop.add_reader(queue._reader, take)
        process.start()
        await asyncio.wait_for(is_done.wait(), LONG)
        loop.remove_reader(queue._reader)
        return received

    assert asyncio.run(collect()) == list(range(20))
    process.join(LONG)


def test_no_item_is_lost_among_many_who_wait() -> None:
    context: Any = multiprocessing.get_context("fork")
    there, back = context.Queue(), context.Queue()
    consumers = [context.Process(target=queue_tasks.echo_when_ready, args=(there, back)) for _ in range(3)]
    producers = [context.Process(target=queue_tasks.put_all, args=(there, range(3000))) for _ in range(3)]
    for process in consumers + producers:
        process.start()
    received: list[int] = []
    while len(received) < 9000:
        assert wait([back._reader], LONG), f"no item for {LONG} s after {len(received)}"
        received.append(back.get())
    assert sorted(received) == sorted([*range(3000)] * 3)
    for _ in consumers:
        there.put("stop")
    for process in consumers + producers:
        process.join(LONG)
        assert process.exitcode == 0


def test_a_fork_that_uses_the_reader_of_its_parent_leaves_the_parent_its_own() -> None:
    queue = make("Queue")
    reader = queue._reader
    reader.fileno()
    child = os.fork()
    if child == 0:
        is_right = wait([reader], 0) == []
        queue.put("of the child")
        is_right = is_right and wait([reader], LONG) == [reader] and queue.get() == "of the child"
        queue.put("for the parent")
        queue.close()
        os._exit(0 if is_right and reader.closed else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert wait([reader], LONG) == [reader]
    assert reader.recv() == "for the parent"
    assert not is_readable(queue)


def test_poll_waits_as_long_as_it_is_told() -> None:
    queue = make("SimpleQueue")
    assert not queue._reader.poll(0.01)
    threading.Timer(0.05, queue.put, (1,)).start()
    assert queue._reader.poll(None)
    assert queue._reader.poll(LONG) and queue._reader.poll(-1)


def test_the_ends_are_objects_of_their_own() -> None:
    queue = make("SimpleQueue")
    assert queue._reader is queue._reader and queue._writer is queue._writer
    assert queue._reader.readable and not queue._reader.writable and queue._writer.writable
    queue._writer.send({"an": "item"})
    assert queue._reader.recv() == {"an": "item"}
    assert select.select([], [queue._writer], [], 0)[1]
    queue._reader.close()
    queue._writer.close()
    assert queue._reader.closed and queue._writer.closed
    for use in (queue._reader.fileno, queue._reader.poll, queue._reader.recv, queue._writer.fileno):
        with pytest.raises(OSError, match="handle is closed"):
            use()


def test_a_closed_queue_has_closed_ends() -> None:
    queue = make("Queue")
    reader, writer = queue._reader, queue._writer
    descriptors = [reader.fileno(), writer.fileno()]
    queue.close()
    assert reader.closed and writer.closed
    for descriptor in descriptors:
        with pytest.raises(OSError):
            os.fstat(descriptor)


def test_nothing_is_made_for_queues_that_nobody_asks() -> None:
    before = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    queue = hasten.Queue()
    queue.put(1)
    queue.get()
    assert (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))) == (before[0] + 1, before[1])
    queue._reader.fileno()
    queue._writer.fileno()
    assert (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))) == (before[0] + 3, before[1] + 1)
    del queue
    assert (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))) == before


def test_the_standard_librarys_executor_works_on_such_queues() -> None:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as executor:
        assert list(executor.map(abs, range(-20, 0))) == list(range(20, 0, -1))
