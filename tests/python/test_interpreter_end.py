"""Daemon threads that are in the engine when the interpreter ends do the process no harm."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BEGIN = """
import contextlib, sys, threading, time
from concurrent.futures import CancelledError
import numpy as np
import hasten

sys.setswitchinterval(0.0001)

def spawn(function):
    "Call it again and again in threads that nobody waits for."
    def repeat():
        while True:
            function()
            called.set()
    called = threading.Event()
    for _ in range(3):
        threading.Thread(target=repeat, daemon=True).start()
    return called

def spin(_=None):
    started.set()
    while True:
        pass

started = threading.Event()

class Spinning:
    def __reduce__(self):
        return spin, ()
"""

# Each ends at a moment at which threads are about to take the GIL, or run Python code that compiled code has called.
PROGRAMS = {
    "a function that runs without the GIL": """
        @hasten.njit(nogil=True)
        def run(n):
            total = 0.0
            for i in range(n):
                total += i * 0.5
            return total
        run(1)
        spawn(lambda: run(100_000)).wait()
        """,
    "compilations": """
        def compile():
            space = {}
            exec(f"def run(x): return x + {next(numbers)}", space)
            hasten.njit(space["run"])(1)
        numbers = iter(range(10**9))
        spawn(compile).wait()
        """,
    "a source that takes long to read": """
        import hasten._source
        hasten._source.capture = spin
        threading.Thread(target=hasten.njit, args=(spawn,), daemon=True).start()
        started.wait()
        """,
    "a question of the compiler's that nobody answers": """
        from hasten import _core
        @hasten.njit
        def run(x):
            return unknown(x)
        def unknown(x):
            return x
        _core.set_overload_hook(lambda function, types, names: spin())
        threading.Thread(target=run, args=(1,), daemon=True).start()
        started.wait()
        """,
    "a question of the compiler's": """
        from hasten import _core
        def answer(function, types, names):
            started.set()
            end = time.monotonic() + 0.2
            while time.monotonic() < end:
                pass
            return function
        @hasten.njit
        def run(x):
            return unknown(x)
        def unknown(x):
            return x
        def compile():
            with contextlib.suppress(Exception):
                run(1)
        _core.set_overload_hook(answer)
        threading.Thread(target=compile, daemon=True).start()
        started.wait()
        """,
    "a digest of a large array": """
        @hasten.lru_cache(maxsize=10)
        def size(array):
            return len(array)
        array = np.zeros(2_000_000)
        spawn(lambda: size(array)).wait()
        """,
    "a function that is left to Python": """
        @hasten.jit
        def run(x):
            spin()
            return x.nothing
        threading.Thread(target=run, args=(spawn,), daemon=True).start()
        started.wait()
        """,
    "large arguments of a pool": """
        pool = hasten.Pool(2)
        array = np.zeros(2_000_000)
        def call():
            with contextlib.suppress(CancelledError):
                pool.apply(len, (array,))
        spawn(call).wait()
        """,
    "the input of a pool's iterator": """
        def numbers():
            yield 1
            spin()
        pool = hasten.Pool(1)
        next(pool.imap(abs, numbers()))
        started.wait()
        """,
    "a pool's result that is being unpickled": """
        pool = hasten.get_context("fork").Pool(1)
        result = pool.apply_async(Spinning)
        started.wait()
        pool._terminate.cancel()  # which would give that thread many seconds
        """,
    "an engine that is dropped by a thread": """
        import pickle
        from hasten._core import PoolEngine
        spawn(lambda: PoolEngine(pickle.loads, None)).wait()
        """,
}


def run(text: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_threads_in_the_middle_of(name: str) -> None:
    assert run(BEGIN + textwrap.dedent(PROGRAMS[name])) == (0, "", "")


def test_a_pools_own_thread_ends_before() -> None:
    # multiprocessing is imported first, so what it does at the end comes last.
    program = """
    from multiprocessing import util
    import threading, time
    import hasten
    pool = hasten.Pool(1)
    result = pool.apply_async(time.sleep, (60,))
    def show():
        print([thread.name for thread in threading.enumerate()])
    show()
    util.Finalize(None, show, exitpriority=-50)
    """
    assert run(textwrap.dedent(program)) == (0, "['MainThread', 'hasten-pool']\n['MainThread']\n", "")
