"""One call of `run_all` or `iter_all`: from commands to results."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from hasten._programs.commands import Command, CompletedProgram, environment_of
from hasten._programs.inputs import Input, input_of
from hasten._programs.server import FILE, PASS, Outcome, Request, Server, ServerKilled

# Commands that the server has for each that runs, so that it never waits for this process.
_AHEAD = 4
# The same where all commands are at hand: so many, that their results come together.
_AHEAD_AT_HAND = 64
# Seconds between SIGTERM and SIGKILL for a command that takes too long.
_GRACE = 1.0
_LONGEST = (1 << 63) - 1  # nanoseconds
# The exit statuses by which shells say that there is no such program, and that it can't be executed.
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


class Text(NamedTuple):
    """How text is written in bytes."""

    encoding: str
    errors: str

    def decode(self, data: bytes) -> str:
        """Return text as subprocess makes it."""
        return data.decode(self.encoding, self.errors).replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class Settings:
    """What a call was asked for."""

    workers: int
    retries: int
    check: bool
    mode: int
    kills_tree: bool
    directory: str | None
    defaults: Command  # what holds for commands that don't say it themselves
    text: Text | None

    def encode(self, data: object) -> bytes:
        """Return what a command reads."""
        if data is None:
            return b""
        if isinstance(data, str):
            if self.text is None:
                raise TypeError("input is text, and output would be bytes; say text=True or give input as bytes")
            return data.encode(self.text.encoding, self.text.errors)
        try:
            return bytes(memoryview(data))  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(f"input={data!r}: what a command reads is bytes, or text with text=True") from None


class _Running(NamedTuple):
    command: Command
    request: Request
    attempts: int


class Run:
    """One call: what has been sent to the server and hasn't ended.

    Parameters
    ----------
    settings
        What holds for all commands.
    commands
        What to run.
    """

    def __init__(self, settings: Settings, commands: Iterable[Any]) -> None:
        self._settings = settings
        self._commands = commands
        self._count = 0  # of the commands that were taken
        self._running: dict[int, _Running] = {}  # in the order in which they were sent
        self._directory = settings.directory
        given = settings.defaults.env
        self._environment = environment_of(os.environ if given is None else given)
        self._server: Server  # from the first look at the results on

    def results(self) -> Iterator[CompletedProgram]:
        """Run the commands; yield how each ended."""
        if self._settings.mode == FILE and self._directory is None:
            self._directory = tempfile.mkdtemp(prefix="hasten-run-all-")
        with ExitStack() as stack:
            ahead = _AHEAD * self._settings.workers
            source = input_of(self._commands, ahead, max(ahead, _AHEAD_AT_HAND))
            stack.callback(source.close)
            self._server = self._start_server()
            stack.callback(lambda: self._server.close())
            self._feed(source)
            while self._running or not source.is_exhausted:
                self._server.wait(source.ready)
                ended = self._receive()
                if self._settings.check:
                    for result in ended:
                        result.check_returncode()
                try:
                    self._feed(source)
                except BaseException:
                    yield from ended
                    raise
                yield from ended

    def _start_server(self) -> Server:
        return Server(self._settings.workers, self._environment)

    def _feed(self, source: Input) -> None:
        requests: list[Request] = []
        for given in source.take(len(self._running)):
            command = Command.of(given)
            request = self._request(self._count, command)
            self._running[self._count] = _Running(command, request, 1)
            self._count += 1
            requests.append(request)
        self._server.send(requests)

    def _receive(self) -> list[CompletedProgram]:
        """Return the commands that ended; those that ran when the server was killed are among them."""
        try:
            outcomes = self._server.receive()
        except ServerKilled as killed:
            self._server.close()
            self._server = self._start_server()
            outcomes = [killed.outcome(key) for key in islice(self._running, killed.begun)]
            self._server.send(running.request for running in islice(self._running.values(), killed.begun, None))
        return [result for outcome in outcomes if (result := self._settle(outcome))]

    def _request(self, index: int, command: Command) -> Request:
        settings, defaults = self._settings, self._settings.defaults
        directory = command.cwd if command.cwd is not None else defaults.cwd
        given_input = command.input if command.input is not None else defaults.input
        timeout = checked_timeout(command.timeout if command.timeout is not None else defaults.timeout)
        environment = None
        if command.env is not None:
            environment = [name + b"=" + value for name, value in environment_of(command.env).items()]
        paths = (b"", b"")
        if self._settings.mode == FILE and self._directory is not None:
            stem = os.path.join(self._directory, f"{index:06}")
            paths = (os.fsencode(stem + ".out"), os.fsencode(stem + ".err"))
        return Request(
            key=index,
            argv=command.argv,
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

    def _settle(self, outcome: Outcome) -> CompletedProgram | None:
        """Return the result, unless the command is tried again."""
        running = self._running.pop(outcome.key)
        result = self._result(running, outcome)
        if result.failed and running.attempts <= self._settings.retries:
            is_last = running.attempts == self._settings.retries
            request = running.request._replace(halts=self._settings.check and is_last)
            self._running[outcome.key] = _Running(running.command, request, running.attempts + 1)
            self._server.send([request])
            return None
        return result

    def _result(self, running: _Running, outcome: Outcome) -> CompletedProgram:
        stdout, stderr = self._output(running.request, outcome)
        error: OSError | None = None
        code = os.waitstatus_to_exitcode(outcome.status)
        if outcome.is_lost:
            error = ChildProcessError("the process that ran the command was killed, and the command with it")
        elif outcome.errno:
            error = _start_error(running.request, outcome)
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


def checked_timeout(timeout: float | None) -> float | None:
    """Return a time limit that makes sense; raise otherwise."""
    if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
        raise ValueError(f"timeout={timeout!r}: a time limit is a number of seconds, zero or more")
    return timeout
