"""multiprocessing's queues in shared memory: the contract, every start method, deaths."""

from __future__ import annotations

import importlib
import os
import pickle
import queue as standard_queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hasten._pool.queues import Queue

import hasten
from hasten import multiprocessing
from tests.python.pool import queue_tasks
from tests.python.pool.interrupting import assert_is_interrupted

LONG = 30.0
METHODS = ["fork", "spawn", "forkserver"]

ITEMS: list[Any] = [
    None,
    True,
    7,
    -(2**70),
    2.5,
    "text",
    "töxt" * 2000,
    b"bytes",
    b"many bytes" * 10_000,
    (1, "two", [3.0]),
    {"a": [1, 2], "b": {3}},
    bytearray(b"x" * 5000),
    range(10),
    b"larger than the ring" * 500_000,
]

ARRAYS = [
    np.arange(10),
    np.ones((100, 1000)),
    np.asfortranarray(np.arange(6000.0).reshape(60, 100)),
    np.arange(6000)[::3],
    np.array(5.0),
    np.zeros((0, 3), np.complex64),
    np.array(["a", "bc"]),
    np.array([True, False]),
    np.arange(6, dtype=">i4"),
    np.arange(6, dtype=np.float16),
    np.frombuffer(b"read-only bytes!", np.int64),
]


@pytest.mark.parametrize("method", METHODS)
def test_items_go_to_a_process_and_come_back(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    there, back = context.Queue(), context.Queue()
    process = context.Process(target=queue_tasks.echo, args=(there, back))
    process.start()
    for item in ITEMS:
        there.put(item)
    there.put("stop")
    assert [back.get(timeout=LONG) for _ in ITEMS] == ITEMS
    process.join(LONG)
    assert process.exitcode == 0


@pytest.mark.parametrize("array", ARRAYS, ids=str)
def test_arrays_arrive_as_private_copies(array: Any) -> None:
    queue = hasten.Queue()
    queue.put(array)
    arrived = queue.get()
    assert (arrived == array).all()
    assert arrived.dtype == array.dtype and arrived.shape == array.shape
    assert arrived.flags.writeable and not np.shares_memory(arrived, array)


def test_arrays_inside_other_objects_are_writable_too() -> None:
    queue = hasten.Queue()
    queue.put({"large": np.zeros(10_000), "small": np.zeros(3)})
    arrived = queue.get()
    arrived["large"][0] = arrived["small"][0] = 1
    assert arrived["large"].sum() == arrived["small"].sum() == 1


def test_what_goes_by_value_travels() -> None:
    queue = hasten.Queue()
    queue.put(lambda x: x + 1)
    assert queue.get()(1) == 2


def test_bounds_and_time_outs() -> None:
    queue = hasten.Queue(2)
    queue.put(1)
    queue.put(2, timeout=LONG)
    assert queue.full() and queue.qsize() == 2 and not queue.empty()
    for put in (lambda: queue.put(3, False), lambda: queue.put_nowait(3), lambda: queue.put(3, timeout=0.01)):
        with pytest.raises(standard_queue.Full):
            put()
    assert queue.get() == 1
    queue.put_nowait(3)
    assert [queue.get(), queue.get_nowait()] == [2, 3]
    for get in (queue.get_nowait, lambda: queue.get(False), lambda: queue.get(timeout=0.01)):
        with pytest.raises(standard_queue.Empty):
            get()
    assert queue.empty() and not queue.full()


def test_a_put_that_waits_goes_on_when_there_is_room() -> None:
    queue = hasten.Queue(1)
    queue.put(1)
    thread = hasten.Thread(target=queue.put, args=(2,))
    thread.start()
    assert queue.get(timeout=LONG) == 1
    thread.join(LONG)
    assert queue.get(timeout=LONG) == 2


def test_an_unbounded_put_never_blocks_and_keeps_the_order() -> None:
    queue = hasten.Queue()
    for number in range(30):
        queue.put(np.full(100_000, number))  # 24 MB in all: far more than the ring holds
    queue.put("last")
    assert queue.qsize() == 31
    assert [int(queue.get(timeout=LONG)[0]) for _ in range(30)] == list(range(30))
    assert queue.get(timeout=LONG) == "last"
    assert queue.qsize() == 0


def test_a_bounded_put_waits_for_a_place_only() -> None:
    queue = hasten.Queue(10)
    for number in range(10):
        queue.put(np.full(200_000, number), timeout=LONG)
    assert queue.full()
    with pytest.raises(standard_queue.Full):
        queue.put_nowait(10)
    assert [int(queue.get(timeout=LONG)[0]) for _ in range(10)] == list(range(10))


def test_a_process_ends_when_others_can_get_what_it_has_put() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    items = [np.full(500_000, number) for number in range(6)]
    process = context.Process(target=queue_tasks.put_all, args=(queue, items))
    process.start()
    assert [int(queue.get(timeout=LONG)[-1]) for _ in items] == list(range(6))
    process.join(LONG)
    assert process.exitcode == 0


def put_too_much(queue: Any) -> None:
    queue.cancel_join_thread()
    for _ in range(10):
        queue.put(b"x" * 1_000_000)


def test_cancel_join_thread_lets_a_process_end() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=put_too_much, args=(queue,))
    process.start()
    process.join(LONG)
    assert process.exitcode == 0


