"""`vectorize` and `guvectorize`: scalar functions and loops over core dimensions as true NumPy ufuncs and gufuncs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import numpy as np

from hasten import _core
from hasten._decorators import kernel_dispatcher
from hasten.errors import TypingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_OPTIONS = frozenset(
    ["nopython", "identity", "target", "cache", "fastmath", "forceobj", "writable_args", "boundscheck", "error_model"]
)
_TARGETS = ("cpu", "parallel")


def vectorize(ftylist_or_function: Any = (), /, **options: Any) -> Any:
    """Make a NumPy ufunc of a function on scalars.

    Parameters
    ----------
    ftylist_or_function : str, list of str, or callable, optional
        Signatures such as ``"float64(float64, float64)"``, compiled now, in the order in which NumPy tries them.
        Without any, loops are compiled for the types of the arguments at the first call with them.
    identity : {None, 0, 1, "reorderable"}, optional
        The identity of the operation, which ``reduce`` starts from.
    target : {"cpu", "parallel"}, optional
        Whether large arrays are shared among threads.
    cache, fastmath, nopython : bool, optional
        As in `jit`.

    Returns
    -------
    numpy.ufunc or callable
        The ufunc, with `reduce`, `accumulate`, `outer`, `at`, broadcasting, ``out=`` and ``where=``; or a decorator.

    Raises
    ------
    KeyError
        On an unknown option, as numba does.
    ValueError
        On an unknown target or identity.
    TypingError
        Where the function can't be compiled for a signature.

    Examples
    --------
    >>> @vectorize
    ... def hypotenuse(x, y):
    ...     return (x * x + y * y) ** 0.5
    >>> hypotenuse([3.0, 5.0], [4.0, 12.0])
    array([ 5., 13.])
    """
    return ufunc_decorator(ftylist_or_function, options, dialect="python")


def ufunc_decorator(what: Any, options: dict[str, Any], *, dialect: str) -> Any:
    """Do what `vectorize` does, by the rules of a dialect ("python" or "numba")."""
    if callable(what) and not _is_signature(what):
        return _make_ufunc(what, [], options, dialect)
    signatures = _signature_list(what)
    return lambda function: _make_ufunc(function, signatures, options, dialect)


def guvectorize(*args: Any, **options: Any) -> Any:
    """Make a NumPy generalised ufunc of a function on arrays of core dimensions.

    Parameters
    ----------
    ftylist : str or list of str, optional
        Signatures such as ``"void(float64[:], float64[:])"``, compiled now; outputs are the last arguments. Without
        any, loops are compiled for the types of the arguments at the first call with them.
    signature : str
        The layout, as NumPy writes it: ``"(m,n),(n,p)->(m,p)"``.
    target, cache, fastmath, nopython : optional
        As in `vectorize`.

    Returns
    -------
    callable
        A decorator, which returns a ``numpy.ufunc``.

    Raises
    ------
    TypeError, ValueError
        On arguments that are not as above.
    TypingError
        Where the function can't be compiled for a signature.
    """
    return gufunc_decorator(args, options, dialect="python")


def gufunc_decorator(args: tuple[Any, ...], options: dict[str, Any], *, dialect: str) -> Any:
    """Do what `guvectorize` does, by the rules of a dialect ("python" or "numba")."""
    if len(args) == 1:
        signatures: list[Signature] = []
        (layout,) = args
    elif len(args) == 2:
        signatures, layout = _signature_list(args[0]), args[1]
    else:
        raise TypeError("guvectorize() takes the layout, or signatures and the layout")
    if not isinstance(layout, str):
        raise TypeError(f"the layout must be a string such as '(n),(n)->()', not {layout!r}")
    return lambda function: make_gufunc(function, signatures, Layout(layout), options, dialect)[0]


def _is_signature(value: Any) -> bool:
    return hasattr(value, "_hasten_text") or hasattr(value, "return_type")


Signature = tuple[list[str], str]  # the argument types and the result type, "" where there is none


def _signature_list(value: Any) -> list[Signature]:
    if isinstance(value, str) or _is_signature(value) or (isinstance(value, tuple) and value):
        return [_parsed(value)]
    return [_parsed(one) for one in value]


def _parsed(signature: Any) -> Signature:
    if hasattr(signature, "args"):
        result = signature.return_type
        return [_type_text(one) for one in signature.args], "" if result is None else _type_text(result)
    if isinstance(signature, tuple):
        return [_type_text(one) for one in signature], ""
    return _split(str(signature))


def _type_text(one: Any) -> str:
    return str(getattr(one, "_hasten_text", one))


def _check(options: dict[str, Any]) -> None:
    for name in options:
        if name not in _OPTIONS:
            raise KeyError(
                f"Unrecognized options: vectorize has no option {name!r}; there are: {', '.join(sorted(_OPTIONS))}"
            )
    if options.get("target", "cpu") not in _TARGETS:
        raise ValueError(f"target must be 'cpu' or 'parallel', not {options['target']!r}")
    if options.get("identity") not in (None, 0, 1, "reorderable"):
        raise ValueError(f"identity must be None, 0, 1 or 'reorderable', not {options['identity']!r}")


def _dispatcher(function: Callable[..., Any], options: dict[str, Any], dialect: str) -> Any:
    known = {k: v for k, v in options.items() if k in ("cache", "fastmath", "boundscheck")}
    return kernel_dispatcher(function, known, dialect=dialect)


def _name_and_doc(function: Any) -> tuple[str, str]:
    function = getattr(function, "py_func", function)
    return function.__name__, function.__doc__ or ""


def _split(signature: str) -> Signature:
    """Take a signature's text apart: ``"float64(int32, float64[:])"``, ``"(int32, float64)"``, ``"int32, int8"``."""
    text = signature.strip()
    result = ""
    if text.endswith(")") and not text.startswith("("):
        result, text = text[: _opening(text)].strip(), text[_opening(text) :]
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    arguments, depth, start = [], 0, 0
    for i, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            arguments.append(text[start:i].strip())
            start = i + 1
    if text[start:].strip():
        arguments.append(text[start:].strip())
    return arguments, result


