"""What the manual promises of NumPy, beside NumPy and under every decorator."""

from __future__ import annotations

import numpy as np
import pytest
from hasten.errors import TypingError

from hasten import jit, njit
from tests.python.beside_python import check, check_everywhere, check_whole, equal

CUBE = np.arange(24.0).reshape(2, 3, 4)
MATRIX = np.arange(12.0).reshape(3, 4)
VECTOR = np.arange(5.0)
INTEGERS = np.arange(6, dtype=np.int32).reshape(2, 3)
DTYPES = ["?", "b", "B", "h", "H", "i", "I", "l", "L", "e", "f", "d", "F", "D"]


# ---------------------------------------------------------------- types


def of_items(a):
    return a[0], a[1] + a[0], a.sum(), a + a, a[1], a.max(), a.mean(), a * 2, a == a[0]


def of_scalar(x):
    return x, x + x, x * 2, x == 1, bool(x), (x, x), x / 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(dtype):
    for a in (np.array([1, 0, 1], dtype=dtype), np.array([1, 2, 3], dtype=dtype)[::-1]):
        check(of_items, a)
        check_whole(of_items, a)
    check(of_scalar, np.dtype(dtype).type(1))
    check_whole(of_scalar, np.dtype(dtype).type(1))


def promotion(x, n):
    weak = x + 1, x + 2.5, x * n, np.int8(100) + 27, np.uint8(3) - 1, x / 3, np.float16(1) * 2.0, n + np.int8(3)
    strong = np.float32(1) + np.float64(1), np.int32(1) + np.int64(2), np.bool_(True) + np.bool_(True)
    powers = np.int64(3) ** 2, 2 ** np.int8(3), np.float32(2) ** 2
    return weak, strong, powers, True + x, np.bool_(True) + 1, -np.int8(5), np.uint8(5) // 2, np.int8(7) / 2


def promotion_of_arrays(a):
    arrays = a + 1.5, a * 2, a + np.float64(1), a > 1, np.sqrt(a), a + np.arange(5)
    items = a[0] + 1.5, a.sum() + 1.0, a[1] * a[2], abs(a[1]), round(a[1]), round(a[1], 1), int(a[1]), a[1] // 1
    return arrays, items, divmod(a[3], 2)


def test_promotion():
    check(promotion, np.float32(1.5), 2)
    check_whole(promotion, np.float32(1.5), 2)
    check(promotion_of_arrays, VECTOR.astype("f4"))
    check_whole(promotion_of_arrays, VECTOR.astype("f4"))


def of_arguments(t, none, flag, z, r, nested):
    return t, none, flag, z, r, none is None, t[2] + 1, len(r), nested[1][1], nested[2][0].sum()


def test_arguments_of_all_types():
    nested = (1, (2, 3.0), (np.arange(3.0), 4))
    check(of_arguments, (1, 2.5, np.float32(3)), None, True, 1j, range(5), nested)
    check_whole(of_arguments, (1, 2.5, np.float32(3)), None, True, 1j, range(5), nested)


# ---------------------------------------------------------------- memory


def reads(a):
    return a[1], a.sum(), a + 1, a[1:3].sum(), a[::-1], a.copy()


def writes(a):
    a[0] = 1


def adds(a):
    a += 1


def writes_through_a_view(a):
    b = a[1:]
    b[0] = 2.0


def test_read_only_arrays():
    a = np.arange(5.0)
    a.flags.writeable = False
    for decorator in (jit, njit):
        assert equal(reads(a), decorator(reads)(a))
    for function in (writes, adds, writes_through_a_view):
        with pytest.raises(ValueError, match="read-only") as theirs:
            function(a)
        with pytest.warns(match="is not compiled as a whole"), pytest.raises(ValueError) as ours:
            jit(function)(a)
        assert str(ours.value) == str(theirs.value)
        with pytest.raises(TypingError, match="read-only"):
            njit(function)(a)


def test_swapped_bytes():
    a = np.arange(5.0).astype(">f8")
    with pytest.warns(match="swapped bytes"):
        assert equal(reads(a), jit(reads)(a))
    with pytest.raises(TypingError, match="Convert to the machine's order"):
        njit(reads)(a)


@pytest.mark.parametrize(
    "a",
    [CUBE, np.asfortranarray(CUBE), CUBE[:, ::2], CUBE[::-1, :, ::-1], CUBE.transpose(1, 2, 0), CUBE[:, :, 1:2]],
    ids=["C", "F", "steps", "backwards", "transposed", "thin"],
)
def test_any_order_and_strides(a):
    def of_any(a):
        return a.sum(), a[0, 0, 0], a[-1, -1, -1], a.copy(), a[0] + 1, a.max(), a.shape, a.strides, a.size, a.ndim

    check(of_any, a)
    check_whole(of_any, a)


# ---------------------------------------------------------------- indexing


