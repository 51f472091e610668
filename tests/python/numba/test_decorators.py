import collections
import io
import pickle
from typing import Any

import numpy as np
import pytest
from hasten.numba import types
from hasten.numba.core import config, errors
from hasten.numba.core.runtime import _nrt_python, rtsys
from hasten.numba.extending import is_jitted, register_jitable

from hasten import numba

Point = collections.namedtuple("Point", ("x", "y"))


def add(x: Any, y: Any) -> Any:
    return x + y


def test_signatures_are_made_of_types() -> None:
    compiled = numba.njit(add)
    compiled(1, 2.5)
    compiled(np.zeros(2, np.float32), 1)
    assert compiled.signatures == [(types.int64, types.float64), (types.float32[::1], types.int64)]
    assert compiled.nopython_signatures[0] == types.float64(types.int64, types.float64)
    assert list(compiled.overloads) == compiled.signatures
    assert compiled.overloads[compiled.signatures[0]].signature.return_type is types.float64
    assert repr(compiled) == f"CPUDispatcher({add!r})"


@pytest.mark.parametrize(
    "signature",
    ["int32(int32, int32)", types.int32(types.int32, types.int32), "i4(i4, intc)"],
)
def test_a_signature_compiles_now_and_converts(signature: Any) -> None:
    compiled = numba.jit(signature)(add)
    assert compiled.nopython_signatures == [types.int32(types.int32, types.int32)]
    assert compiled(2.9, 1) == 3
    assert len(compiled.signatures) == 1
    with pytest.raises(TypeError, match="No matching definition for argument type"):
        compiled("a", "b")


def test_several_signatures_and_tuples_of_types() -> None:
    compiled = numba.jit(["int64(int64, int64)", (types.float64, types.float64)])(add)
    assert compiled.signatures == [(types.int64, types.int64), (types.float64, types.float64)]
    assert compiled(1.5, 1.0) == 2.5


def test_signatures_that_make_no_sense() -> None:
    with pytest.raises(NameError):
        numba.jit("foo(int64)")(add)
    with pytest.raises(TypeError, match="expected a type instance, got 1"):
        numba.jit((1, 2))(add)
    with pytest.raises(TypeError, match="evaluates to 'Integer' instead of tuple or Signature"):
        numba.jit([types.int64])(add)
    with pytest.raises(TypeError, match="Signature mismatch: 1 argument types given, but function takes 2"):
        numba.jit("int64(int64)")(add)


def test_options_are_checked_as_numba_checks_them() -> None:
    with pytest.raises(KeyError, match="Unrecognized options"):
        numba.jit(fooo=1)(add)
    with pytest.raises(AssertionError, match="nopython option must be a bool"):
        numba.jit(nopython=1)
    with pytest.raises(ValueError, match="Only one of"):
        numba.jit(nopython=True, forceobj=True)
    with pytest.raises(errors.DeprecationError, match="argtypes"):
        numba.jit(argtypes=())
    with pytest.warns(errors.NumbaDeprecationWarning, match="nopython=False"):
        numba.jit(nopython=False)
    with pytest.warns(RuntimeWarning, match="forceobj is set for njit and is ignored"):
        numba.njit(forceobj=True)
    with pytest.raises(errors.UnsupportedError, match="pipeline_class"):
        numba.jit(pipeline_class=object)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="already jitted function"):
        numba.jit(numba.jit(add))
    with pytest.raises(TypeError, match="not a function"):
        numba.jit(3)


def test_disabled_jit_leaves_functions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    assert numba.njit(add) is add


def test_forced_objects_stay_python() -> None:
    compiled = numba.jit((), forceobj=True)(add)
    assert compiled("a", "b") == "ab"
    assert compiled.signatures == []


def test_types_convert_in_compiled_code() -> None:
    @numba.njit
    def convert(x: Any) -> Any:
        return types.int8(x), numba.float32(x), numba.uint8(x), types.boolean(x), numba.complex64(x)

    assert convert(300.7) == (44, np.float32(300.7), 44, True, np.complex64(300.7))


def test_numbers_follow_numba_and_not_numpy() -> None:
    compiled = numba.njit(add)
    assert compiled(np.int8(100), np.int8(100)) == 200
    assert compiled(np.int64(-3), np.uint64(2)) == -1
    assert compiled.nopython_signatures[1].return_type is types.int64

    @numba.njit
    def negate(x: Any) -> Any:
        return -x, ~x, +x

    assert negate(np.uint8(1)) == (255, 254, 1)

    @numba.njit
    def shift(x: Any, n: Any) -> Any:
        return x >> n

    assert shift(np.uint8(200), np.int8(1)) == 100
    assert shift.nopython_signatures[0].return_type is types.uint64


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("x % y", (1, 0), "integer modulo by zero"),
        ("x // y", (1, 0), "integer division by zero"),
        ("x % y", (1.5, 0.0), "modulo by zero"),
        ("x / y", (1.5, 0.0), "division by zero"),
        ("x ** y", (0, -1), "0 cannot be raised to a negative power"),
    ],
)
def test_divisions_by_zero_say_what_numba_says(text: str, values: tuple[Any, ...], message: str) -> None:
    function = eval(f"lambda x, y: {text}")
    with pytest.raises(ZeroDivisionError, match=f"^{message}$"):
        numba.njit(function)(*values)


