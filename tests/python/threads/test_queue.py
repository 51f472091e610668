"""hasten.queue: the standard interface, also where programs look at a queue's insides."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import pytest

import hasten
from hasten import queue as queues

LONG = 30.0
KINDS = [queues.Queue, queues.LifoQueue, queues.PriorityQueue]


@pytest.mark.parametrize("name", ["Queue", "LifoQueue", "PriorityQueue"])
def test_order_is_the_standard_librarys(name: str) -> None:
    ours, standard = getattr(queues, name)(), getattr(queue, name)()
    assert isinstance(ours, queue.Queue) and isinstance(ours, queues.Queue)
    for item in (3, 1, 2):
        ours.put(item)
        standard.put(item)
    assert [ours.get() for _ in range(3)] == [standard.get() for _ in range(3)]
    assert ours.unfinished_tasks == standard.unfinished_tasks == 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_insides_can_be_used(kind: Any) -> None:
    made = kind()
    for item in (1, 2):
        made.put(item)
    with made.mutex:
        assert sorted(made.queue) == [1, 2]
        made.queue.clear()
    assert made.empty() and made.qsize() == 0
    made.put(3)
    with made.not_empty:
        assert len(made.queue) == 1
    assert made.get() == 3
    for _ in range(3):
        made.task_done()
    made.join()
    with pytest.raises(ValueError, match="task_done"):
        made.task_done()


def test_threads_that_wait_go_on_when_the_insides_are_asked_for() -> None:
    made: Any = queues.Queue(1)
    getter = hasten.Thread(target=made.get, kwargs={"timeout": LONG}, daemon=True)
    joiner = hasten.Thread(target=made.join, daemon=True)
    getter.start()
    time.sleep(0.01)
    assert list(made.queue) == []
    made.put("item")
    joiner.start()
    assert getter.result(LONG) == "item"
    made.task_done()
    joiner.result(LONG)


def test_a_subclass_may_change_what_a_queue_is() -> None:
    class Unique(queues.Queue[Any]):
        def _init(self, maxsize: int) -> None:
            self.queue = set()

        def _put(self, item: Any) -> None:
            self.queue.add(item)

        def _get(self) -> Any:
            return self.queue.pop()

    made = Unique()
    made.put(1)
    made.put(1)
    assert made.qsize() == 1 and made.get() == 1


def test_a_subclass_may_extend_put() -> None:
    class Counting(queues.Queue[Any]):
        puts = 0

        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            self.puts += 1
            super().put(item, block, timeout)

    made = Counting(1)
    made.put(1)
    with pytest.raises(queue.Full):
        made.put_nowait(2)
    assert made.puts == 2


def test_bounds_time_outs_and_exceptions() -> None:
    assert queues.Empty is queue.Empty and queues.Full is queue.Full
    made: Any = queues.Queue(maxsize=1)
    made.put(1, timeout=0)
    assert made.full()
    with pytest.raises(queue.Full):
        made.put(2, True, 0.01)
    with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
        made.put(2, timeout=-1)
    made.maxsize = 2
    made.put(2, timeout=LONG)
    assert (made.get(), made.get()) == (1, 2)
    with pytest.raises(queue.Empty):
        made.get(timeout=0.01)
    with pytest.raises(TypeError, match="unexpected keyword argument 'wait'"):
        made.get(wait=1)


def test_a_larger_bound_lets_waiting_threads_go_on() -> None:
    made: Any = queues.Queue(1)
    made.put(1)
    putter = hasten.Thread(target=made.put, args=(2,), daemon=True)
    putter.start()
    time.sleep(0.01)
    made.maxsize = 5
    putter.result(LONG)
    assert made.qsize() == 2


def test_simple_queue() -> None:
    made: Any = queues.SimpleQueue()
    taken = hasten.Thread(target=lambda: [made.get() for _ in range(1000)])
    taken.start()
    for number in range(1000):
        made.put(number)
    assert taken.result(LONG) == list(range(1000))
    with pytest.raises(queue.Empty):
        made.get_nowait()
    assert made.empty() and not threading.main_thread().daemon
