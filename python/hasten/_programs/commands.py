"""What a command is, and how it ended."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hasten._mirror import original

if TYPE_CHECKING:
    import subprocess
else:
    subprocess = original("subprocess")

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
# An argument of a program, as subprocess takes it.
Argument = Path
# What runs: a line for the shell, or a program and its arguments.
Arguments = str | bytes | os.PathLike[str] | Sequence[Argument]


@dataclass(frozen=True)
class Command:
    """A command with settings of its own; those that are None are the call's.

    Parameters
    ----------
    args
        A program and its arguments, or a string: a line for the shell.
    cwd
        The directory that it runs in.
    env
        All of its environment variables.
    input
        What it reads on its standard input: bytes, or text that is encoded as the call says.
    timeout
        Seconds that it may take.
    """

    args: Arguments
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    input: bytes | str | None = None
    timeout: float | None = None

    @classmethod
    def of(cls, given: object) -> Command:
        """Return the command that `given` stands for: itself, a dictionary of its settings, or only its arguments."""
        if isinstance(given, Command):
            return given
        if isinstance(given, Mapping):
            unknown = given.keys() - cls.__dataclass_fields__.keys()
            if unknown or "args" not in given:
                wrong = f"has no setting {sorted(map(str, unknown))[0]!r}" if unknown else "needs 'args'"
                raise ValueError(f"{dict(given)!r}: a command {wrong}; it has args, cwd, env, input and timeout")
            return cls(**given)
        if isinstance(given, (list, tuple, str, bytes, os.PathLike, Sequence)):  # the quick checks first
            return cls(given)
        raise TypeError(f"{given!r}: a command is a string, a sequence of arguments, a dictionary or a Command")

    @cached_property
    def argv(self) -> list[bytes]:
        """What is executed.

        Raises
        ------
        ValueError, TypeError
            Where that can't be: there is nothing, or a null byte in it, or a number.
        """
        if isinstance(self.args, (str, bytes)):
            argv = [b"/bin/sh", b"-c", os.fsencode(self.args)]
        elif not isinstance(self.args, (list, tuple)) and isinstance(self.args, os.PathLike):
            argv = [os.fsencode(self.args)]
        else:
            argv = [_encoded(argument, "an argument of a program") for argument in self.args]
        if not argv:
            raise ValueError(f"{self.args!r}: a command needs the name of a program")
        if b"\0" in b"".join(argv):
            raise ValueError(f"{self.args!r}: an argument of a program can't hold a null byte")
        return argv


def environment_of(variables: Mapping[str, str]) -> dict[bytes, bytes]:
    """Return environment variables as the system takes them; raise where it can't."""
    encoded = {
        _encoded(name, "the name of an environment variable"): _encoded(value, f"the environment variable {name!r}")
        for name, value in variables.items()
    }
    for name, value in encoded.items():
        if b"=" in name or not name or b"\0" in name + value:
            raise ValueError(f"{name!r}: an environment variable has a name without '=', and holds no null byte")
    return encoded


def _encoded(text: object, what: str) -> bytes:
    try:
        return os.fsencode(text)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{text!r}: {what} is text, bytes or a path; str() makes it that") from None


class CompletedProgram(subprocess.CompletedProcess[Any]):
    """How a command ended: a `subprocess.CompletedProcess` that knows more.

    Attributes
    ----------
    args, returncode, stdout, stderr
        As of `subprocess.CompletedProcess`: the return code is negative where a signal ended the command. With
        ``output="file"``, `stdout` and `stderr` are the paths of the files. A command that could not be started has 127
        (there is no such program) or 126, as in a shell.
    index
        The command's place among all.
    wall_time, cpu_time
        Seconds that it ran, and that it and the processes it waited for used the processor.
    peak_memory
        The most bytes that one of these processes had resident.
    timed_out
        Whether it was ended because it ran longer than it may.
    attempts
        How often it was tried.
    error
        The OSError that kept it from starting, or None. A ChildProcessError where it was killed because the process
        that ran it was.
    """

    index: int = 0
    wall_time: float = 0.0
    cpu_time: float = 0.0
    peak_memory: int = 0
    timed_out: bool = False
    attempts: int = 1
    error: OSError | None = None
    timeout: float | None = None

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than with 0."""
        return self.returncode != 0 or self.timed_out

    def check_returncode(self) -> None:
        """Raise what tells why the command failed, if it did.

        Raises
        ------
        OSError
            The command could not be started, or was killed with the process that ran it.
        subprocess.TimeoutExpired
            It ran longer than it may.
        subprocess.CalledProcessError
            It ended otherwise than with 0.
        """
        if self.error is not None:
            raise self.error
        if self.timed_out:
            raise subprocess.TimeoutExpired(self.args, self.timeout or 0.0, self.stdout, self.stderr)
        super().check_returncode()
