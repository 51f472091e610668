from collections.abc import Sequence
from typing import Any


from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

class Dispatcher:
    """A function that is compiled for the types that it is called with."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        dialect: str = "python",
        overflow: str = "wrap",
        error_model: str = "python",
        exact_joins: bool = False,
        boundscheck: bool = True,
        fastmath: bool = False,
        parallel: bool = False,
        nogil: bool = False,
        debug: bool = False,
        cache: bool = True,
        gradual: bool = False,
        interpret: bool = False,
        locals: dict[str, str] = ...,
    ) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __get__(self, instance: object, owner: type | None = None, /) -> Any: ...
    def compile_signature(self, text: str, /) -> None: ...
    def compile_for(self, *args: Any, **kwargs: Any) -> None: ...
    def recompile(self) -> None: ...
    def inspect_code(self, index: int, /) -> tuple[str, str, str]: ...
    can_compile: bool
    @property
    def py_func(self) -> FunctionType: ...
    @property
    def is_ready(self) -> bool: ...
    @property
    def compiled(self) -> list[tuple[tuple[str, ...], str]]: ...
    @property
    def __code__(self) -> CodeType: ...
    @property
    def __defaults__(self) -> tuple[Any, ...] | None: ...
    @property
    def __kwdefaults__(self) -> dict[str, Any] | None: ...
    @property
    def __globals__(self) -> dict[str, Any]: ...
    @property
    def __closure__(self) -> tuple[Any, ...] | None: ...

class Cache:
    """A function that remembers what it returned."""

    def __init__(
        self,
        function: Callable[..., Any],
        maxsize: int | None,
        typed: bool,
        info_type: Callable[..., Any],
        *,
        policy: str = "lru",
        ttl: int = -1,
        max_bytes: int | None = None,
        freeze: Callable[[Any], Any] | None = None,
        make_key: Callable[..., Any] | None = None,
        on_miss: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any] | None = None,
        size_of: Callable[[Any], int] | None = None,
        skip: int = 0,
    ) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __get__(self, instance: object, owner: type | None = None, /) -> Any: ...
    def cache_info(self) -> Any: ...
    def cache_clear(self) -> None: ...
    def cache_contains(self, *args: Any, **kwargs: Any) -> bool: ...
    def cache_pop(self, *args: Any, **kwargs: Any) -> Any: ...
    def cache_put(self, value: Any, /, *args: Any, **kwargs: Any) -> None: ...
    def _store(self, key: Any, value: Any, seconds: float, saved: float, /) -> None: ...
    def _key(self, *args: Any, **kwargs: Any) -> Any: ...
    def _look_up(self, key: Any, default: Any, /) -> Any: ...

def remembered_texts(file: str, word: str) -> list[str]:
    """
    Return the texts that were compiled under a file name and hold a word, newest first.
    """

def capture_source(function: object) -> None:
    """Remember where the source of a function lies now."""

def export_source(function: object) -> tuple[Any, ...]:
    """Return the source of a function as plain values, for pickling."""

def import_source(function: object, source: tuple[Any, ...]) -> None:
    """
    Give a function that came from a pickle the source that export_source returned.
    """

def debug_syntax(function: object, spans: bool = False) -> str:
    """Return a function's syntax tree as text."""

def debug_typeof(value: object | None, dialect: str = 'python') -> str:
    """Return the spelling of a value's type."""

def debug_typecode(value: object | None) -> int:
    """Return the number that stands for a value's type; 0: it has none."""

def debug_signature(text: str) -> str:
    """Return the spellings of a signature's types, the result's first."""

def debug_lookup(function: object, path: str) -> str | None:
    """
    Return what compiled code would find under a name of a function's, attributes behind dots.
    """

def debug_parameters(function: object) -> str:
    """Return a function's parameters with their defaults."""

def debug_resolve(function: object | None, path: str) -> object:
    """Return the object that a path of ir::Binding names."""

def debug_numpy_loop(symbol: str) -> bool:
    """Tell whether compiled code may call one of NumPy's inner loops."""

def compile_loop(dispatcher: object, arguments: Sequence[str], result: str, core_dimensions: Sequence[Sequence[int]], outputs: int, parallel: bool) -> object:
    """
    Compile a function for these types as an inner loop of a ufunc or, with core dimensions, a gufunc.
    """

def loop_types(loop: object) -> list[int]:
    """NumPy's type numbers of a loop's inputs and outputs."""

def make_ufunc(name: str, doc: str, inputs: int, outputs: int, identity: object | None, signature: str, loops: Sequence[object], promoter: object | None, dispatcher: object, core_dimensions: Sequence[Sequence[int]]) -> object:
    """Make a NumPy ufunc of compiled loops."""

def add_loop(ufunc: object, loop: object) -> None:
    """Add a compiled loop to a ufunc that make_ufunc made with a promoter."""

def memory_digest(buffer: object) -> bytes:
    """
    Return 16 bytes that tell the content of a contiguous buffer or array from others.
    """

def named_tuple_handle(cls: object) -> int:
    """Return the number by which texts of types name a class of namedtuples."""

def named_tuple_class(handle: int) -> type:
    """Return the class of namedtuples that texts of types call so."""

def stats() -> dict[str, int]:
    """
    Count what happened in this process: compilations, loads from the cache, calls, blocks of memory.
    """

def set_num_threads(n: int) -> None:
    """Let parallel loops of this thread use at most n threads."""

def get_num_threads() -> int:
    """Return how many threads parallel loops of this thread may use."""

def get_thread_id() -> int:
    """
    Return the index of this thread in the parallel loop that it runs, else 0.
    """

def typeof(value: object | None) -> str:
    """Return the type that compiled code has for a value, as text."""

def library_functions() -> list[str]:
    """Return the names of the library functions that compiled code knows."""

def set_overload_hook(hook: Callable[[Any, list[str], list[str]], Any] | None) -> None:
    """
    Let the compiler ask hook(callable, types, names) for a compiled function that stands for one that it doesn't know.
    """

def set_gradual_hook(hook: Callable[[Any, Exception], Callable[..., Any]] | None) -> None:
    """
    Let plain jit call hook(dispatcher, exception) where it can't compile; it returns what is called instead of native code.
    """

_keyword_mark: object
__version__: str