def test_flags_look_at_the_strides() -> None:
    @numba.njit
    def flags(a: Any) -> Any:
        return a.flags.c_contiguous, a.flags.f_contiguous, a.flags.contiguous

    for array in (
        np.zeros((2, 3)),
        np.zeros((2, 3)).T,
        np.zeros((4, 4))[::2],
        np.zeros((1, 5)),
        np.zeros((0, 3))[:, ::2],
    ):
        found = array.flags
        assert flags(array) == (found.c_contiguous, found.f_contiguous, found.contiguous)
    loose = numba.njit((types.float64[:, :],))(flags.py_func)
    assert loose(np.zeros((2, 3))) == (True, False, True)


def test_tuples_are_unpacked_into_tuples() -> None:
    @numba.njit
    def spread(a: Any, b: Any) -> Any:
        return (*a, 1, *b, *a)

    assert spread((1, 2.5), ()) == (1, 2.5, 1, 1, 2.5)


def test_pickles_keep_the_class() -> None:
    def local(x: Any) -> Any:
        return x + 1

    copied = pickle.loads(pickle.dumps(numba.njit(local)))
    assert type(copied).__name__ == "CPUDispatcher"
    assert copied(1) == 2
    assert copied.signatures == [(types.int64,)]


def test_a_registered_function_stays_python_and_can_be_called() -> None:
    @register_jitable
    def helper(x: Any) -> Any:
        return x * 2

    @numba.njit
    def caller(x: Any) -> Any:
        return helper(x) + 1

    assert helper(2) == 4
    assert not is_jitted(helper)
    assert is_jitted(caller)
    assert caller(3) == 7


def test_typed_code_is_shown() -> None:
    compiled = numba.njit(add)
    compiled(1, 2)
    out = io.StringIO()
    compiled.inspect_types(out)
    assert out.getvalue().startswith("add (int64, int64)\n" + "-" * 80)
    with pytest.raises(errors.UnsupportedError):
        compiled.inspect_types(pretty=True)


def test_blocks_of_memory_are_counted() -> None:
    @numba.njit
    def twice(a: Any) -> Any:
        return a * 2

    twice(np.zeros(3))
    before = rtsys.get_allocation_stats()
    kept = twice(np.zeros(3))
    during = rtsys.get_allocation_stats()
    del kept
    after = rtsys.get_allocation_stats()
    assert during.alloc - during.free == before.alloc - before.free + 1
    assert after.alloc - after.free == before.alloc - before.free
    assert (after.mi_alloc, after.mi_free) == (after.alloc, after.free)
    assert _nrt_python.memsys_get_stats_alloc() == after.alloc


def test_the_number_of_threads() -> None:
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert numba.get_num_threads() == 1
        with pytest.raises(TypeError, match="must be an integer"):
            numba.set_num_threads(1.5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="threads"):
            numba.set_num_threads(0)
    finally:
        numba.set_num_threads(before)


RECORDS = np.zeros(3, [("a", "i4")])


def test_forced_objects_stay_python_also_where_all_else_must_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASTEN_NATIVE", "1")

    @numba.jit(forceobj=True)
    def total(n: int) -> Any:
        found = 0
        for i in range(n):
            found += RECORDS[i]["a"]
        return found

    assert total(3) == 0


def test_ufuncs_take_signatures_as_types_and_texts() -> None:
    for signatures in (
        [types.float32(types.float32, types.float32)],
        ["float32(float32, float32)"],
        types.float32(types.float32, types.float32),
    ):
        made = numba.vectorize(signatures)(add)
        assert made.types == ["ff->f"]

    def fill(x: Any, out: Any) -> None:
        out[0] = x.sum()

    for layout_signatures in (["int64[:], int64[:]"], [(types.int64[:], types.int64[:])], "void(int64[:], int64[:])"):
        made = numba.guvectorize(layout_signatures, "(n)->()")(fill)
        assert made(np.arange(4)) == 6


def test_conversions_of_tuples_are_refused_in_numbas_words() -> None:
    def same(pair: Any) -> Any:
        return pair

    wanted = types.Tuple((types.float32,))
    with pytest.raises(
        errors.TypingError, match=r"No conversion from UniTuple\(int32 x 2\) to UniTuple\(float32 x 1\)"
    ):
        numba.njit(wanted(types.UniTuple(types.int32, 2)))(same)


def test_long_tuples_are_refused() -> None:
    with pytest.raises(errors.UnsupportedError, match="Tuple 'x' length must be smaller than 1000"):
        numba.njit(add)((1,) * 1000, 2)


def test_named_tuples_have_their_classes_in_signatures() -> None:
    compiled = numba.njit(lambda p: p.x)
    assert compiled(Point(1, 2.5)) == 1
    assert compiled.signatures == [(types.NamedTuple((types.int64, types.float64), Point),)]
    declared = numba.njit((types.NamedUniTuple(types.float64, 2, Point),))(lambda p: p)
    assert declared(Point(1, 2)) == Point(1.0, 2.0)
    assert type(declared(Point(1, 2)).x) is float
    assert declared.nopython_signatures[0].return_type == types.NamedUniTuple(types.float64, 2, Point)
    with pytest.raises(TypeError, match="No matching definition"):
        declared((1.0, 2.0))


def test_declared_types_take_what_fits_them() -> None:
    root = numba.njit(types.complex128(types.complex128))(lambda z: z + 1)
    assert root(10**40) == 10.0**40
    counted = numba.njit(types.int64(types.int64))(lambda n: n)
    with pytest.raises(OverflowError, match="out of range for int64"):
        counted(10**40)
    unsigned = numba.njit(types.uint32(types.uint32))(lambda n: n)
    assert unsigned(2**32 + 5) == 5
    with pytest.raises(OverflowError, match="-1 is out of range for uint32"):
        unsigned(-1)
