"""`Executor.map` as Python 3.14 has it, for every version, over anything that has `submit`."""

from __future__ import annotations

import collections
import functools
import itertools
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from hasten._mirror import original

if TYPE_CHECKING:
    from concurrent import futures as _futures
else:
    _futures = original("concurrent.futures")


def ordered_map(
    executor: _futures.Executor,
    function: Callable[..., Any],
    iterables: tuple[Iterable[Any], ...],
    timeout: float | None,
    chunksize: int,
    buffersize: int | None,
) -> Iterator[Any]:
    """Return an iterator over the results, in order; what it hasn't given when it ends is cancelled.

    Raises
    ------
    ValueError
        Where `chunksize` or `buffersize` is below 1.
    """
    if chunksize < 1:
        raise ValueError("chunksize must be >= 1.")
    if buffersize is not None and not isinstance(buffersize, int):
        raise TypeError("buffersize must be an integer or None")
    if buffersize is not None and buffersize < 1:
        raise ValueError("buffersize must be None or > 0")
    calls: Iterator[tuple[Any, ...]] = zip(*iterables, strict=False)
    if chunksize == 1:
        return _results(executor, function, calls, timeout, buffersize)
    chunks = iter(lambda: tuple(itertools.islice(calls, chunksize)), ())
    run_chunk = functools.partial(_run_chunk, function)
    return _one_by_one(_results(executor, run_chunk, zip(chunks, strict=True), timeout, buffersize))


def _results(
    executor: _futures.Executor,
    function: Callable[..., Any],
    calls: Iterator[tuple[Any, ...]],
    timeout: float | None,
    buffersize: int | None,
) -> Iterator[Any]:
    """Submit at once what may be on its way; the rest as results are taken."""
    end = None if timeout is None else time.monotonic() + timeout
    waiting = collections.deque(executor.submit(function, *call) for call in itertools.islice(calls, buffersize))
    reference = weakref.ref(executor)
    del executor
    return _taken(reference, function, calls if buffersize is not None else iter(()), waiting, end)


def _taken(
    reference: weakref.ref[_futures.Executor],
    function: Callable[..., Any],
    calls: Iterator[tuple[Any, ...]],
    waiting: collections.deque[_futures.Future[Any]],
    end: float | None,
) -> Iterator[Any]:
    try:
        while waiting:
            if (executor := reference()) is not None and (call := next(calls, None)) is not None:
                waiting.append(executor.submit(function, *call))
            del executor
            yield _result_or_cancel(waiting.popleft(), None if end is None else end - time.monotonic())
    finally:
        for future in waiting:
            future.cancel()


def _result_or_cancel(future: _futures.Future[Any], timeout: float | None) -> Any:
    try:
        try:
            return future.result(timeout)
        finally:
            future.cancel()
    finally:
        del future  # no cycle through the exception's traceback


def _run_chunk(function: Callable[..., Any], calls: tuple[tuple[Any, ...], ...]) -> list[Any]:
    return [function(*call) for call in calls]


def _one_by_one(chunks: Iterator[list[Any]]) -> Iterator[Any]:
    """Give the items of lists without keeping any."""
    for chunk in chunks:
        chunk.reverse()
        while chunk:
            yield chunk.pop()
