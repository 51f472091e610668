"""`run_all` and `iter_all`."""

from __future__ import annotations

import functools
import inspect
import locale
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, Literal, ParamSpec, TypeVar

from hasten._cores import available_cores
from hasten._programs.commands import Command, CompletedProgram, Path
from hasten._programs.run import Run, Settings, Text, checked_timeout
from hasten._programs.server import CAPTURE, FILE, PASS

Output = Literal["capture", "file", "pass"]

_MODES = {"capture": CAPTURE, "file": FILE, "pass": PASS}
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def iter_all(
    commands: Iterable[Any],
    workers: int | None = None,
    *,
    timeout: float | None = None,
    retries: int = 0,
    check: bool = False,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: bytes | str | None = None,
    progress: bool = False,
    output: Output = "capture",
    directory: str | os.PathLike[str] | None = None,
    kill_tree: bool = True,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
) -> Iterator[CompletedProgram]:
    """Run external commands side by side; yield how each ended as they end.

    The input may be endless: of it, four times as many commands as run at a time are taken ahead, and no more until
    results are read. It may be slow: results come while it is waited for, in a thread of its own. Leaving the loop
    early ends what runs.

    Parameters
    ----------
    commands
        Each is a program and its arguments (a sequence), a line for the shell (a string), or a `Command` or a
        dictionary with settings of its own.
    workers
        How many run at a time; as many as this process may use processors, by default.
    timeout
        Seconds that a command may take; then it gets SIGTERM, and a second later SIGKILL, and has `timed_out`.
    retries
        How often a command that fails is tried again.
    check
        Raise the exception of the first command that fails; those that run are ended, and no more are started.
    env, cwd, input
        As for `subprocess.run`; commands without `input` find an empty standard input.
    progress
        Show a progress bar.
    output
        ``"capture"`` it; or write it into a ``"file"`` for each stream, whose paths are the results' `stdout` and
        `stderr`; or ``"pass"`` it on to this process's own.
    directory
        Where these files go; a new temporary directory by default, which is the caller's to delete.
    kill_tree
        End not only a command's own process but all that it has started, where a command is ended.
    text, encoding, errors
        As for `subprocess.run`: with one of them, input and output are text.

    Returns
    -------
    Iterator[CompletedProgram]
        `index` tells which command each belongs to.

    Raises
    ------
    subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError
        With `check`, while iterating: of the first command that failed.
    ValueError, TypeError
        Of a command or an option that makes no sense.
    """
    _check_many(commands)
    if output not in _MODES:
        raise ValueError(f"output={output!r}: output is captured ('capture'), written to a 'file', or let 'pass'")
    if directory is not None and output != "file":
        raise ValueError(f"directory={directory!r} is for output='file', and output is {output!r}")
    if retries < 0:
        raise ValueError(f"retries={retries!r}: a number of tries can't be negative")
    is_text = bool(text) or encoding is not None or errors is not None
    settings = Settings(
        workers=_checked_workers(workers),
        retries=retries,
        check=check,
        mode=_MODES[output],
        kills_tree=kill_tree,
        directory=None if directory is None else os.path.abspath(directory),
        defaults=Command((), cwd, env, input, checked_timeout(timeout)),
        text=Text(encoding or locale.getpreferredencoding(False), errors or "strict") if is_text else None,
    )
    results = Run(settings, commands).results()
    if not progress:
        return results
    from tqdm.auto import tqdm

    return iter(tqdm(results, total=len(commands) if isinstance(commands, Sized) else None))


def _with_parameters_of(
    other: Callable[_Parameters, object],
) -> Callable[[Callable[..., _Result]], Callable[_Parameters, _Result]]:
    """Return a decorator that gives a function the parameters of `other`, for readers of either kind."""

    def decorate(function: Callable[..., _Result]) -> Callable[_Parameters, _Result]:
        parameters = inspect.signature(other)

        @functools.wraps(function)
        def checked(*arguments: _Parameters.args, **options: _Parameters.kwargs) -> _Result:
            parameters.bind(*arguments, **options)  # it would be `other` that complained of them
            return function(*arguments, **options)

        returned = inspect.signature(function).return_annotation
        checked.__signature__ = parameters.replace(return_annotation=returned)  # type: ignore[attr-defined]
        return checked

    return decorate


@_with_parameters_of(iter_all)
def run_all(commands: Iterable[Any], *arguments: Any, **options: Any) -> list[CompletedProgram]:
    """Run external commands side by side; return how each ended, in their order.

    Parameters
    ----------
    commands
        As of `iter_all`.
    arguments, options
        All that `iter_all` has.

    Returns
    -------
    list[CompletedProgram]
        One for each command.

    Raises
    ------
    subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError
        With `check`: of the first command that failed.
    ValueError, TypeError
        Of a command or an option that makes no sense; then nothing has run.
    """
    _check_many(commands)
    all_commands = [Command.of(command) for command in commands]
    for command in all_commands:
        command.argv  # noqa: B018 (raises where it makes no sense)
    return sorted(iter_all(all_commands, *arguments, **options), key=lambda result: result.index)


def _check_many(commands: object) -> None:
    if isinstance(commands, (str, bytes, Mapping, Command)):
        raise TypeError(f"commands={commands!r} is one command; put it in a list")


def _checked_workers(workers: int | None) -> int:
    if workers is None:
        return available_cores()
    if not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers={workers!r}: the number of commands at a time is a positive int")
    return workers
