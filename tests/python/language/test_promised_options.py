"""Each option of jit does what the manual says."""

from __future__ import annotations

import cProfile
import dis
import io
import pickle
import pstats
import re
import subprocess
import sys
import threading

import hasten.numba
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


# ---------------------------------------------------------------- declared types of variables


def test_a_declared_accumulator_computes_in_its_type():
    a = np.full(3, 1 / 3)
    expected = np.float32(0)
    for item in a:
        expected = np.float32(expected + item)
    for decorator in (jit, njit, hasten.numba.jit):
        for kind in ("float32", hasten.numba.types.float32):
            result = decorator(locals={"s": kind})(total)(a)
            assert result == expected
    assert type(njit(locals={"s": "float32"})(total)(a)) is np.float32
    singles = a.astype(np.float32)
    narrow = code_of(hasten.numba.jit(locals={"s": "float32"}), total, singles)
    wide = code_of(hasten.numba.jit, total, singles)
    assert re.search(r"fadd float ", narrow)
    assert "double" not in narrow
    assert re.search(r"fadd double ", wide)


def test_two_declarations_of_one_function_are_two_codes():
    a = np.array([0.75, 0.75])
    before = hasten.stats()
    results = [
        njit(locals=declared)(total)(a)
        for declared in ({"s": "float64"}, {"s": "int64"}, {}, {"s": "float32", "i": "int32"})
    ]
    assert results == [1.5, 0, 1.5, 1.5]
    assert [type(x) for x in results] == [np.float64, np.int64, np.float64, np.float32]
    assert hasten.stats()["native_calls"] - before["native_calls"] == 4


def ways_to_assign(n, x, pairs):
    a, (b, *rest) = x, (x, x, x)
    d = 0
    for c in range(n):
        d += x + c * (len(rest) - 2)
    if (e := x) > 0:
        h: float = n
    for f, g in pairs:
        h = f + g
    return n, a, b, c, d, e, f, g, h


def test_all_ways_to_assign_convert():
    declared = {"n": "int16", **dict.fromkeys("abdefg", "int32"), "c": "float32", "h": "float64"}
    result = njit(locals=declared)(ways_to_assign)(3, 2.75, ((1.5, 2.5), (3.5, 4.5)))
    assert result == (3, 2, 2, 2, 6, 2, 3, 4, 7)
    assert [type(x) for x in result] == [np.int16, *[np.int32] * 2, np.float32, *[np.int32] * 4, np.float64]


def test_a_declared_type_wins_where_an_int_and_a_float_meet():
    def meet(flag):
        x: float = 1
        if flag:
            x = 2.5
        return x

    compiled = jit(locals={"x": "float64"})(meet)
    assert [repr(float(compiled(flag))) for flag in (False, True)] == ["1.0", "2.5"]
    assert compiled.nopython_signatures == ["(bool) -> float64"]


def test_a_variable_that_is_not_assigned_stays_unbound():
    def late(flag):
        if flag:
            x = 1
        return x

    compiled = njit(locals={"x": "float32"})(late)
    assert compiled(True) == 1
    with pytest.raises(UnboundLocalError, match="'x'"):
        compiled(False)


def test_a_declared_variable_is_reduced_in_parallel():
    def summed(a):
        s = 0
        for i in prange(len(a)):
            s += a[i]
        return s

    a = np.arange(1000, dtype=np.float32)
    compiled = njit(parallel=True, locals={"s": "float64"})(summed)
    assert compiled(a) == 499500
    assert type(compiled(a)) is np.float64
    assert "hst_parallel_for" in code_of(njit(parallel=True, locals={"s": "float64"}), summed, a)


def test_declared_types_reach_lifted_loops():
    def with_python(a):
        names = {}
        s = 0.0
        for i in range(len(a)):
            s += a[i]
        names["s"] = s
        return names

    with pytest.warns(match="is not compiled as a whole"):
        result = jit(locals={"s": "float32", "names": "int64"})(with_python)(np.full(3, 1 / 3))
    assert type(result["s"]) is np.float32


def test_what_locals_cannot_declare():
    with pytest.raises(
        TypingError, match=r"type float can't become the variable `s`, which locals= declares as array\(float64, 1d"
    ):
        njit(locals={"s": "float64[:]"})(total)(np.ones(3))
    with pytest.raises(TypeError, match="locals declares 't', but total has no variable of that name"):
        njit(locals={"t": "float32"})(total)
    with pytest.raises(TypeError, match="locals declares 's' of total as 'flaot32', which is no type"):
        njit(locals={"s": "flaot32"})(total)
    with pytest.raises(TypeError, match="locals must be a dict"):
        njit(locals="s")(total)


def test_declared_types_are_pickled():
    def local_total(a):
        s = 0.0
        for i in range(len(a)):
            s += a[i]
        return s

    compiled = njit(locals={"s": "float32"})(local_total)
    program = "import pickle, sys, numpy; f = pickle.load(sys.stdin.buffer); print(type(f(numpy.ones(3))).__name__)"
    found = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(compiled), capture_output=True, check=True
    )
    assert found.stdout.strip() == b"float32"


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
