"""Each option of jit does what the manual says."""

from __future__ import annotations

import cProfile
import dis
import io
import pstats
import re
import threading

import numpy as np
import pytest
from hasten.errors import TypingError

import hasten
from hasten import jit, njit, prange


def total(a):
    s = 0.0
    for i in range(len(a)):
        s += a[i]
    return s


def code_of(decorator, function, *arguments):
    compiled = decorator(function)
    compiled(*arguments)
    (code,) = compiled.inspect_llvm().values()
    return code


# ---------------------------------------------------------------- what is compiled


def with_a_dict(n):
    counts = {}
    s = 0.0
    for i in range(n):
        s += i
    counts["sum"] = s
    return counts


def interpreted_and_native(function, *arguments):
    before = hasten.stats()
    result = function(*arguments)
    after = hasten.stats()
    return (
        result,
        after["interpreted_calls"] - before["interpreted_calls"],
        after["native_calls"] - before["native_calls"],
    )


def test_nopython_compiles_all_or_nothing():
    for decorator in (njit, jit(nopython=True)):
        with pytest.raises(TypingError):
            decorator(with_a_dict)(3)


def test_plain_jit_lifts_loops_unless_it_is_told_not_to():
    with pytest.warns(match="Lines") as warned:
        result, interpreted, native = interpreted_and_native(jit(with_a_dict), 3)
    assert (result, interpreted, native) == ({"sum": 3.0}, 1, 1)
    assert len(warned) == 1
    with pytest.warns(match="Lines") as warned:
        result, interpreted, native = interpreted_and_native(jit(looplift=False)(with_a_dict), 3)
    assert (result, interpreted, native) == ({"sum": 3.0}, 1, 0)
    assert len(warned) == 1


def test_forceobj_is_python_but_for_loops():
    assert interpreted_and_native(jit(forceobj=True)(total), np.ones(3)) == (3.0, 1, 1)
    assert interpreted_and_native(jit(forceobj=True, looplift=False)(total), np.ones(3)) == (3.0, 1, 0)


def test_inline_and_debug_change_no_result():
    for decorator in (njit(inline="always"), njit(inline="never"), njit(debug=True), njit(locals={})):
        assert decorator(total)(np.arange(4.0)) == 6


def test_locals_are_refused_by_name():
    with pytest.raises(TypeError, match="locals"):
        njit(locals={"s": "float32"})(total)


# ---------------------------------------------------------------- arithmetic


def test_fastmath_reorders():
    strict = code_of(njit, total, np.ones(3))
    fast = code_of(njit(fastmath=True), total, np.ones(3))
    assert "fadd fast" in fast
    assert re.search(r"fadd (fast )?<\d+ x double>", fast)
    assert "fast" not in strict.replace("fastcc", "")
    assert not re.search(r"fadd <\d+ x double>", strict)


def test_fastmath_takes_llvms_flags():
    def is_nan(x):
        return x != x

    assert njit(fastmath={"nnan"})(is_nan)(np.nan) is not True
    assert njit(fastmath={"ninf", "nsz", "arcp"})(is_nan)(np.nan) is True
    some = code_of(njit(fastmath={"reassoc", "nsz"}), total, np.ones(3))
    assert re.search(r"fadd reassoc nsz <\d+ x double>", some)
    assert "fadd fast" in code_of(njit(fastmath={"fast"}), total, np.ones(3))
    assert code_of(njit(fastmath=set()), total, np.ones(3)) == code_of(njit, total, np.ones(3))
    with pytest.raises(ValueError, match=r"fastmath has no flag 'nnn'\. There are: fast, nnan"):
        njit(fastmath={"nnn"})(total)


def divide(a, b):
    return a / b, a // b if b else a


def test_error_model():
    for decorator in (jit, njit):
        with pytest.raises(ZeroDivisionError):
            decorator(error_model="python")(divide)(1.0, 0.0)
        assert decorator(error_model="numpy")(divide)(1.0, 0.0) == (np.inf, 1.0)
        assert decorator(error_model="numpy")(divide)(-1, 0) == (-np.inf, -1)
        with pytest.raises(ValueError, match="error_model must be"):
            decorator(error_model="c")(divide)


# ---------------------------------------------------------------- memory, threads, the cache


