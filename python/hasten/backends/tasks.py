"""What runs tasks in the workers of a cluster."""

from __future__ import annotations

import collections
import contextvars
import ctypes
import threading
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from hasten._pool.errors import TaskTimeout
from hasten._pool.pickling import describe_failure
from hasten._pool.tasks import APPLY, STARMAP
from hasten.backends.namespaces import Namespaces, serving
from hasten.backends.packed import Packed, Parcel, at_hand, pack

# How many functions a worker remembers.
_MOST_KEPT = 32

LACKS_FUNCTION = "lacks function"
"""What a worker answers that was sent the key of a function which it doesn't know."""


def run(
    key: str,
    function: Packed | None,
    may_be_kept: bool,
    mode: int,
    items: Packed,
    timeout: float | None = None,
    *parcels: Parcel,
) -> Packed | str:
    """Run a task; return the packed outcomes of its items.

    Parameters
    ----------
    key
        Of the function, as `function_key` made it.
    function
        None where the worker should know it, else the function.
    may_be_kept
        Whether the function may be kept as it was loaded.
    mode
        How to call it: `MAP`, `STARMAP` or `APPLY`.
    items
        What to call it with.
    timeout
        Seconds that each item may take.
    *parcels
        What function and items can't be loaded without.

    Returns
    -------
    Packed or str
        A list of pairs, True and a value, or False and the description of a failure; or `LACKS_FUNCTION`.
    """
    with serving(_pool_of(key), key) as has_namespaces:
        return _run_with(_Wanted(key, not has_namespaces, may_be_kept), function, mode, items, timeout, parcels)


def function_key(pool: str) -> str:
    """Return a new key of a function that is sent to the workers of a pool."""
    return f"{pool}:{uuid.uuid4().hex}"


def _pool_of(key: str) -> str:
    return key.partition(":")[0]


class _Wanted(NamedTuple):
    """Which function a task needs: in a copy of the namespaces, if another call has them now."""

    key: str
    is_copy: bool
    may_be_kept: bool


def _run_with(
    wanted: _Wanted,
    function: Packed | None,
    mode: int,
    items: Packed,
    timeout: float | None,
    parcels: tuple[Parcel, ...],
) -> Packed | str:
    try:
        with at_hand(parcels):
            found = _functions.get(wanted, function)
            if found is None:
                return LACKS_FUNCTION
            call, namespaces = found
            with namespaces.loading():
                arguments = items.load()
    except Exception as error:
        return pack([(False, describe_failure(error))])
    if timeout is not None:
        call = _Limited(call, timeout)
    with namespaces.in_use():
        if mode == APPLY:
            outcomes = [_outcome(call, *arguments)]
        else:
            outcomes = [_outcome(call, item if mode == STARMAP else (item,), {}) for item in arguments]
    return _pack_outcomes(outcomes)


def _outcome(call: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> tuple[bool, Any]:
    try:
        return True, call(*args, **kwargs)
    except BaseException as error:
        return False, describe_failure(error)


def _pack_outcomes(outcomes: list[tuple[bool, Any]]) -> Packed:
    try:
        return pack(outcomes)
    except Exception:
        return pack([_sendable(*outcome) for outcome in outcomes])


def _sendable(is_value: bool, value: Any) -> tuple[bool, Any]:
    try:
        pack(value)
    except Exception as error:
        return False, describe_failure(error, value)
    return is_value, value


class _Functions:
    """The functions that this worker knows, those used last."""

    def __init__(self) -> None:
        # As they came, or as they were loaded, with their namespaces.
        self._known: collections.OrderedDict[tuple[str, bool], Packed | tuple[Any, Namespaces]]
        self._known = collections.OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, key: str) -> bool:
        return (key, False) in self._known

    def get(self, wanted: _Wanted, packed: Packed | None) -> tuple[Any, Namespaces] | None:
        """Return the function and the namespaces of what it holds, None where it is not known."""
        key = wanted[:2]
        with self._lock:
            known = self._known.get(key, packed)
            if known is None:
                return None
            self._known[key] = known
            self._known.move_to_end(key)
            if len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        if not isinstance(known, Packed):
            return known
        namespaces = Namespaces(_pool_of(wanted.key), wanted.is_copy)
        with namespaces.loading():
            loaded = known.load_shared(), namespaces
        if wanted.may_be_kept:
            with self._lock:
                self._known[key] = loaded
        return loaded


_functions = _Functions()


def knows(key: str) -> bool:
    """Whether this worker remembers a function."""
    return key in _functions


class _Limited:
    """A function whose calls are given up after some time.

    A call runs in a thread of its own. When its time is up, `TaskTimeout` is raised in that thread, which ends it at
    the next line of Python; what is in a C function goes on until that returns.
    """

    def __init__(self, call: Callable[..., Any], timeout: float) -> None:
        self.call = call
        self.timeout = timeout

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outcome: list[tuple[bool, Any]] = []
        context = contextvars.copy_context()

        def work() -> None:
            try:
                outcome.append((True, context.run(self.call, *args, **kwargs)))
            except BaseException as error:
                outcome.append((False, error))

        thread = threading.Thread(target=work, name="hasten-task", daemon=True)
        thread.start()
        thread.join(self.timeout)
        if not outcome:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TaskTimeout))
            raise TaskTimeout(f"the task took longer than its timeout of {self.timeout:g} s; it was given up")
        is_value, value = outcome[0]
        if is_value:
            return value
        raise value