def subscripts(a):
    items = a[1], a[1, 2], a[1, 2, 3], a[-1, -1, -1], a[()]
    dots = a[..., 1], a[1, ..., 2], a[...]
    axes = a[None, 1], a[:, np.newaxis], a[..., None]
    slices = a[:, 1], a[1:, ::2, ::-1], a[::-1], a[5:], a[-5:1], a[2:1], a[:, -2:]
    return items, dots, axes, slices


def assigned(a):
    a[0, 0, 0] = 7
    a[1] = 3.5
    a[:, 1, ::2] = np.arange(2.0)
    a[..., -1] += 1
    a[0, 1:, :2] *= 2
    a[0, :, None, 0] = 9
    a[1, 2] = (1.0, 2.0, 3.0, 4.0)
    return a


def overlapping(a):
    a[1:] = a[:-1]
    a[::-1] = a.copy()
    a[1:] += a[:-1]
    return a


def views(a):
    b = a[1:3]
    b[0] = 100
    b += 1
    c = a.reshape(5, 1)
    c[2, 0] = -1
    return a, b, c


def without_dimensions(a):
    a[...] = 3.0
    a[()] += 1
    return a, a + 1, a * a, np.sqrt(a), -a, a > 2, a[()], a.sum(), float(a[()]), a.shape, a.item()


def test_subscripts():
    check_everywhere(subscripts, CUBE)
    check_everywhere(assigned, CUBE)
    check_everywhere(overlapping, VECTOR)
    check_everywhere(views, VECTOR)
    check(without_dimensions, np.array(5.0))
    check_whole(without_dimensions, np.array(5.0))


def too_far(a):
    return a[5]


def too_far_back(a):
    return a[-6]


def write_too_far(a):
    a[5] = 1.0


def wrong_shape(a):
    a[1:3] = a


def no_broadcast(a):
    return a + np.ones(3)


def no_product(a):
    return a @ np.ones(3)


def no_dot(a):
    return np.dot(a, np.ones(3))


def negative_size(a):
    return np.zeros(-len(a))


def empty_minimum(a):
    return a[:0].min()


@pytest.mark.parametrize(
    "function",
    [too_far, too_far_back, write_too_far, wrong_shape, no_broadcast, no_product, no_dot, negative_size, empty_minimum],
)
@pytest.mark.parametrize("decorator", [jit, njit])
def test_numpys_own_errors(function, decorator):
    with pytest.raises(Exception) as theirs:
        function(VECTOR)
    with pytest.raises(type(theirs.value)) as ours:
        decorator(function)(VECTOR)
    assert str(ours.value) == str(theirs.value)


# ---------------------------------------------------------------- making arrays


def created(n):
    filled = np.zeros(n), np.ones((n, 2)), np.full(n, 2.5), np.full((n, 2), 3), np.zeros((n, 0)), np.ones(())
    typed = np.zeros(n, dtype=np.int8), np.zeros(n, np.bool_), np.ones(n, dtype="int32"), np.zeros(n, dtype=int)
    ranges = np.arange(n), np.arange(1, n), np.arange(0.0, n, 0.5), np.arange(n, dtype=np.float32), np.arange(n, 0, -1)
    spaces = np.linspace(0, 1, n), np.linspace(0, 1, n, endpoint=False), np.linspace(1, 2)
    return filled, typed, ranges, spaces, np.zeros((n, 2), order="F"), np.full(n, 1, dtype=np.complex64), np.eye(n)


def created_like(a):
    typed = np.zeros_like(a, dtype=np.int16), np.full_like(a, 2.5, dtype=np.float32), np.ones_like(a, order="C")
    return np.zeros_like(a), np.ones_like(a), np.full_like(a, 3), np.empty_like(a).shape, typed


def test_creation():
    check_everywhere(created, 3)
    check_everywhere(created_like, MATRIX)
    check(created_like, np.asfortranarray(MATRIX))


# ---------------------------------------------------------------- reductions


def whole(a):
    return a.sum(), a.mean(), a.min(), a.max(), np.sum(a), np.mean(a), np.min(a), np.max(a), a.sum(axis=None)


def along_one(a):
    return a.sum(0), a.sum(axis=1), a.sum(axis=-1), a.mean(axis=0), a.mean(1), a.min(axis=1), a.max(axis=2)


def along_several(a):
    sums = a.sum(axis=(0, 1)), a.sum(axis=(1, 2)), a.sum(axis=(0, 2)), a.sum(axis=(2, 0)), a.sum(axis=(0, 1, 2))
    means = a.mean(axis=(0, 1)), a.mean(axis=(0, -1)), a.mean(axis=(1, 2))
    return sums, means, a.max(axis=(1, 2)), a.min(axis=(0,)), a.prod(axis=(0, 1)), a.any(axis=(0, 2)), a.sum(axis=())


def keeping(a):
    one = a.sum(axis=1, keepdims=True), np.min(a, axis=0, keepdims=True), a.sum(axis=0, keepdims=False)
    several = (
        a.max(axis=(0, 2), keepdims=True),
        a.mean(axis=(1, 2), keepdims=True),
        a.sum(axis=(0, 1, 2), keepdims=True),
    )
    return one, several, a.mean(keepdims=True), a.sum(keepdims=True), a.max(keepdims=True)


