"""A dispatcher looks like the function that it stands for."""

from __future__ import annotations

import copy
import cProfile
import dis
import gc
import inspect
import io
import os
import pickle
import pstats
import re
import subprocess
import sys
import traceback
import weakref
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

import hasten
from hasten import _core, njit


@njit
def documented(x: float, scale: float = 2.0) -> float:
    """Scale a number."""
    return x * scale


def test_it_has_the_functions_attributes() -> None:
    function = documented.py_func
    for name in (
        "__name__",
        "__qualname__",
        "__module__",
        "__doc__",
        "__code__",
        "__defaults__",
        "__kwdefaults__",
        "__globals__",
    ):
        assert getattr(documented, name) is getattr(function, name), name
    assert documented.__wrapped__ is function
    assert documented.__annotations__ == function.__annotations__
    assert inspect.signature(documented) == inspect.signature(function)
    assert inspect.getsource(documented).startswith("@njit\ndef documented")
    assert "documented" in repr(documented)
    vars(documented)["note"] = "kept"
    assert getattr(documented, "note") == "kept"  # noqa: B009


def test_dis_shows_pythons_code() -> None:
    ours, pythons = io.StringIO(), io.StringIO()
    dis.dis(documented, file=ours)
    dis.dis(documented.py_func, file=pythons)
    assert ours.getvalue() == pythons.getvalue()


def test_what_it_was_compiled_to_can_be_read() -> None:
    @njit
    def product(x: Any, y: Any) -> Any:
        return x * y

    product(1, 2)
    product(1.5, 2.5)
    assert product.signatures == [("int", "int"), ("float", "float")]
    assert product.overloads == {("int", "int"): "int", ("float", "float"): "float"}
    assert "fmul" in product.inspect_llvm(("float", "float"))
    assert "fmul" not in product.inspect_llvm()[("int", "int")]
    text = io.StringIO()
    product.inspect_types(text)
    assert "(int, int) -> int" in text.getvalue()
    assert "func @0" in text.getvalue()


def test_recompile_reads_the_globals_anew_and_drops_the_old_code() -> None:
    @njit
    def same(x: Any) -> Any:
        return x

    same(1)
    same(1.5)

    def made() -> int:
        counts = hasten.stats()
        return counts["native_compilations"] + counts["cache_loads"]

    before = made()
    same.recompile()
    assert made() == before + 2
    assert len(same.signatures) == 2
    assert same(2) == 2


def test_code_that_is_dropped_while_it_runs_stays_until_it_returns() -> None:
    import signal

    def loop(n: Any) -> Any:
        total = 0
        for i in range(n):
            total += i % 3
        return total

    jitted = njit(loop)
    jitted(1)

    def handler(*_: Any) -> None:
        jitted.recompile()
        gc.collect()

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert jitted(200_000_000) == 199_999_999
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def profile_of(action: Any) -> dict[str, int]:
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        action()
    finally:
        profiler.disable()
    stats = pstats.Stats(profiler)
    return {name: calls for (file, _, name), (calls, *_) in stats.stats.items() if file == __file__}  # type: ignore[attr-defined]


def test_profilers_see_it_under_its_name() -> None:
    @njit
    def busy(n: Any) -> Any:
        total = 0
        for i in range(n):
            total += i
        return total

    busy(1)
    calls = profile_of(lambda: [busy(10), busy(n=20), busy(30)])
    assert calls["busy"] == 3
    assert "make_trampoline" not in calls
    assert busy(4) == 6


def test_a_traceback_under_a_profiler_is_the_same() -> None:
    places = []
    for call in (lambda: fail(-1), lambda: profile_of(lambda: fail(-1))):
        with pytest.raises(ValueError, match="negative") as caught:
            call()
        places.append([(entry.name, entry.lineno) for entry in traceback.extract_tb(caught.value.__traceback__)][-2:])
    assert places[0] == places[1]
    assert places[0][-1] == ("fail", fail.__code__.co_firstlineno + 3)


@njit
def fail(x: Any) -> Any:
    if x < 0:
        raise ValueError("negative")
    return x


def test_it_can_be_referred_to_weakly() -> None:
    @njit
    def same(x: Any) -> Any:
        return x

    reference = weakref.ref(same)
    assert reference() is same
    assert {same: 1}[same] == 1


def test_a_dispatcher_that_was_never_called_is_collected() -> None:
    def make() -> Any:
        @njit
        def recursive(n: Any) -> Any:
            return recursive(n - 1) if n else 0

        vars(recursive)["itself"] = recursive
        return weakref.ref(recursive)

    reference = make()
    gc.collect()
    assert reference() is None


