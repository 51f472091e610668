"""The calls of `multiprocessing.pool.Pool`, whatever it is whose workers run them."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from hasten._mirror import original
from hasten._pool.tasks import MAP, STARMAP
from hasten._pool.terms import OnError, check_chunksize, check_window

if TYPE_CHECKING:
    from multiprocessing import pool as standard
else:
    standard = original("multiprocessing.pool")

Callee = Callable[..., Any]
Keywords = dict[str, Any] | None
Terms = tuple[float | None, int, OnError]  # a call's timeout, retries and on_error
Callbacks = tuple[Callable[[Any], object] | None, Callable[[BaseException], object] | None]
_NO_CALLBACKS: Callbacks = (None, None)


class Pending(Protocol):
    """The result of a call that was started."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is there."""

    def get(self, timeout: float | None = None) -> Any:
        """Return it, or raise what the call raised."""

    def abandon(self) -> None:
        """Take back what has not been started."""


class Results(Protocol):
    """The results of a call, one after the other."""

    def __iter__(self) -> Iterator[Any]: ...

    def __next__(self) -> Any: ...

    def abandon(self) -> None:
        """Take no more from the input, and take back what has not been started."""


P = TypeVar("P", bound=Pending)


class PoolCalls(standard.Pool, Generic[P]):
    """What users call of a pool; a class of pools says how calls are started."""

    _state: str

    # --- what a class of pools says ---

    def _worker_count(self) -> int:
        """Return how many workers there are, at least 1."""
        raise NotImplementedError

    def _start_call(self, func: Callee, args: Iterable[Any], kwds: Keywords, terms: Terms, callbacks: Callbacks) -> P:
        """Have ``func(*args, **kwds)`` called in a worker."""
        raise NotImplementedError

    def _start_map(
        self,
        func: Callee,
        iterable: Iterable[Any],
        mode: int,
        chunksize: int | None,
        terms: Terms,
        callbacks: Callbacks,
        is_awaited: bool,
    ) -> P:
        """Have `func` called with each item, as `mode` (`MAP` or `STARMAP`) says; the result is a list.

        `is_awaited`: the caller does nothing else until it is there.
        """
        raise NotImplementedError

    def _start_iteration(
        self,
        func: Callee,
        iterable: Iterable[Any],
        mode: int,
        chunksize: int,
        terms: Terms,
        ordered: bool,
        window: int | None,
    ) -> Results:
        """Have `func` called with items that are read as the work proceeds."""
        raise NotImplementedError

    def _leave_alone(self) -> None:
        """Take note that a call goes on while its caller may do other things."""

    # --- one call ---

    def apply(  # type: ignore[override]
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        on_error: OnError = "raise",
    ) -> Any:
        """Return ``func(*args, **kwds)``, called in a worker.

        Parameters
        ----------
        timeout
            Seconds that the call may take; then its worker is killed, and `TimeoutError` is raised.
        retries
            How often a call that fails, for whatever reason, is tried again.
        on_error
            "return" returns the exception rather than raising it.
        """
        return _get(self._start_call(func, args, kwds, (timeout, retries, on_error), _NO_CALLBACKS))

    def apply_async(  # type: ignore[override]
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        on_error: OnError = "raise",
    ) -> P:
        """Start `apply`; the result comes later."""
        result = self._start_call(func, args, kwds, (timeout, retries, on_error), (callback, error_callback))
        self._leave_alone()
        return result

    # --- many calls ---

    def map(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
        ordered: bool = True,
        on_error: OnError = "raise",
    ) -> list[Any]:
        """Return ``[func(x) for x in iterable]``, computed by the workers.

        Parameters
        ----------
        chunksize
            How many items go to a worker together.
        timeout
            Seconds that each item may take; then its worker is killed, and `TimeoutError` is raised.
        retries
            How often an item that fails, for whatever reason, is tried again.
        progress
            Show a progress bar.
        ordered
            False: the results come in the order in which they were ready.
        on_error
            "return" puts exceptions among the results rather than raising one.
        """
        return self._map(func, iterable, MAP, chunksize, (timeout, retries, on_error), progress, ordered)

    def starmap(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
        ordered: bool = True,
        on_error: OnError = "raise",
    ) -> list[Any]:
        """Return ``[func(*x) for x in iterable]``, computed by the workers; the options are those of `map`."""
        return self._map(func, iterable, STARMAP, chunksize, (timeout, retries, on_error), progress, ordered)

    def map_async(  # type: ignore[override]
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        on_error: OnError = "raise",
    ) -> P:
        """Start `map`; the results come later."""
        terms = (timeout, retries, on_error)
        result = self._start_map(func, iterable, MAP, chunksize, terms, (callback, error_callback), False)
        self._leave_alone()
        return result

    def starmap_async(  # type: ignore[override]
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        on_error: OnError = "raise",
    ) -> P:
        """Start `starmap`; the results come later."""
        terms = (timeout, retries, on_error)
        result = self._start_map(func, iterable, STARMAP, chunksize, terms, (callback, error_callback), False)
        self._leave_alone()
        return result

    def imap(  # type: ignore[override]
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int = 1,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
        ordered: bool = True,
        window: int | None = None,
        on_error: OnError = "raise",
    ) -> Iterator[Any]:
        """Return an iterator over ``func(x)`` for each `x`; the input is read as the work proceeds.

        Parameters
        ----------
        window
            How many items may have been taken from the input whose results have not been read. By default, the input
            is read as far as there are workers to work on it, whether results are read or not.
        timeout, retries, progress, ordered, on_error
            As for `map`.
        """
        self._check_running()
        chunksize, window = check_chunksize(chunksize), check_window(window)
        terms = (timeout, retries, on_error)
        total = len(iterable) if isinstance(iterable, Sized) else None
        results = self._start_iteration(func, iterable, MAP, chunksize, terms, ordered, window)
        return _with_progress(results, total) if progress else results

    def imap_unordered(  # type: ignore[override]
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int = 1,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
        window: int | None = None,
        on_error: OnError = "raise",
    ) -> Iterator[Any]:
        """Return what `imap` returns, in the order in which the results are ready."""
        return self.imap(
            func,
            iterable,
            chunksize,
            timeout=timeout,
            retries=retries,
            progress=progress,
            ordered=False,
            window=window,
            on_error=on_error,
        )

    def _map(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        mode: int,
        chunksize: int | None,
        terms: Terms,
        progress: bool,
        ordered: bool,
    ) -> list[Any]:
        if ordered and not progress:
            return _get(self._start_map(func, iterable, mode, chunksize, terms, _NO_CALLBACKS, True))  # type: ignore[no-any-return]
        self._check_running()
        items = listed(iterable)
        size = self._chunk_size(chunksize, items)
        results = self._start_iteration(func, items, mode, size, terms, ordered, None)
        try:
            return list(_with_progress(results, len(items)) if progress else results)
        except BaseException:
            results.abandon()
            raise

    def _chunk_size(self, chunksize: int | None, items: Sequence[Any]) -> int:
        if chunksize is None:
            return max(1, -(-len(items) // (4 * self._worker_count())))
        return check_chunksize(chunksize)

    def _check_running(self) -> None:
        if self._state != standard.RUN:
            raise ValueError("Pool not running")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.terminate()


def listed(iterable: Iterable[Any]) -> Sequence[Any]:
    """Return the items of an input that is read before its first task starts."""
    return iterable if type(iterable) in (list, tuple) else list(iterable)  # type: ignore[return-value]


def name_of(func: Callable[..., Any]) -> str:
    """Return what a function is called in messages."""
    return getattr(func, "__qualname__", None) or type(func).__qualname__


def _get(result: Pending) -> Any:
    """Return a result; a call that is interrupted takes back what it had queued."""
    try:
        result.wait()
    except BaseException:
        result.abandon()
        raise
    return result.get()


def _with_progress(results: Iterator[Any], total: int | None) -> Iterator[Any]:
    from tqdm.auto import tqdm

    return iter(tqdm(results, total=total))
