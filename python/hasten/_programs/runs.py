"""`run_all` and `iter_all`."""

from __future__ import annotations

import locale
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from hasten._programs.commands import Command, CompletedProgram, Path
from hasten._programs.server import CAPTURE, FILE, PASS, Outcome, Request, Server

Output = Literal["capture", "file", "pass"]

_MODES = {"capture": CAPTURE, "file": FILE, "pass": PASS}
# Commands that the server has for each that runs, so that it never waits for this process.
_AHEAD = 4
# The same where all commands are at hand: so many, that their results come together.
_AHEAD_AT_HAND = 64
# Seconds between SIGTERM and SIGKILL for a command that takes too long.
_GRACE = 1.0
_LONGEST = (1 << 63) - 1  # nanoseconds
# The exit statuses by which shells say that there is no such program, and that it can't be executed.
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def run_all(
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
) -> list[CompletedProgram]:
    """Run external commands side by side; return how each ended, in their order.

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
    list[CompletedProgram]
        One for each command.

    Raises
    ------
    subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError
        With `check`: of the first command that failed.
    ValueError, TypeError
        Of a command or an option that makes no sense; then nothing has run.
    """
    all_commands = [Command.of(command) for command in commands]
    for command in all_commands:
        command.argv()
    results = iter_all(
        all_commands,
        workers,
        timeout=timeout,
        retries=retries,
        check=check,
        env=env,
        cwd=cwd,
        input=input,
        progress=progress,
        output=output,
        directory=directory,
        kill_tree=kill_tree,
        text=text,
        encoding=encoding,
        errors=errors,
    )
    return sorted(results, key=lambda result: result.index)


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
    results are read. Leaving the loop early ends what runs.

    Parameters
    ----------
    commands, workers, timeout, retries, check, env, cwd, input, progress, output, directory, kill_tree
        As of `run_all`.
    text, encoding, errors
        As of `run_all`.

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
    if output not in _MODES:
        raise ValueError(f"output={output!r}: output is captured ('capture'), written to a 'file', or let 'pass'")
    if directory is not None and output != "file":
        raise ValueError(f"directory={directory!r} is for output='file', and output is {output!r}")
    if retries < 0:
        raise ValueError(f"retries={retries!r}: a number of tries can't be negative")
    is_text = bool(text) or encoding is not None or errors is not None
    settings = _Settings(
        workers=_checked_workers(workers),
        retries=retries,
        check=check,
        mode=_MODES[output],
        kills_tree=kill_tree,
        directory=None if directory is None else os.path.abspath(directory),
        defaults=Command((), cwd, env, input, _checked_timeout(timeout)),
        text=_Text(encoding or locale.getpreferredencoding(False), errors or "strict") if is_text else None,
    )
    results = _Run(settings, commands).results()
    if not progress:
        return results
    from tqdm.auto import tqdm

    return iter(tqdm(results, total=len(commands) if isinstance(commands, Sized) else None))


class _Text(NamedTuple):
    encoding: str
    errors: str

    def decode(self, data: bytes) -> str:
        return data.decode(self.encoding, self.errors).replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class _Settings:
    workers: int
    retries: int
    check: bool
    mode: int
    kills_tree: bool
    directory: str | None
    defaults: Command  # what holds for commands that don't say it themselves
    text: _Text | None

    def encode(self, data: object) -> bytes:
        if data is None:
            return b""
        if isinstance(data, str):
            if self.text is None:
                raise TypeError("input is text, and output would be bytes; say text=True or give input as bytes")
            return data.encode(self.text.encoding, self.text.errors)
        return bytes(memoryview(data))  # type: ignore[arg-type]


class _Running(NamedTuple):
    command: Command
    request: Request
    attempts: int