def test_boundscheck_false_removes_the_checks():
    def gather(a, k):
        s = 0.0
        for i in range(len(k)):
            s += a[k[i]]
        return s

    arguments = np.arange(3.0), np.array([0, 2])
    assert "hst_raise_index" in code_of(njit, gather, *arguments)
    assert "hst_raise_index" in code_of(njit(boundscheck=True), gather, *arguments)
    assert "hst_raise_index" not in code_of(njit(boundscheck=False), gather, *arguments)
    assert njit(boundscheck=False)(gather)(*arguments) == 2
    with pytest.raises(IndexError, match="index 7 is out of bounds for axis 0 with size 3"):
        njit(gather)(np.arange(3.0), np.array([7]))


def test_parallel_shares_the_loop_out():
    def squares(a):
        b = np.zeros(len(a))
        for i in prange(len(a)):
            b[i] = a[i] * a[i]
        return b

    a = np.arange(100.0)
    assert "hst_parallel_for" in code_of(njit(parallel=True), squares, a)
    assert "hst_parallel_for" not in code_of(njit, squares, a)
    assert np.array_equal(njit(parallel=True)(squares)(a), a * a)


def test_nogil_lets_other_threads_run():
    """The loop ends only when another thread has written what it waits for."""

    def wait(flag):
        n = 0
        while flag[0] == 0:
            n += 1
        return n

    compiled = njit("int64(int64[:])", nogil=True)(wait)
    flag = np.zeros(1, dtype=np.int64)
    setter = threading.Timer(0.05, flag.__setitem__, (0, 1))
    setter.start()
    assert compiled(flag) >= 0
    setter.join()


def test_cache_false_keeps_nothing():
    def doubled(x):
        return x * 2.25

    counts = []
    for _ in range(2):
        before = hasten.stats()["cache_loads"]
        assert njit(cache=False)(doubled)(2.0) == 4.5
        counts.append(hasten.stats()["cache_loads"] - before)
    assert counts == [0, 0]


# ---------------------------------------------------------------- looking at it


def test_what_a_dispatcher_shows():
    compiled = njit(total)
    compiled(np.ones(3))
    compiled(np.ones(3, dtype=np.float32))
    assert compiled.py_func is total
    assert compiled.signatures == [("array(float64, 1d, C)",), ("array(float32, 1d, C)",)]
    for signature in compiled.signatures:
        assert "define" in compiled.inspect_llvm(signature)
        assert "ret" in compiled.inspect_asm(signature)
    text = io.StringIO()
    compiled.inspect_types(text)
    assert text.getvalue().count("func @0 total(") == 2
    assert set(hasten.stats()) >= {"native_compilations", "cache_loads", "native_calls", "interpreted_calls"}


def test_dis_and_profilers_work():
    compiled = njit(total)
    text = io.StringIO()
    dis.dis(compiled, file=text)
    assert "BINARY_OP" in text.getvalue()
    profile = cProfile.Profile()
    profile.runcall(compiled, np.ones(3))
    lines = io.StringIO()
    pstats.Stats(profile, stream=lines).print_stats("total")
    assert "(total)" in lines.getvalue()


# ---------------------------------------------------------------- Python around it


class Frame:
    """What a data frame does: columns by name, rows by iteration, attributes."""

    def __init__(self, **columns):
        self.columns = columns

    def __getitem__(self, name):
        return self.columns[name]

    def __setitem__(self, name, values):
        self.columns[name] = values

    def rows(self):
        return zip(*self.columns.values(), strict=True)


def of_a_frame(n):
    frame = Frame(x=np.arange(float(n)), y=np.ones(n))
    x = frame["x"]
    s = 0.0
    for i in range(n):
        for j in range(3):
            s += x[i] * j
    frame["z"] = x * 2
    wide = 0
    for row in frame.rows():
        wide += len(row)
    return s, wide, frame["z"].sum()


def of_a_file(path, n):
    with open(path, "w") as file:
        for i in range(n):
            file.write(f"{i}\n")
    t = 0
    with open(path) as file:
        for line in file:
            t += int(line)
    squares = 0
    for i in range(t):
        squares += i * i
    return t, squares


def of_a_class(n):
    class Counter:
        def __init__(self):
            self.n = 0

        def add(self, k):
            self.n += k

    counter = Counter()
    for i in range(n):
        counter.add(i)
    k = 0
    for i in range(n):
        k += i % 3
    return counter.n, k


def test_python_around_the_loops(tmp_path):
    for function, arguments in ((of_a_frame, (5,)), (of_a_file, (str(tmp_path / "f"), 9)), (of_a_class, (7,))):
        with pytest.warns(match=r"is not compiled as a whole: line \d+: .+\. Lines [-\d, ]+ run as Python") as warned:
            result = jit(function)(*arguments)
        assert len(warned) == 1
        assert result == function(*arguments)
        assert list(map(type, result)) == list(map(type, function(*arguments)))
