"""What `jit` returns: the engine's dispatcher, with what programs expect of functions and of numba's dispatchers."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, TextIO

from hasten import _core

_VARIADIC = 0x04 | 0x08  # CO_VARARGS | CO_VARKEYWORDS


class Dispatcher(_core.Dispatcher):
    """A function that is compiled for the types that it is called with.

    Parameters
    ----------
    function : FunctionType
        The Python function.
    signatures : iterable of str, optional
        Compiled now. Where there are any, no others are compiled later: arguments are converted to the best of them.
    options : dict, optional
        As the decorator got them, for people and for pickles.
    **settings
        What `_core.Dispatcher` takes.

    Attributes
    ----------
    py_func : FunctionType
        The Python function.
    """

    __name__: str
    __qualname__: str
    __wrapped__: Callable[..., Any]

    def __init__(
        self,
        function: Callable[..., Any],
        signatures: Iterable[str] = (),
        options: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(function, **settings)
        functools.update_wrapper(self, function)
        self.targetoptions: dict[str, Any] = dict(options or {})
        self._settings = settings
        self._pickle_key: str | None = None
        self._declared = tuple(signatures)
        for signature in self._declared:
            self.compile(signature)
        if self._declared:
            self.disable_compile()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.py_func!r})"

    @property
    def signatures(self) -> list[tuple[str, ...]]:
        """The argument types of all native versions."""
        return [arguments for arguments, _ in self.compiled]

    @property
    def nopython_signatures(self) -> list[str]:
        """All native versions, as "(argument types) -> result type"."""
        return [f"({', '.join(arguments)}) -> {result}" for arguments, result in self.compiled]

    @property
    def overloads(self) -> dict[tuple[str, ...], str]:
        """The result types of all native versions, by their argument types."""
        return dict(self.compiled)

    def compile(self, signature: object) -> None:
        """Compile now.

        Parameters
        ----------
        signature : str or tuple or object
            ``"float64(float64[:], int64)"``, with or without the result; a tuple of types; what prints as such a text.
        """
        self.compile_signature(signature_text(signature))

    def disable_compile(self, val: bool = True) -> None:
        """Let calls with other types than those compiled so far convert their arguments or fail, instead of compiling.

        Parameters
        ----------
        val : bool
            False: let them compile again.
        """
        self.can_compile = not val

    def inspect_types(self, file: TextIO | None = None) -> None:
        """Print the typed intermediate code of all native versions.

        Parameters
        ----------
        file : file object, optional
            Where to; standard output where there is none.
        """
        for index, signature in enumerate(self.nopython_signatures):
            print(f"{self.__qualname__} {signature}", self.inspect_code(index)[0], sep="\n", file=file)

    def inspect_llvm(self, signature: tuple[str, ...] | None = None) -> Any:
        """Return the LLVM code of one native version, or of all, by their argument types."""
        return self._inspect(1, signature)

    def inspect_asm(self, signature: tuple[str, ...] | None = None) -> Any:
        """Return the assembly of one native version, or of all, by their argument types."""
        return self._inspect(2, signature)

    def _inspect(self, part: int, signature: tuple[str, ...] | None) -> Any:
        signatures = self.signatures
        if signature is None:
            return {types: self.inspect_code(index)[part] for index, types in enumerate(signatures)}
        return self.inspect_code(signatures.index(signature))[part]

    # Pickles: by reference where the function can be imported, else by value, with the text of its source.

    def __reduce__(self) -> str | tuple[Any, ...]:
        _note_pickling(self)
        if self._is_importable():
            return self.__qualname__
        key = _remember(self)
        if key in _under_way():
            return _shell, (key, type(self))
        return _shell, (key, type(self)), self._state(key)

    def _is_importable(self) -> bool:
        found: Any = sys.modules.get(self.__module__) if self.__module__ != "__main__" else None
        for name in self.__qualname__.split("."):
            found = getattr(found, name, None)
        return found is self

    def _state(self, key: str) -> dict[str, Any]:
        import cloudpickle

        _under_way().add(key)
        try:
            return {
                "function": cloudpickle.dumps(self.py_func),
                "file": self.py_func.__code__.co_filename,
                "source": _core.export_source(self.py_func),
                "signatures": self._declared,
                "options": self.targetoptions,
                "settings": self._settings,
            }
        finally:
            _under_way().discard(key)

    def __setstate__(self, state: dict[str, Any]) -> None:
        if self.is_ready:  # it is in this process already
            return
        import pickle

        key = self._pickle_key
        function = pickle.loads(state["function"])
        function.__code__ = _in_file(function.__code__, state["file"])
        if state["source"] is not None:
            _core.import_source(function, state["source"])
        self.__init__(function, state["signatures"], state["options"], **state["settings"])  # type: ignore[misc]
        self._pickle_key = key


def signature_text(signature: object) -> str:
    """Spell a signature as the engine reads it.

    Parameters
    ----------
    signature : str or tuple or object
        A text, a tuple of types, or an object that prints as a signature.

    Returns
    -------
    str
        The text.
    """
    if isinstance(signature, tuple):
        return f"({', '.join(str(item) for item in signature)})"
    return str(signature)


_known: weakref.WeakValueDictionary[str, Dispatcher] = weakref.WeakValueDictionary()
_pickling = threading.local()


def _under_way() -> set[str]:
    """Return the keys of dispatchers that this thread is pickling: their functions may refer to them."""
    try:
        keys: set[str] = _pickling.keys
    except AttributeError:
        keys = _pickling.keys = set()
    return keys


def _note_pickling(dispatcher: Dispatcher) -> None:
    for dispatchers in getattr(_pickling, "collections", ()):
        dispatchers.append(dispatcher)


@contextlib.contextmanager
def collecting_dispatchers() -> Iterator[list[Dispatcher]]:
    """Collect the dispatchers that this thread pickles."""
    dispatchers: list[Dispatcher] = []
    collections = _pickling.__dict__.setdefault("collections", [])
    collections.append(dispatchers)
    try:
        yield dispatchers
    finally:
        collections.pop()


def _in_file(code: CodeType, name: str) -> CodeType:
    """Return code as it was compiled from a file; cloudpickle leaves out the name, which the code cache goes by."""
    inner = [_in_file(part, name) if isinstance(part, CodeType) else part for part in code.co_consts]
    return code.replace(co_filename=name, co_consts=tuple(inner))


def _remember(dispatcher: Dispatcher) -> str:
    if dispatcher._pickle_key is None:
        import uuid

        dispatcher._pickle_key = uuid.uuid4().hex
    _known[dispatcher._pickle_key] = dispatcher
    return dispatcher._pickle_key


def _shell(key: str, kind: type[Dispatcher]) -> Dispatcher:
    """Return the dispatcher that was pickled under this key, or an empty one that its state is about to fill."""
    dispatcher = _known.get(key)
    if dispatcher is None:
        dispatcher = kind.__new__(kind)
        dispatcher._pickle_key = key
        _known[key] = dispatcher
    return dispatcher


# What the engine calls on its cold paths.


def call_error(function: FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
    """Make Python itself say why arguments don't fit a function.

    Parameters
    ----------
    function : FunctionType
        The function; it is not run.
    args, kwargs
        The arguments.

    Returns
    -------
    TypeError
        What a call of the function raises.
    """
    stub = FunctionType(_with_parameters_of(function.__code__), {}, function.__name__, function.__defaults__)
    stub.__kwdefaults__ = function.__kwdefaults__
    try:
        stub(*args, **kwargs)
    except TypeError as error:
        return error.with_traceback(None)
    return TypeError(f"{function.__qualname__}() can't be called like this")


def _with_parameters_of(code: CodeType) -> CodeType:
    def stub() -> None:
        return None

    variadic = code.co_flags & _VARIADIC
    count = code.co_argcount + code.co_kwonlyargcount + variadic.bit_count()
    return stub.__code__.replace(
        co_argcount=code.co_argcount,
        co_posonlyargcount=code.co_posonlyargcount,
        co_kwonlyargcount=code.co_kwonlyargcount,
        co_nlocals=count,
        co_varnames=code.co_varnames[:count],
        co_flags=stub.__code__.co_flags | variadic,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
    )


def warn_of_changes(function: FunctionType, count: int) -> None:
    """Warn that a function is compiled again and again, because globals that it reads change.

    Parameters
    ----------
    function : FunctionType
        The function.
    count : int
        How many versions there are for the same argument types.
    """
    from hasten.errors import HastenPerformanceWarning

    warnings.warn(
        f"{function.__qualname__} has been compiled {count} times for the same types, each time for other values of "
        "the global or closure variables that it reads. Pass what changes as an argument.",
        HastenPerformanceWarning,
        stacklevel=2,
    )


def make_trampoline(function: FunctionType, native: Callable[..., Any]) -> FunctionType:
    """Make the Python function that profilers see in place of a native one.

    Parameters
    ----------
    function : FunctionType
        Whose name, file and line it carries.
    native : callable
        ``native(dispatcher, *args, **kwargs)`` makes the call.

    Returns
    -------
    FunctionType
        To be called with the dispatcher in front of the arguments.
    """

    def call(dispatcher: Dispatcher, /, *args: Any, **kwargs: Any) -> Any:
        return native(dispatcher, *args, **kwargs)

    code = function.__code__
    call.__code__ = call.__code__.replace(
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno,
    )
    return call  # type: ignore[return-value]
