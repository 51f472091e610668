"""What Hasten raises when it can't compile a function, and the warnings that it gives.

The names and the hierarchy are numba's, so that code which catches `TypingError` or `NumbaError` finds them under
`hasten.numba.core.errors` too. An exception that a compiled function raises is none of these: it is the one that the
function's source names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "ByteCodeSupportError",
    "CompilerError",
    "ConstantInferenceError",
    "DeprecationError",
    "ForbiddenConstruct",
    "HastenError",
    "HastenPerformanceWarning",
    "HastenWarning",
    "IRError",
    "InternalError",
    "LiteralTypingError",
    "LoweringError",
    "MachineError",
    "NotDefinedError",
    "NumbaAssertionError",
    "NumbaAttributeError",
    "NumbaError",
    "NumbaIndexError",
    "NumbaKeyError",
    "NumbaNotImplementedError",
    "NumbaPerformanceWarning",
    "NumbaRuntimeError",
    "NumbaTypeError",
    "NumbaValueError",
    "NumbaWarning",
    "RedefinedError",
    "RequireLiteralValue",
    "TypingError",
    "UnsupportedBytecodeError",
    "UnsupportedError",
    "UnsupportedParforsError",
    "UntypedAttributeError",
    "VerificationError",
]


class HastenError(Exception):
    """Why a function could not be compiled.

    Parameters
    ----------
    msg : str
        The whole text: place, source line, what is wrong, what to do.
    loc : object, optional
        Where it is, for callers that raise such an error themselves; shown behind the message.
    highlighting : bool, optional
        Accepted as numba accepts it.

    Attributes
    ----------
    msg : str
        The message alone.
    filename, lineno, offset, end_offset, text : str or int or None
        As in a `SyntaxError`: the file, the line, the column (from 1), where the place ends, and the source line.
    function : str or None
        The qualified name of the function that was compiled.
    """

    filename: str | None = None
    lineno: int | None = None
    offset: int | None = None
    end_offset: int | None = None
    text: str | None = None
    function: str | None = None

    def __init__(self, msg: str = "", loc: object = None, highlighting: bool = True) -> None:
        del highlighting
        self.msg = msg
        self.loc = loc
        super().__init__(f"{msg}\n{loc}" if loc is not None else msg)


class UnsupportedError(HastenError):
    """The function uses something of Python's that can't be compiled."""


class UnsupportedBytecodeError(UnsupportedError):
    """The same, in numba's words."""


class UnsupportedParforsError(HastenError):
    """A parallel loop that can't be one."""


class IRError(HastenError):
    """The function's structure makes no sense to the compiler."""


class RedefinedError(IRError):
    """A name is bound twice where it may be bound once."""


class NotDefinedError(IRError):
    """A name is used that was never bound."""


class VerificationError(IRError):
    """The compiler found its own work to be wrong."""


class DeprecationError(HastenError):
    """Something that numba once had."""


class LoweringError(HastenError):
    """The function is well typed, but no machine code can be made of it."""


class ForbiddenConstruct(LoweringError):
    """Something that must not be used there."""


class TypingError(HastenError):
    """The types in a function don't fit together, or it uses what compiled code doesn't know."""


class UntypedAttributeError(TypingError):
    """A value has no such attribute in compiled code."""


class RequireLiteralValue(TypingError):
    """A value must be known when the function is compiled."""


class LiteralTypingError(TypingError):
    """A literal has no type."""


class NumbaTypeError(TypingError):
    """A TypeError that was found when the function was compiled."""


class NumbaValueError(TypingError):
    """A ValueError that was found when the function was compiled."""


class NumbaAttributeError(TypingError):
    """An AttributeError that was found when the function was compiled."""


class NumbaAssertionError(TypingError):
    """An AssertionError that was found when the function was compiled."""


class NumbaNotImplementedError(TypingError):
    """A NotImplementedError that was found when the function was compiled."""


class NumbaKeyError(TypingError):
    """A KeyError that was found when the function was compiled."""


class NumbaIndexError(TypingError):
    """An IndexError that was found when the function was compiled."""


class NumbaRuntimeError(HastenError):
    """A RuntimeError that was found when the function was compiled."""


class ByteCodeSupportError(HastenError):
    """Numba's error for functions without bytecode; kept for code that catches it."""


class CompilerError(HastenError):
    """Compilation failed for no fault of the function's."""


class MachineError(CompilerError):
    """The machine denied what compilation needs: memory, files, an instruction set."""


class ConstantInferenceError(HastenError):
    """A constant can't be known when the function is compiled."""


class InternalError(HastenError):
    """A mistake in Hasten."""


NumbaError = HastenError


class HastenWarning(Warning):
    """What Hasten warns of."""


class HastenPerformanceWarning(HastenWarning):
    """The program does what it should, but slower than it could."""


NumbaWarning = HastenWarning
NumbaPerformanceWarning = HastenPerformanceWarning

_CLASSES: dict[str, Callable[[str], HastenError]] = {
    "user": TypingError,
    "machine": MachineError,
    "internal": InternalError,
}


def from_diagnostic(fault: str, whole: str, message: str, place: tuple[Any, ...]) -> HastenError:
    """Make the exception for a diagnostic of the engine.

    Parameters
    ----------
    fault : {"user", "machine", "internal"}
        Who is to mend it.
    whole : str
        The text as it is printed.
    message : str
        The message alone.
    place : tuple
        Empty, or: file, function, source line, line, column (from 0), end column (0 where it is not known).

    Returns
    -------
    HastenError
        An instance of the class that fits.
    """
    error = _CLASSES[fault](whole)
    error.msg = message
    if place:
        error.filename, error.function, error.text, error.lineno, column, end = place
        error.offset = column + 1
        error.end_offset = end + 1 if end > column else None
    return error


def __getattr__(name: str) -> object:
    # A pool's errors need multiprocessing, which is imported by those alone who use it.
    if name in ("WorkerDied", "TaskTimeout", "TaskMemoryError", "TaskUnreadable"):
        import hasten._pool.errors

        return getattr(hasten._pool.errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