class _Run:
    """One call: what has been sent to the server and hasn't ended."""

    def __init__(self, settings: _Settings, commands: Iterable[Any]) -> None:
        self._settings = settings
        self._commands = enumerate(commands)
        self._is_at_hand = isinstance(commands, Sequence)
        self._ahead = max(_AHEAD * settings.workers, _AHEAD_AT_HAND if self._is_at_hand else 0)
        self._is_exhausted = False
        self._running: dict[int, _Running] = {}
        self._directory = settings.directory

    def results(self) -> Iterator[CompletedProgram]:
        environment = _environment(self._settings.defaults.env, os.environ)
        if self._settings.mode == FILE and self._directory is None:
            self._directory = tempfile.mkdtemp(prefix="hasten-run-all-")
        server = Server(self._settings.workers, environment)
        try:
            self._feed(server)
            while self._running:
                outcomes = server.receive()
                ended = [result for outcome in outcomes if (result := self._settle(server, outcome))]
                if self._settings.check:
                    for result in ended:
                        result.check_returncode()
                self._feed(server)
                yield from ended
        finally:
            server.close()

    def _feed(self, server: Server) -> None:
        requests: list[Request] = []
        while not self._is_exhausted and len(self._running) < self._ahead:
            index, given = next(self._commands, (0, None))
            if given is None:
                self._is_exhausted = True
                break
            command = Command.of(given)
            request = self._request(index, command)
            self._running[index] = _Running(command, request, 1)
            requests.append(request)
            if not self._is_at_hand:  # the next one may be long in coming
                server.send(requests)
                requests.clear()
        server.send(requests)

    def _request(self, index: int, command: Command) -> Request:
        settings, defaults = self._settings, self._settings.defaults
        directory = command.cwd if command.cwd is not None else defaults.cwd
        given_input = command.input if command.input is not None else defaults.input
        timeout = _checked_timeout(command.timeout if command.timeout is not None else defaults.timeout)
        environment = None
        if command.env is not None:
            environment = [name + b"=" + value for name, value in _environment(command.env, {}).items()]
        paths = (b"", b"")
        if self._settings.mode == FILE and self._directory is not None:
            stem = os.path.join(self._directory, f"{index:06}")
            paths = (os.fsencode(stem + ".out"), os.fsencode(stem + ".err"))
        return Request(
            key=index,
            argv=command.argv(),
            directory=b"" if directory is None else os.fsencode(directory),
            environment=environment,
            input=settings.encode(given_input),
            timeout=-1 if timeout is None else min(int(timeout * 1e9), _LONGEST),
            grace=int(_GRACE * 1e9),
            mode=settings.mode,
            kills_tree=settings.kills_tree,
            halts=settings.check and settings.retries == 0,
            paths=paths,
        )

    def _settle(self, server: Server, outcome: Outcome) -> CompletedProgram | None:
        """Return the result, unless the command is tried again."""
        running = self._running.pop(outcome.key)
        result = self._result(running, outcome)
        if result.failed and running.attempts <= self._settings.retries:
            is_last = running.attempts == self._settings.retries
            request = running.request._replace(halts=self._settings.check and is_last)
            self._running[outcome.key] = _Running(running.command, request, running.attempts + 1)
            server.send([request])
            return None
        return result

    def _result(self, running: _Running, outcome: Outcome) -> CompletedProgram:
        stdout, stderr = self._output(running.request, outcome)
        error = _start_error(running.request, outcome) if outcome.errno else None
        if error is None:
            code = os.waitstatus_to_exitcode(outcome.status)
        else:
            code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
        result = CompletedProgram(running.command.args, code, stdout, stderr)
        result.index = outcome.key
        result.wall_time = outcome.wall_time / 1e9
        result.cpu_time = outcome.cpu_time / 1e9
        result.peak_memory = outcome.peak_memory
        result.timed_out = outcome.timed_out
        result.attempts = running.attempts
        result.error = error
        result.timeout = running.request.timeout / 1e9
        return result

    def _output(self, request: Request, outcome: Outcome) -> tuple[Any, Any]:
        if self._settings.mode == PASS:
            return None, None
        if self._settings.mode == FILE:
            return os.fsdecode(request.paths[0]), os.fsdecode(request.paths[1])
        text = self._settings.text
        if text is None:
            return outcome.stdout, outcome.stderr
        return text.decode(outcome.stdout), text.decode(outcome.stderr)


def _start_error(request: Request, outcome: Outcome) -> OSError:
    name = request.argv[0]
    if outcome.blames_directory:
        name = request.directory
    elif outcome.blames_file:
        name = request.paths[0]
    return OSError(outcome.errno, os.strerror(outcome.errno), os.fsdecode(name))


def _environment(given: Mapping[str, str] | None, otherwise: Mapping[str, str]) -> dict[bytes, bytes]:
    variables = {
        os.fsencode(name): os.fsencode(value) for name, value in (otherwise if given is None else given).items()
    }
    for name, value in variables.items():
        if b"=" in name or not name or b"\0" in name + value:
            raise ValueError(f"{name!r}: an environment variable has a name without '=', and holds no null byte")
    return variables


def _checked_workers(workers: int | None) -> int:
    if workers is None:
        return len(os.sched_getaffinity(0))
    if not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers={workers!r}: the number of commands at a time is a positive int")
    return workers


def _checked_timeout(timeout: float | None) -> float | None:
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout={timeout!r}: a time limit is a number of seconds, zero or more")
    return timeout
