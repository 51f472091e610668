"""The exceptions and warnings of compiling, under numba's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hasten import errors as _errors
from hasten.errors import *  # noqa: F403
from hasten.errors import HastenError, HastenWarning

__all__ = [
    *_errors.__all__,
    "ForceLiteralArg",
    "NumbaDebugInfoWarning",
    "NumbaDeprecationWarning",
    "NumbaExperimentalFeatureWarning",
    "NumbaIRAssumptionWarning",
    "NumbaInvalidConfigWarning",
    "NumbaParallelSafetyWarning",
    "NumbaPedanticWarning",
    "NumbaPendingDeprecationWarning",
    "NumbaSystemWarning",
    "NumbaTypeSafetyWarning",
]


class NumbaDeprecationWarning(HastenWarning, DeprecationWarning):
    """What is used will go."""


class NumbaPendingDeprecationWarning(HastenWarning, PendingDeprecationWarning):
    """What is used may go."""


class NumbaParallelSafetyWarning(HastenWarning):
    """A parallel loop may not give what a sequential one gives."""


class NumbaTypeSafetyWarning(HastenWarning):
    """A conversion may lose something."""


class NumbaExperimentalFeatureWarning(HastenWarning):
    """What is used may change."""


class NumbaInvalidConfigWarning(HastenWarning):
    """A setting makes no sense."""


class NumbaPedanticWarning(HastenWarning):
    """Something that only those who extend a compiler need to know."""


class NumbaIRAssumptionWarning(NumbaPedanticWarning):
    """An intermediate form isn't what it should be."""


class NumbaDebugInfoWarning(HastenWarning):
    """There is less for a debugger than there could be."""


class NumbaSystemWarning(HastenWarning):
    """The system lacks something."""


class ForceLiteralArg(HastenError):
    """Arguments must be known when the function is compiled.

    Parameters
    ----------
    arg_indices : iterable of int
        Which arguments.
    fold_arguments : callable, optional
        How they are put into order.
    loc : object, optional
        Where it is.
    """

    def __init__(
        self, arg_indices: Iterable[int], fold_arguments: Callable[..., Any] | None = None, loc: object = None
    ) -> None:
        super().__init__("Pseudo-exception to force literal arguments in the dispatcher", loc=loc)
        self.requested_args = frozenset(arg_indices)
        self.fold_arguments = fold_arguments
