"""Ten tasks that wait, as for a disk or a server."""

import time
from collections.abc import Callable, Mapping

import hasten
from hasten.demo.program import Engine, Program, Size, Variant, equal

TASKS = 10


def wait(seconds: float) -> float:
    """Wait, and say how long it was meant to be."""
    time.sleep(seconds)
    return seconds


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    seconds = {"full": 1.0, "quick": 0.2, "tiny": 0.001}[size]
    tasks = [seconds] * TASKS

    def in_threads(body: Callable[..., float]) -> object:
        with hasten.ThreadPool(TASKS) as pool:
            return pool.map(body, tasks)

    def in_processes() -> object:
        with hasten.Pool(TASKS) as pool:
            return pool.map(wait, tasks)

    variants = [
        Variant("plain", lambda: [wait(task) for task in tasks], note="one after another"),
        Variant("threads", lambda: in_threads(wait)),
        Variant("processes", in_processes),
    ]
    engine = engines.get("hasten")
    if engine is not None:
        lifted = engine.compiled(wait, "jit", nogil=True, forceobj=True)
        note = "there is nothing to compile in time.sleep, which lets other threads run by itself"
        variants.append(Variant("threads, hasten.jit(nogil, forceobj)", lambda: in_threads(lifted), True, note=note))
    return Program("ten tasks that wait", f"{TASKS} tasks that sleep {seconds:g} s each", variants, equal)
