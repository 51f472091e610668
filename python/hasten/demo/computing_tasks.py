"""Ten tasks that compute, which threads can share only if they do without the interpreter's lock."""

from collections.abc import Callable, Mapping

import numpy as np

import hasten
from hasten._cores import available_cores
from hasten.demo.program import Engine, Program, Size, Variant, equal_to_rounding

TASKS = 10


def compute(start: int, count: int) -> float:
    """Add logarithms and square roots of `count` numbers from `start` on."""
    s = 0.0
    for i in range(start, start + count):
        s += np.log(i) + np.power(float(i), 0.5)
    return s


def compute_task(task: tuple[int, int]) -> float:
    """Do one task, in a process of the pool."""
    return compute(*task)


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    count = {"full": 500_000, "quick": 25_000, "tiny": 100}[size]
    tasks = [(1 + count * task, count) for task in range(TASKS)]
    workers = available_cores()

    def in_threads(body: Callable[..., float]) -> object:
        with hasten.ThreadPool(workers) as pool:
            return pool.starmap(body, tasks)

    def in_processes() -> object:
        with hasten.Pool(workers) as pool:
            return pool.map(compute_task, tasks)

    variants = [
        Variant("plain", lambda: [compute(*task) for task in tasks], note="one after another"),
        Variant("threads", lambda: in_threads(compute)),
        Variant("processes", in_processes),
    ]
    for engine in filter(None, engines.values()):
        compiled = engine.compiled(compute, nogil=True)
        variants += [
            Variant(
                f"{engine.name}.njit, one after another",
                lambda f=compiled: [f(*task) for task in tasks],  # type: ignore[misc]
                True,
            ),
            Variant(
                f"threads, {engine.name}.njit(nogil=True)",
                lambda f=compiled: in_threads(f),  # type: ignore[misc]
                True,
            ),
        ]
    absent = [name for name, engine in engines.items() if engine is None]
    work = f"{TASKS} tasks of {2 * count:,} np.log and np.power each, on {workers} cores"
    return Program("ten tasks that compute", work, variants, equal_to_rounding, absent)
