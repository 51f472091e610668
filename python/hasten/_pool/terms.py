"""What is checked of the terms of a call, and of what a pool is made with."""

from __future__ import annotations

import operator
from typing import Any, Literal

from hasten._pool.memory import default_max_shm

OnError = Literal["raise", "return"]

# What the engine counts in: nanoseconds of a time-out in 63 bits, retries in 32, and what nobody has memory for.
_LONGEST = 9e9
_MOST_RETRIES = (1 << 32) - 1
_WIDEST = 1 << 40


def check_timeout(timeout: float | None) -> float | None:
    """Return the seconds that a task may run; None: any number.

    Raises
    ------
    TypeError, ValueError
        Where that is no positive number.
    """
    if timeout is None:
        return None
    if not isinstance(timeout, int | float):
        try:
            timeout = float(timeout)
        except (TypeError, ValueError):
            raise TypeError(f"timeout={timeout!r}: the seconds that a task may take are a number or None") from None
    if not timeout > 0:
        raise ValueError(f"timeout={timeout!r}: the seconds that a task may take are a positive number")
    return timeout if timeout < _LONGEST else None


def check_retries(retries: int) -> int:
    """Return how often a task that fails is tried again.

    Raises
    ------
    TypeError, ValueError
        Where that is no whole number of at least 0.
    """
    refusal = "retries={!r}: a task can't be tried again less than 0 times"
    return min(_whole("retries", retries, "how often a task is tried again", 0, refusal), _MOST_RETRIES)


def check_on_error(on_error: str) -> bool:
    """Return whether exceptions are put among the results.

    Raises
    ------
    ValueError
        Where it is neither "raise" nor "return".
    """
    if on_error not in ("raise", "return"):
        raise ValueError(f"on_error={on_error!r}: use 'raise' or 'return'")
    return on_error == "return"


def check_chunksize(chunksize: int) -> int:
    """Return how many items go to a worker together.

    Raises
    ------
    TypeError, ValueError
        Where that is no whole number of at least 1.
    """
    what = "how many items go to a worker together"
    return _whole("chunksize", chunksize, what, 1, "Chunksize must be 1+, not {:n}")


def check_window(window: int | None) -> int | None:
    """Return how many items may be taken from the input before their results are read.

    Raises
    ------
    TypeError, ValueError
        Where that is no whole number of at least 1.
    """
    if window is None:
        return None
    refusal = "window={!r}: at least one item must be on its way"
    return min(_whole("window", window, "how many items are on their way", 1, refusal), _WIDEST)


def check_processes(processes: int) -> int:
    """Return how many workers there are to be.

    Raises
    ------
    TypeError, ValueError
        Where that is no whole number of at least 1.
    """
    return _whole("processes", processes, "how many workers there are", 1, "Number of processes must be at least 1")


def check_initializer(initializer: object) -> None:
    """Raise TypeError where what is called in each worker can't be called."""
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")


def check_max_memory(max_memory: float | None) -> int:
    """Return the bytes that a worker may have resident; 0: any number.

    Raises
    ------
    ValueError
        Where that is no positive number.
    """
    if max_memory is not None and max_memory <= 0:
        raise ValueError(f"max_memory={max_memory!r}: the bytes that a worker may use are a positive number")
    return int(max_memory or 0)


def check_max_shm(max_shm: float | None) -> int:
    """Return the bytes of shared memory that a pool may use.

    Raises
    ------
    ValueError
        Where that is a negative number.
    """
    if max_shm is None:
        return default_max_shm()
    if max_shm < 0:
        raise ValueError(f"max_shm={max_shm!r}: the bytes of shared memory are a positive number, or 0 for none")
    return int(max_shm)


def _whole(name: str, value: Any, what: str, least: int, refusal: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r}: {what} is a whole number") from None
    if number < least:
        raise ValueError(refusal.format(value))
    return number