def typed(a):
    floats = a.sum(dtype=np.float32), a.mean(dtype=np.float32), a.mean(axis=0, dtype=np.float32)
    ints = a.sum(axis=0, dtype=np.int8), np.sum(a, dtype=np.int64), a.sum(axis=(0, 1), dtype=np.int16)
    return floats, ints, a.sum(axis=1, dtype=np.float64, keepdims=True), a.sum(), a.mean(), a.sum(axis=0)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8", "c16"])
def test_reductions(dtype):
    rng = np.random.default_rng(1)
    a = (rng.random((2, 3, 4)) * 9).astype(dtype)
    functions = [whole, along_one, along_several, keeping]
    for function in functions:
        check(function, a)
    check_whole(along_several, a)


def test_reductions_of_long_axes_add_in_numpys_order():
    rng = np.random.default_rng(2)
    for shape in ((3, 5, 1000), (1000, 3, 5), (7, 130, 9)):
        check(along_several, rng.random(shape))
        check(keeping, rng.random(shape))


def test_types_of_reductions():
    check(typed, INTEGERS)
    check_whole(typed, INTEGERS)


def test_reductions_of_views():
    def of_views(a):
        return a.T.sum(axis=0), a[:, ::2].sum(axis=1), a[::-1].mean(axis=0), a.transpose(1, 0, 2).max(axis=0)

    check_everywhere(of_views, CUBE)


# ---------------------------------------------------------------- products


def products(a, b, v, w):
    matrices = a @ b, np.dot(a, b), a.dot(b), np.matmul(a, b), a.T @ a, a[:, ::2] @ b[::2], a[::-1] @ b
    vectors = a @ v, w @ a, np.dot(a, v), np.dot(w, a), a.T @ w
    return matrices, vectors, v @ v, np.dot(v, v), v[::2] @ v[:2], np.dot(2.0, a), np.dot(a, 3)


def square(a, b, v):
    return a @ b, a @ v, v @ v, np.dot(a, b), a.T @ a, b @ a


def test_products():
    check_everywhere(products, MATRIX, MATRIX.T.copy(), np.arange(4.0), np.arange(3.0))


@pytest.mark.parametrize(
    "types", [("i8", "i8", "i8"), ("i1", "i4", "u1"), ("f4", "f8", "f4"), ("F", "D", "F"), ("?", "?", "?")]
)
def test_products_of_other_types(types):
    a, b, v = (x.astype(t) for x, t in zip((MATRIX, MATRIX.T.copy(), np.arange(4)), types, strict=True))
    check(square, a, b, v)
    check_whole(square, a, b, v)


# ---------------------------------------------------------------- element by element


def elements(a, v):
    arithmetic = a + v, a * v - 2.0, -a, abs(-a), a**2, a // 2, a % 3, a[:, None] + v, np.maximum(a, v)
    tests = a > v, (a > 1) & (a < 5), ~(a > 2), a == v, np.isnan(a), np.where(a > 2, a, v)
    functions = np.sin(a) + np.cos(v), np.exp(-a), np.sqrt(a), np.clip(a, 1, 5), np.sign(a), np.floor(a / 2)
    return arithmetic, tests, functions, a.astype(np.int32), np.minimum(a, 3), a.clip(2, 4), a.real, a.imag


def changed_in_place(a, b):
    a += 1
    a -= b
    a *= 2
    a /= 3
    a **= 2
    return a


def integers_in_place(a):
    a += 1
    a //= 2
    a |= 3
    a <<= 1
    a %= 5
    return a


def test_elements():
    check(elements, MATRIX, VECTOR[:4])
    check_whole(elements, MATRIX, VECTOR[:4])
    check_everywhere(changed_in_place, MATRIX, np.ones(4))
    check_everywhere(integers_in_place, INTEGERS)


# ---------------------------------------------------------------- random numbers


def draws(n):
    np.random.seed(n)
    scalars = np.random.random(), np.random.rand(), np.random.randn(), np.random.randint(10), np.random.normal()
    arrays = np.random.rand(2, 3), np.random.randn(2, 2), np.random.random((2, 2)), np.random.randint(0, 5, size=(2, 2))
    uniform = (
        np.random.uniform(),
        np.random.uniform(1, 2),
        np.random.uniform(low=1.0, high=3.0),
        np.random.uniform(1, 2, 3),
    )
    normal = np.random.normal(1, 2), np.random.normal(1, 2, (2, 2)), np.random.normal(size=3), np.random.randn()
    return scalars, arrays, uniform, normal, np.random.randint(2**40, 2**41), np.random.randint(1)


def test_random_numbers_are_numpys():
    check_everywhere(draws, 5)
    expected, actual = (f(3) for f in (draws, njit(draws)))
    assert equal(expected, actual)
    assert np.random.random() != 0  # and NumPy goes on where compiled code stopped
    draws(3)
    after_python = np.random.random()
    njit(draws)(3)
    assert np.random.random() == after_python