def test_a_subclass_keeps_the_fast_call() -> None:
    flag = 1 << 11  # Py_TPFLAGS_HAVE_VECTORCALL
    assert type(documented).__flags__ & flag

    class Counting(_core.Dispatcher):
        calls = 0

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            Counting.calls += 1
            return super().__call__(*args, **kwargs)

    counted = Counting(documented.py_func)
    assert counted(2.0) == 4.0
    assert Counting.calls == 1


def test_an_empty_dispatcher_says_so() -> None:
    empty = _core.Dispatcher.__new__(_core.Dispatcher)
    for action in (lambda: empty(1), lambda: empty.py_func, lambda: empty.__code__, lambda: empty.compile_for(1)):
        with pytest.raises(TypeError, match="no function yet"):
            action()
    assert not empty.is_ready


@pytest.mark.parametrize("kind", [_core.Dispatcher, _core.Cache])
def test_the_stub_lists_what_the_type_offers(kind: type) -> None:
    stub = (Path(hasten.__file__).parent / "_core.pyi").read_text(encoding="utf-8")
    text = stub[stub.index(f"class {kind.__name__}:") :]
    text = re.split(r"\n(?:def|class) ", text)[0]
    own = {name for name in vars(kind) if not name.startswith("__") or name in ("__code__", "__globals__")}
    assert {name for name in own if f"def {name}(" not in text and f"{name}:" not in text} == set()


def test_an_importable_function_is_pickled_by_name() -> None:
    data = pickle.dumps(documented)
    assert len(data) < 200
    assert pickle.loads(data) is documented
    assert copy.copy(documented) is documented
    assert copy.deepcopy([documented])[0] is documented


SENDER = """
import pickle, sys, cloudpickle, hasten

def make(offset):
    @hasten.njit("float64(float64)", error_model="numpy")
    def shifted(x):
        return x + offset
    return shifted

@hasten.njit
def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)

shifted = make(2.5)
sys.stdout.buffer.write({pickle}.dumps([shifted, factorial, shifted]))
"""

RECEIVER = """
import pickle, sys, hasten
shifted, factorial, again = pickle.loads(sys.stdin.buffer.read())
assert again is shifted
print(shifted(1.0), factorial(5), shifted.targetoptions, shifted.can_compile, shifted.__name__)
print(hasten.stats()["interpreted_calls"])
"""


@pytest.mark.parametrize("module", ["pickle", "cloudpickle"])
def test_other_functions_are_pickled_with_their_source(module: str, tmp_path: Path) -> None:
    program = tmp_path / "sender.py"
    program.write_text(SENDER.format(pickle=module))
    data = subprocess.run([sys.executable, str(program)], capture_output=True, check=True).stdout
    program.unlink()  # the receiver has nothing but the pickle
    done = subprocess.run([sys.executable, "-c", RECEIVER], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().split("\n")[:2] == [
        "3.5 120 {'error_model': 'numpy', 'nopython': True} False shifted",
        "0",
    ]


def test_a_pickle_is_the_same_object_in_its_own_process() -> None:
    @njit
    def local(x: Any) -> Any:
        return x

    assert pickle.loads(pickle.dumps(local)) is local
    assert cloudpickle.loads(cloudpickle.dumps(local)) is local
    assert copy.deepcopy(local) is local


def test_a_child_compiles_and_runs() -> None:
    @njit
    def scaled(a: Any, factor: Any) -> Any:
        return a * factor

    array = np.arange(3.0)
    scaled(array, 2.0)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            assert np.array_equal(scaled(array, 3.0), array * 3)  # code of the parent's
            assert np.array_equal(scaled(array, 3), array * 3)  # its own
            assert njit(lambda x: x + 1)(1) == 2
            os.write(writing, b"ok")
        finally:
            os._exit(0)
    os.close(writing)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(reading, 10) == b"ok"
    os.close(reading)
    assert np.array_equal(scaled(array, 3), array * 3)


def test_a_fork_in_the_middle_of_another_threads_compilation() -> None:
    program = """
import os, threading, hasten

def make(i):
    scope = {}
    exec(f"def f(x):\\n    t = 0.0\\n    for i in range(10):\\n        t += x * {i}\\n    return t", scope)
    return hasten.njit(scope["f"])

stop = threading.Event()
def compile_for_ever():
    i = 0
    while not stop.is_set():
        make(i)(1.0)
        i += 1

threads = [threading.Thread(target=compile_for_ever) for _ in range(2)]
for thread in threads:
    thread.start()
for i in range(20):
    child = os.fork()
    if child == 0:
        ok = make(1000 + i)(2.0) == 20.0 * (1000 + i)
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "done", done.stderr
