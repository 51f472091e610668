from collections.abc import Sequence
from typing import Any


from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")

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
    def cached_code(self) -> list[bytes]: ...
    def export_code(self, digest: bytes, /) -> bytes | None: ...
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

class Worker:
    """What a thread holds of a pool."""

    def run(self, variables: Any, /) -> None: ...
    def close(self) -> None: ...
    def recall(self) -> list[Any]: ...
    def leave(self) -> None: ...

class Crew:
    """A queue of jobs and the threads that run them: the base of pools and executors."""

    def _submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any: ...
    def _apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> Any: ...
    def _map_job(self, *arguments: Any) -> Any: ...
    def _imap_job(self, *arguments: Any) -> Any: ...
    def _worker(self) -> Worker: ...
    def _close(self) -> None: ...
    def _recall(self) -> list[Any]: ...
    def _terminate(self) -> list[Any]: ...
    def _lift_windows(self) -> None: ...
    def _set_size(self, size: int, /) -> None: ...
    def _fill(self) -> None: ...
    def _is_foreign(self) -> bool: ...

class Future:
    """The state of a future; its condition and its lists come into being when somebody asks for them."""

    def result(self, timeout: float | None = None) -> Any: ...
    def exception(self, timeout: float | None = None) -> BaseException | None: ...
    def cancel(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def running(self) -> bool: ...
    def done(self) -> bool: ...
    def add_done_callback(self, fn: Callable[[Any], object], /) -> None: ...
    def set_running_or_notify_cancel(self) -> bool: ...
    def set_result(self, result: Any, /) -> None: ...
    def set_exception(self, exception: BaseException | None, /) -> None: ...

class Result:
    """What becomes of one task, or of all tasks of a map."""

    def get(self, timeout: float | None = None) -> Any: ...
    def wait(self, timeout: float | None = None) -> None: ...
    def ready(self) -> bool: ...
    def successful(self) -> bool: ...
    def _when_ready(self, watcher: Callable[[], object], /) -> None: ...
    def _abandon(self, exception: BaseException, /) -> None: ...
    @property
    def _completed(self) -> int: ...
    @property
    def _total(self) -> int: ...

class ResultIterator:
    """An iterator over results as tasks make them."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...
    def next(self, timeout: float | None = None) -> Any: ...
    def _abandon(self, exception: BaseException, /) -> None: ...

class Channel(Generic[T]):
    """Hands items from threads to threads, in order, until it is closed."""

    def __init__(self, maxsize: int = 0, *, max_bytes: int = 0) -> None: ...
    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None: ...
    def get(self, block: bool = True, timeout: float | None = None) -> T: ...
    def put_nowait(self, item: T, /) -> None: ...
    def get_nowait(self) -> T: ...
    def close(self, *, discard: bool = False) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> T: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def _watch(self, callback: Callable[[], object], for_room: bool, /) -> object: ...
    def _pass_on(self) -> None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def maxsize(self) -> int: ...
    @property
    def max_bytes(self) -> int: ...
    @property
    def bytes(self) -> int: ...

class ValueChannel(Channel[Any]):
    """Hands numbers or arrays from threads to threads; also in compiled code."""

    def __new__(cls, maxsize: int = 0, *, max_bytes: int = 0, dtype: Any, ndim: int = 0) -> Self: ...
    def _watch(self, for_room: bool, /) -> Any: ...  # type: ignore[override]
    @property
    def dtype(self) -> Any: ...
    @property
    def ndim(self) -> int: ...

class Queue(Generic[T]):
    """What queue.Queue's methods do, in one step each."""

    def __init__(self, maxsize: int = 0) -> None: ...
    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None: ...
    def get(self, block: bool = True, timeout: float | None = None) -> T: ...
    def put_nowait(self, item: T, /) -> None: ...
    def get_nowait(self) -> T: ...
    def qsize(self) -> int: ...
    def empty(self) -> bool: ...
    def full(self) -> bool: ...
    def task_done(self) -> None: ...
    def join(self) -> None: ...

class SimpleQueue(Generic[T]):
    """An unbounded queue; put() may be called from anywhere, also from destructors and signal handlers."""

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None: ...
    def put_nowait(self, item: T) -> None: ...
    def get(self, block: bool = True, timeout: float | None = None) -> T: ...
    def get_nowait(self) -> T: ...
    def empty(self) -> bool: ...
    def qsize(self) -> int: ...

class Recorder:
    """Calls a function and keeps its value or exception in a thread: the given one, or else the first argument."""

    def __init__(self, function: Callable[..., Any], thread: object = None, /) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

def register_thread_classes(classes: dict[str, Any], /) -> None:
    """Tell the engine of the classes that hasten._threads makes of its own, by name."""

class ProcessQueue(Generic[T]):
    """A queue in shared memory, with what multiprocessing.Queue's methods do."""

    def __init__(self, maxsize: int = 0) -> None: ...
    def put(self, obj: T, block: bool = True, timeout: float | None = None) -> None: ...
    def get(self, block: bool = True, timeout: float | None = None) -> T: ...
    def put_nowait(self, obj: T, /) -> None: ...
    def get_nowait(self) -> T: ...
    def qsize(self) -> int: ...
    def empty(self) -> bool: ...
    def full(self) -> bool: ...
    def _task_done(self) -> None: ...
    def _join(self) -> None: ...
    def _settle(self) -> None: ...
    def _feed(self, parcel: tuple[int, bytes, bytes], /) -> None: ...
    def _fileno(self) -> int: ...
    def _ready_fileno(self) -> int: ...
    def _drop_ready(self) -> None: ...
    def _wait_for_item(self, timeout: float | None, /) -> bool: ...
    def _adopt(self, descriptor: int, /) -> None: ...
    _closed: bool
    @property
    def _maxsize(self) -> int: ...

class ProcessSimpleQueue(Generic[T]):
    """The same, as multiprocessing.SimpleQueue."""

    def __init__(self) -> None: ...
    def put(self, obj: T, /) -> None: ...
    def get(self) -> T: ...
    def empty(self) -> bool: ...
    def _fileno(self) -> int: ...
    def _ready_fileno(self) -> int: ...
    def _drop_ready(self) -> None: ...
    def _wait_for_item(self, timeout: float | None, /) -> bool: ...
    def _adopt(self, descriptor: int, /) -> None: ...
    _closed: bool

def register_item_codec(
    encode: Callable[[Any], Any], dumps: Callable[..., bytes], protocol: int, loads: Callable[..., Any], /
) -> None:
    """Tell the engine how items of queues between processes are pickled."""

class SharedChannel(Channel[T]):
    """A channel in shared memory."""

    def _leave(self) -> None: ...
    def _fileno(self) -> int: ...
    def _name(self) -> Any: ...
    def _adopt(self, descriptor: int, /) -> None: ...
    def _note_arrival(self) -> None: ...
    def _arrivals(self) -> int: ...
    def _wait_for(self, for_room: bool, timeout: float, /) -> bool: ...

def channel_select(channels: Iterable[Any], timeout: float | None = None) -> tuple[Any, Any]:
    """Take an item of whichever channel has one first."""

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

class PoolMemory:
    """Memory that a task's arguments or its result lie in."""

    def __len__(self) -> int: ...

class PoolCargo:
    """
    A block of shared memory that holds arguments; used again when nobody refers to it.
    """

    @property
    def reference(self) -> bytes:
        """What a worker opens it by."""

class PoolExchange:
    """The parent's end of a pool's shared memory for large contents."""

    @staticmethod
    def reserve(most: int, keeps_freed: bool) -> PoolExchange | None:
        """
        Return one of at most so many bytes, or None where the system refuses it. `keeps_freed`: whether workers keep memory that their arrays have freed.
        """

    @staticmethod
    def before_fork() -> None:
        """Isolate the results that this process holds from its fork to come."""

    def pack(self, pickled: bytes, buffers: list[Any]) -> tuple[bytes, tuple[PoolCargo, ...]]:
        """Return a part of a payload, and the blocks that it refers to."""

    def store(self, pickled: bytes, buffers: list[Any]) -> PoolCargo | None:
        """
        Return a block that workers may keep decoded as long as it lives, or None where there is no room.
        """

    @property
    def bytes_sent(self) -> int: ...

    @property
    def bytes_used(self) -> int: ...

class PoolBatch:
    """The results of some items, filled in as they come."""

    def __init__(self, results: list[Any]) -> None: ...

    def refuse(self, error: BaseException) -> None:
        """Fail as a whole: nothing of it can be submitted."""

    def take_failures(self) -> list[tuple[int, str, Any]]:
        """Return new failures, and forget them."""

    @property
    def left(self) -> int: ...

    @property
    def results(self) -> list[Any]: ...

    @property
    def failures(self) -> list[tuple[int, str, Any]]: ...

class PoolCall:
    """A function as it is called, each time in a task of its own."""

    def __init__(self, function: bytes, timeout: int, retries: int, encode: Callable[..., bytes]) -> None: ...

class PoolStream(PoolBatch):
    """An iterator over results, whose input is taken as there is room."""

    def __iter__(self) -> Self: ...

    def __next__(self) -> Any: ...

    def __init__(self, engine: PoolEngine, input: Iterator[Any], function: bytes, encode: Callable[..., bytes], timeout: int, retries: int, chunk: int, window: int, is_ordered: bool, counts_unread: bool) -> None: ...

    def wait_for_room(self) -> None:
        """Wait until the input may be taken from again, or is exhausted."""

    def stop(self) -> None:
        """Take nothing more from the input."""

    def open_window(self) -> None:
        """Count only what is not finished, whether results are read or not."""

    def put_exception(self, index: int, exception: BaseException) -> None:
        """Let the iterator raise in this place."""

    def put_value(self, index: int, value: object) -> None: ...

    @property
    def is_direct(self) -> bool:
        """Whether any thread may take items from the input at any time."""

    @property
    def is_exhausted(self) -> bool: ...

    @property
    def is_complete(self) -> bool: ...

    def has_news(self) -> bool:
        """Whether next() need not wait."""

class PoolResult(PoolBatch):
    """What becomes of one call, or of all calls of a map."""

    def __init__(self, pool: object, crew: Any, options: Any, length: int, is_single: bool, callback: Callable[[Any], object] | None = None, error_callback: Callable[[BaseException], object] | None = None) -> None: ...

    def get(self, timeout: float | None = None) -> Any:
        """
        Return the result, or raise what the task raised.

        Raises
        ------
        multiprocessing.TimeoutError
            Where it does not come within `timeout` seconds.
        """

    def begin_settling(self) -> bool:
        """
        Whether this thread is to take over what came; then `end_settling` follows.
        """

    def end_settling(self) -> bool:
        """Let others take over; return whether one wanted to meanwhile."""

    def close(self) -> None:
        """Be ready with what is there."""

    def put_value(self, index: int, value: object) -> None: ...

    @property
    def is_watched(self) -> bool: ...

    @is_watched.setter
    def is_watched(self, arg: bool, /) -> None: ...

    @property
    def is_ready(self) -> bool: ...

    @property
    def value(self) -> Any: ...

    @property
    def crew(self) -> Any: ...

    @crew.setter
    def crew(self, arg: Any, /) -> None: ...

    @property
    def options(self) -> Any: ...

    @options.setter
    def options(self, arg: Any, /) -> None: ...

    @property
    def callback(self) -> Any: ...

    @callback.setter
    def callback(self, arg: Any, /) -> None: ...

    @property
    def error_callback(self) -> Any: ...

    @error_callback.setter
    def error_callback(self, arg: Any, /) -> None: ...

    @property
    def error(self) -> BaseException | None: ...

    @error.setter
    def error(self, arg: BaseException | None, /) -> None: ...

class PoolTurn:
    """
    Whose turn it is to lead: `with turn as mine` never waits, and may be nested.
    """

    def __init__(self) -> None: ...

    def __enter__(self) -> bool: ...

    def __exit__(self, *args: object) -> None: ...

class PoolEngine:
    """The parent's side of a process pool."""

    def __init__(self, loads: Callable[..., Any], exchange: PoolExchange | None) -> None: ...

    def add_lane(self, most_tasks: int) -> tuple[int, ...]:
        """
        Return a new lane, and the descriptors of its memory, of its bell, and of the exchange's memory where there is one.
        """

    def open_stderr(self, lane: int) -> int:
        """
        Return a descriptor that a lane's worker is to take for its stderr, or -1: the one that it has.
        """

    @staticmethod
    def is_stderr_behind() -> bool:
        """Whether something that workers wrote to stderr is on its way."""

    def take_stderr(self, lane: int) -> str:
        """Return the end of what a lane's worker wrote to stderr, once."""

    def watch(self, lane: int, pid: int, most_memory: int) -> None: ...

    def drop_lane(self, lane: int) -> None:
        """Count a lane's worker as ended; it never came to be."""

    @staticmethod
    def after_fork() -> None:
        """
        Called in a fork's child: the engines that it has copies of are its parent's.
        """

    def stop_workers(self) -> None:
        """Let workers leave when they have done what they have."""

    def interrupt(self) -> None:
        """Make a pump that waits return."""

    def live_lanes(self) -> int: ...

    def has_lane(self, lane: int) -> bool:
        """Whether the end of a lane's worker was not told yet."""

    def submit_items(self, batch: PoolBatch, function: bytes, items: Sequence[Any], chunk: int, timeout: int, retries: int, is_awaited: bool, encode: Callable[..., bytes]) -> None:
        """
        Submit the items of a list or tuple, so many in a task; nobody waits for single ones.
        """

    def submit_call(self, batch: PoolBatch, call: PoolCall, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Submit one call."""

    @property
    def active(self) -> set[Any]:
        """The jobs that are not over."""

    @property
    def was_idle(self) -> bool:
        """Whether the last pump found nothing."""

    @property
    def looks(self) -> int:
        """How often somebody has looked for results, or submitted a call."""

    def feed(self, stream: PoolStream) -> None:
        """Take what there is room for from a stream's input."""

    def glance(self) -> bool:
        """Read results without waiting; return whether there is news for pump."""

    def recall(self, batch: PoolBatch | None, spares_first: bool = False) -> list[Any]:
        """
        Take back what no worker has claimed; `spares_first`: but for one task of each worker that has begun nothing.
        """

    def is_waiting(self, batch: PoolBatch) -> bool:
        """Whether some of a batch was not claimed by a worker yet."""

    def pump(self, nanoseconds: int) -> tuple[list[Any], list[tuple[int, bool, bool, bool]]]:
        """
        Read results, waiting for some; return batches with news, and workers that ended with whether they came to their lane, ever had a task, and whether they were killed for what it took.
        """

def mpi_function_names() -> list[str]:
    """
    Return the names of MPI's functions that compiled code calls, without "MPI_".
    """

def set_mpi_library(functions: dict[str, int], types: dict[int, int], operations: list[int], facts: dict[str, int]) -> None:
    """
    Tell compiled code where MPI's functions lie, and what its handles are.
    """

def begin_mpi_collective() -> bool:
    """Count a collective call; return whether it must be announced first."""

def mpi_collective_calls() -> int:
    """Return how many collective calls this process has made."""

def owe_mpi_announcement() -> None:
    """Let the next collective call be announced."""

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

def import_code(code: bytes) -> bool:
    """
    Put what a dispatcher's export_code gave, in whatever process, into this process's cache.
    """

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