def _opening(text: str) -> int:
    """Where the parenthesis opens that the text ends with."""
    depth = 0
    for i in range(len(text) - 1, -1, -1):
        depth += (text[i] == ")") - (text[i] == "(")
        if depth == 0:
            return i
    raise TypeError(f"not a signature: {text!r}")


# ---- ufuncs


def _make_ufunc(
    function: Callable[..., Any], signatures: Iterable[Signature], options: dict[str, Any], dialect: str
) -> np.ufunc:
    _check(options)
    inputs = function.__code__.co_argcount
    dispatcher = _dispatcher(function, options, dialect)
    parallel = options.get("target") == "parallel"
    loops = []
    outputs = 1
    for arguments, result in signatures:
        loop = _core.compile_loop(dispatcher, arguments, result, [], 1, parallel)
        outputs = len(_core.loop_types(loop)) - inputs
        loops.append(loop)
    promoter = None if loops else Promoter(dispatcher, inputs, outputs, None, parallel)
    made = _core.make_ufunc(
        *_name_and_doc(function), inputs, outputs, options.get("identity"), "", loops, promoter, dispatcher, []
    )
    return cast("np.ufunc", made)


class Promoter:
    """Answers NumPy when no loop fits: compiles one.

    Parameters
    ----------
    dispatcher : Dispatcher
        The function.
    inputs, outputs : int
        Numbers of operands.
    layout : Layout or None
        Of a gufunc.
    parallel : bool
        Whether loops may run on several threads.
    """

    def __init__(self, dispatcher: Any, inputs: int, outputs: int, layout: Layout | None, parallel: bool) -> None:
        self.dispatcher = dispatcher
        self.inputs = inputs
        self.outputs = outputs
        self.layout = layout
        self.parallel = parallel
        self.is_frozen = False  # whether it adds no more loops
        self.known: dict[tuple[np.dtype[Any], ...], tuple[np.dtype[Any], ...]] = {}

    def __call__(self, ufunc: np.ufunc, classes: list[Any]) -> tuple[Any, ...]:
        dtypes = _concrete(classes[: self.inputs])
        key = dtypes
        if self.layout is not None:
            given = [None if c is None else _concrete([c])[0] for c in classes[self.inputs :]]
            results = tuple(d if d is not None else np.result_type(*dtypes) for d in given)
            key = dtypes + results
        if key not in self.known:
            if self.is_frozen:
                raise TypeError(f"no loop for {', '.join(map(str, key))}, and compiling is disabled")
            self.add(ufunc, key)
        return tuple(type(dtype) for dtype in self.known[key])

    def add(self, ufunc: np.ufunc, dtypes: tuple[np.dtype[Any], ...]) -> None:
        """Compile a loop and add it.

        Parameters
        ----------
        ufunc : numpy.ufunc
            What it becomes part of.
        dtypes : tuple of dtype
            Of the inputs and, for a gufunc, of the outputs.
        """
        if self.layout is not None:
            arguments = [self.layout.argument(i, dtype.name) for i, dtype in enumerate(dtypes)]
            loop = _core.compile_loop(self.dispatcher, arguments, "", self.layout.core, self.outputs, self.parallel)
            result = dtypes
        else:
            loop = _core.compile_loop(self.dispatcher, [d.name for d in dtypes], "", [], 1, self.parallel)
            result = tuple(_dtype_of_number(number) for number in _core.loop_types(loop))
        _core.add_loop(ufunc, loop)
        self.known[dtypes] = result


