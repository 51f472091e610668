"""What a backend has to offer, and what it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, NamedTuple, Protocol

from hasten.backends.packed import Packed, Parcel

# The options of `hasten.Pool` that some backends lack, and the value that stands for "not given".
_ABSENT = {
    "processes": None,
    "maxtasksperchild": None,
    "context": None,
    "max_memory": None,
    "max_shm": None,
    "address": None,
}


@dataclass(eq=False)
class Function:
    """The function of a call, with the arguments that are bound to it."""

    key: str
    packed: Packed
    may_be_kept: bool  # whether a worker may keep it loaded from task to task
    place: Any = field(default=None)  # where the backend put it


class Task(NamedTuple):
    """Some items of a call, which run one after the other in one worker."""

    name: str  # of the function, for people
    function: Function
    mode: int
    items: Packed
    timeout: float | None

    @property
    def parcels(self) -> tuple[Parcel, ...]:
        """What a worker must have to run it."""
        return tuple(dict.fromkeys((*self.function.packed.parcels, *self.items.parcels)))


class Reply(NamedTuple):
    """What became of a task.

    ``done``: it ran, and `value` has the packed outcome of each item. ``died``: its worker ended, again and again, and
    `value` says how. ``lost``: the backend lost it, and it may be submitted again. ``cancelled``: it was taken back.
    ``failed``: the backend could not run it, and `value` is the exception.
    """

    kind: Literal["done", "died", "lost", "cancelled", "failed"]
    value: Any = None


class Backend(Protocol):
    """Where tasks run. Its methods may be called by any thread."""

    key: str
    """What workers know the pool by."""

    kills_tasks: bool
    """Whether `Task.timeout` is heeded."""

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""

    def packs_out_of_band(self) -> bool:
        """Whether tasks leave this process, so that their arrays may be sent from where they are."""

    def submit(self, task: Task, deliver: Callable[[Reply], None]) -> Callable[[], None]:
        """Run a task, call `deliver` once when it is over, and return what takes the task back."""

    def close(self) -> None:
        """Let workers go; all tasks are done, or were taken back."""


def require(module: str, extra: str) -> ModuleType:
    """Import a package that Hasten does without otherwise.

    Raises
    ------
    ModuleNotFoundError
        Where it isn't installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        message = f"this needs the package {package}, which is not installed: pip install 'hasten[{extra}]'"
        raise ModuleNotFoundError(message, name=error.name) from None


def refuse(backend: str, options: dict[str, Any], reasons: dict[str, str]) -> None:
    """Fail where an option was given that the backend lacks.

    Parameters
    ----------
    options
        As `hasten.Pool` got them.
    reasons
        For each option that the backend lacks: why, and what to do.

    Raises
    ------
    ValueError
        Names the option, the rule and the way out.
    """
    for name, reason in reasons.items():
        if options.get(name) != _ABSENT[name]:
            raise ValueError(f'{name}={options[name]!r} with backend="{backend}": {reason}')
