"""What the tests of queues and channels run in other processes."""

import os
import signal
import time
from typing import Any

import numpy as np


def echo(source: Any, sink: Any) -> None:
    while (item := source.get()) != "stop":
        sink.put(item)
        del item


def put_all(queue: Any, items: Any) -> None:
    for item in items:
        queue.put(item)


def put_and_die(queue: Any, count: int) -> None:
    for number in range(count):
        queue.put(number)
    os.kill(os.getpid(), signal.SIGKILL)


def put_for_ever(queue: Any) -> None:
    size = 0
    while True:
        queue.put(np.zeros(size % 20_000, np.uint8))
        size += 997


def get_for_ever(queue: Any) -> None:
    while True:
        queue.get()


def finish_tasks(queue: Any, seconds: float) -> None:
    while queue.get() is not None:
        time.sleep(seconds)
        queue.task_done()
    queue.task_done()


def sum_channel(channel: Any, results: Any) -> None:
    results.put(sum(channel))


def produce(channel: Any, count: int) -> int:
    for number in range(count):
        channel.put(number)
    return count


def take(channel: Any) -> Any:
    return channel.get(timeout=30)


def echo_when_ready(source: Any, sink: Any) -> None:
    from multiprocessing.connection import wait
    from queue import Empty

    while True:
        wait([source._reader])
        try:
            item = source.get_nowait()
        except Empty:  # another process was quicker
            continue
        if item == "stop":
            return
        sink.put(item)