def test_closing_is_for_this_process() -> None:
    queue = hasten.Queue()
    with pytest.raises(AssertionError, match="not closed"):
        queue.join_thread()
    queue.put(1)
    queue.close()
    queue.join_thread()
    with pytest.raises(ValueError, match="is closed"):
        queue.put(2)
    with pytest.raises(ValueError, match="is closed"):
        queue.get()
    with pytest.raises(OSError, match="is closed"):
        queue.empty()


class NotPicklable:
    def __reduce__(self) -> Any:
        raise AttributeError("no")


def test_what_cannot_be_pickled_is_reported_and_not_put(capsys: pytest.CaptureFixture[str]) -> None:
    queue = hasten.Queue(1)
    queue.put(NotPicklable())
    queue.put(True)
    assert "AttributeError: no" in capsys.readouterr().err
    assert queue.qsize() == 1 and queue.get(timeout=LONG) is True


def test_a_subclass_hears_of_what_cannot_be_pickled() -> None:
    reported = []

    class Listening(Queue[Any]):
        @staticmethod
        def _on_queue_feeder_error(error: BaseException, item: object) -> None:
            reported.append((type(error), type(item)))

    queue = Listening(ctx=multiprocessing.get_context())
    queue.put(NotPicklable())
    assert reported == [(AttributeError, NotPicklable)]


def test_the_drop_in_has_the_classes() -> None:
    queues: Any = importlib.import_module("hasten.multiprocessing.queues")
    assert queues.Queue is Queue
    assert isinstance(multiprocessing.get_context("spawn").JoinableQueue(), queues.JoinableQueue)
    assert isinstance(multiprocessing.get_context().get_context("fork").SimpleQueue(), queues.SimpleQueue)
    with pytest.raises(ValueError, match="unknown"):
        multiprocessing.get_context("unknown")


def test_queues_are_pickled_only_for_a_new_process() -> None:
    for queue in (hasten.Queue(), hasten.JoinableQueue(), hasten.SimpleQueue()):
        with pytest.raises(RuntimeError, match="inheritance"):
            pickle.dumps(queue)