def _dtype_of_number(number: int) -> np.dtype[Any]:
    for character in "?bBhHiIlLefdFDmM":
        dtype = np.dtype(character)
        if dtype.num == number:
            return dtype
    raise TypingError(f"NumPy's type number {number} has no dtype that a ufunc can return")


def _concrete(classes: list[Any]) -> tuple[np.dtype[Any], ...]:
    """One dtype for each operand; Python's numbers take NumPy's default or the kind of their neighbours (NEP 50)."""
    samples: list[Any] = []
    for cls in classes:
        if cls is None:
            samples.append(None)
        elif cls.type in (int, float, complex):
            samples.append(cls.type(1))
        else:
            samples.append(cls())
    strong = [s for s in samples if isinstance(s, np.dtype)]
    result = []
    for sample in samples:
        if sample is None:
            result.append(strong[0] if strong else np.dtype(float))
        elif isinstance(sample, np.dtype):
            result.append(sample)
        else:
            result.append(np.result_type(sample, *strong))
    return tuple(result)


# ---- gufuncs


class Layout:
    """A gufunc's layout: core dimensions of each argument, by number of dimension.

    Parameters
    ----------
    text : str
        ``"(m,n),(n,p)->(m,p)"``.
    """

    def __init__(self, text: str) -> None:
        sides = text.replace(" ", "").split("->")
        if len(sides) != 2:
            raise ValueError(f"a layout has one arrow: '(n)->()', not {text!r}")
        self.text = text
        names: dict[str, int] = {}
        self.core: list[list[int]] = []
        for side in sides:
            groups = re.findall(r"\(([^()]*)\)", side)
            if ",".join(f"({g})" for g in groups) != side:
                raise ValueError(f"a layout is a list of core dimensions in parentheses, not {text!r}")
            for group in groups:
                self.core.append([names.setdefault(name, len(names)) for name in group.split(",") if name])
            if side is sides[0]:
                self.inputs = len(groups)
        self.outputs = len(self.core) - self.inputs

    def check(self, arguments: list[str]) -> None:
        """Raise where an argument's type has another rank than the layout gives it."""
        for position, text in enumerate(arguments):
            wanted, given = len(self.core[position]), _rank(text)
            if given == 0 and wanted > 0:
                raise TypeError(f"scalar type {text} given for non scalar argument #{position + 1}")
            if given > 0 and given != max(wanted, 1):
                raise TypeError(f"type and shape signature mismatch for arg #{position + 1}")

    def argument(self, position: int, dtype: str) -> str:
        """Name the type of an argument: an array of its core dimensions, or a scalar where an input has none."""
        rank = len(self.core[position])
        if rank == 0 and position < self.inputs:
            return dtype
        return f"array({dtype}, {max(rank, 1)}d, A)"


def _rank(text: str) -> int:
    """Return the number of dimensions of a type: ``"float64[:, ::1]"``, ``"array(float64, 2d, A)"``."""
    if found := re.search(r"array\(.*?, (\d+)d", text):
        return int(found[1])
    brackets = text[text.find("[") :] if text.endswith("]") else ""
    return brackets.count(",") + 1 if ":" in brackets else 0


def make_gufunc(
    function: Callable[..., Any], signatures: Iterable[Signature], layout: Layout, options: dict[str, Any], dialect: str
) -> tuple[np.ufunc, Promoter | None, Any]:
    """Make a gufunc, what compiles its loops where it has no signatures, and the function that is compiled.

    Parameters
    ----------
    function : callable
        A function on arrays of the core dimensions.
    signatures : iterable of tuple
        Texts of the types of the arguments, and "".
    layout : Layout
        The core dimensions.
    options : dict
        Of `guvectorize`.
    dialect : {"python", "numba"}
        Whose rules the function keeps.

    Returns
    -------
    tuple
        The three.
    """
    _check(options)
    dispatcher = _dispatcher(function, options, dialect)
    parallel = options.get("target") == "parallel"
    loops = []
    for arguments, result in signatures:
        if result not in ("", "void", "none"):
            raise TypeError(f"a guvectorized function returns nothing; its outputs are its last arguments: {result!r}")
        if len(arguments) != len(layout.core):
            raise TypeError(
                f"the signature has {len(arguments)} arguments, the layout {layout.text!r} has {len(layout.core)}"
            )
        layout.check(arguments)
        loops.append(_core.compile_loop(dispatcher, arguments, "", layout.core, layout.outputs, parallel))
    promoter = None if loops else Promoter(dispatcher, layout.inputs, layout.outputs, layout, parallel)
    made = _core.make_ufunc(
        *_name_and_doc(function),
        layout.inputs,
        layout.outputs,
        options.get("identity"),
        layout.text,
        loops,
        promoter,
        dispatcher,
        layout.core,
    )
    return cast("np.ufunc", made), promoter, dispatcher