@pytest.mark.parametrize("method", METHODS)
def test_join_waits_for_task_done(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    queue = context.JoinableQueue()
    with pytest.raises(ValueError, match="too many times"):
        queue.task_done()
    workers = [context.Process(target=queue_tasks.finish_tasks, args=(queue, 0.01)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(10):
        queue.put(number)
    queue.join()
    assert queue.empty()
    for _ in workers:
        queue.put(None)
    queue.join()
    for worker in workers:
        worker.join(LONG)
        assert worker.exitcode == 0


@pytest.mark.parametrize("method", METHODS)
def test_simple_queues(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    there, back = context.SimpleQueue(), context.SimpleQueue()
    process = context.Process(target=queue_tasks.echo, args=(there, back))
    process.start()
    for item in ITEMS:
        there.put(item)
        assert back.get() == item
    assert there.empty() and back.empty()
    there.put("stop")
    process.join(LONG)
    there.close()
    with pytest.raises(OSError, match="is closed"):
        there.empty()
    with pytest.raises(AttributeError, match="no"):
        back.put(NotPicklable())


def test_small_items_that_wait_behind_a_large_one_come_after_it() -> None:
    queue = hasten.Queue()
    items = [b"larger than the ring" * 500_000, None, True, 7, 2.5, "text", b"bytes", (1, 2)]
    for item in items:
        queue.put(item)
    assert {type(part) for parcel in list(queue._buffer) for part in parcel[1:]} == {bytes}
    assert [queue.get(timeout=LONG) for _ in items] == items


def test_a_forked_child_does_not_put_what_its_parent_spilled() -> None:
    queue = hasten.Queue()
    for number in range(10):
        queue.put(np.full(100_000, number))
    child = os.fork()
    if child == 0:
        for number in range(10, 13):
            queue.put(np.full(1000, number))
        queue.close()
        queue.join_thread()
        os._exit(0)
    received = [int(queue.get(timeout=LONG)[0]) for _ in range(13)]
    assert os.waitpid(child, 0)[1] == 0
    assert sorted(received) == list(range(13))
    assert [number for number in received if number >= 10] == [10, 11, 12]


def test_it_serves_threads_of_several_processes() -> None:
    context = multiprocessing.get_context("fork")
    queue, results = context.Queue(), context.Queue()
    producers = [context.Process(target=queue_tasks.put_all, args=(queue, range(2000))) for _ in range(2)]
    consumers = [context.Process(target=queue_tasks.echo, args=(queue, results)) for _ in range(2)]
    for process in producers + consumers:
        process.start()
    threading.Thread(target=queue_tasks.put_all, args=(queue, range(2000))).start()
    received = [results.get(timeout=LONG) for _ in range(6000)]
    assert sorted(received) == sorted([*range(2000)] * 3)
    for _ in consumers:
        queue.put("stop")
    for process in producers + consumers:
        process.join(LONG)
        assert process.exitcode == 0


def test_processes_killed_at_any_moment_leave_a_queue_that_works() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    for _ in range(10):
        processes = [
            context.Process(target=target, args=(queue,), daemon=True)
            for target in (queue_tasks.put_for_ever, queue_tasks.put_for_ever, queue_tasks.get_for_ever)
        ]
        for process in processes:
            process.start()
        for _ in range(20):
            queue.get(timeout=LONG)
        for process in processes:
            process.kill()
            process.join(LONG)
    while not queue.empty():
        queue.get(timeout=LONG)
    queue.put("at last")
    assert queue.get(timeout=LONG) == "at last"
    assert queue.qsize() == 0


def test_what_the_dead_had_no_room_for_takes_no_place() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue(12)
    items = [b"x" * 1_000_000] * 10
    process = context.Process(target=queue_tasks.put_all, args=(queue, items), daemon=True)
    process.start()
    while queue.qsize() < 10:
        time.sleep(0.001)
    process.kill()
    process.join(LONG)
    held = 0
    while not queue.empty():
        assert queue.get(timeout=LONG) == items[0]
        held += 1
    assert held < 10
    for number in range(12):  # the last of them wait until somebody finds that the process is dead
        queue.put(number, timeout=LONG)
    assert queue.qsize() == 12
    assert [queue.get(timeout=LONG) for _ in range(12)] == list(range(12))


def test_waiting_is_interrupted_by_ctrl_c() -> None:
    assert_is_interrupted("queue = hasten.Queue()", "queue.get()")


def test_nothing_lies_in_dev_shm_when_everybody_is_killed() -> None:
    program = textwrap.dedent("""
        import hasten, os, time
        from hasten import multiprocessing
        from tests.python.pool import queue_tasks
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        children = [context.Process(target=queue_tasks.put_for_ever, args=(queue,)) for _ in range(2)]
        for child in children:
            child.start()
        queue.get()
        print(*(child.pid for child in children), flush=True)
        time.sleep(60)
    """)
    before = set(os.listdir("/dev/shm"))
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    assert parent.stdout is not None
    children = [int(word) for word in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.kill()
    for child in children:
        os.kill(child, signal.SIGKILL)
    parent.wait(LONG)
    assert {name for name in set(os.listdir("/dev/shm")) - before if "hasten" in name} == set()
