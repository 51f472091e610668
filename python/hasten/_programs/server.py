"""The process that runs the commands of one call, and the messages to it; `programs/messages.h` has their format.

It is a process of its own because it has to be a subreaper, to wait for children that nobody else waits for, and to
end them all when this process is killed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import signal
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

PROGRAM = Path(__file__).parents[1] / "hasten-programs"

CAPTURE, FILE, PASS = range(3)
_LENGTH = struct.Struct("=Q")
_REQUEST = struct.Struct("=QqqBBBB")
_OUTPUT = struct.Struct("=QB")
_OUTCOME = struct.Struct("=QiiBBqqq")
_COUNTER = struct.Struct("=Q")  # of the commands that the server has begun
_COUNTER_FD = 3
_PIECE = 1 << 18
# Milliseconds after which the one who waits looks for a signal that came just before and did not wake it.
_LONGEST_WAIT = 200
# What kept a command from starting.
_DIRECTORY, _FILE = 2, 3


class Request(NamedTuple):
    """A command as the server wants it; times in nanoseconds, -1 for none."""

    key: int
    argv: Sequence[bytes]
    directory: bytes
    environment: Sequence[bytes] | None
    input: bytes
    timeout: int
    grace: int
    mode: int
    kills_tree: bool
    halts: bool  # where it fails, everything is cancelled
    paths: tuple[bytes, bytes]

    def encoded(self) -> list[bytes]:
        """Return the message, in pieces."""
        numbers = (self.timeout, self.grace, self.mode, self.kills_tree, self.halts, self.environment is not None)
        pieces = [b"R", _REQUEST.pack(self.key, *numbers)]
        for texts in (self.argv, self.environment or ()):
            pieces.append(_LENGTH.pack(len(texts)))
            for text in texts:
                pieces += (_LENGTH.pack(len(text)), text)
        for text in (self.directory, self.input, *self.paths):
            pieces += (_LENGTH.pack(len(text)), text)
        return [_LENGTH.pack(sum(map(len, pieces))), *pieces]


class Outcome(NamedTuple):
    """How a command ended, as the server tells it."""

    key: int
    status: int  # of wait4
    errno: int
    blamed: int
    timed_out: bool
    wall_time: int
    cpu_time: int
    peak_memory: int
    stdout: bytes
    stderr: bytes
    is_lost: bool = False  # it was killed with the server

    @property
    def blames_directory(self) -> bool:
        """Whether the command's directory kept it from starting."""
        return self.blamed == _DIRECTORY

    @property
    def blames_file(self) -> bool:
        """Whether a file for its output kept it from starting."""
        return self.blamed == _FILE


class ServerKilled(Exception):
    """The server is gone, and what it ran with it.

    Parameters
    ----------
    begun
        How many commands it had begun whose outcomes have not come, of those that it was sent, in that order.
    output
        What they have written, by key and stream.
    """

    def __init__(self, begun: int, output: Mapping[tuple[int, int], BytesIO]) -> None:
        super().__init__()
        self.begun = begun
        self._output = output

    def outcome(self, key: int) -> Outcome:
        """Return how a command ended that was lost."""
        stdout, stderr = (_content(self._output.get((key, stream))) for stream in (1, 2))
        return Outcome(key, signal.SIGKILL, 0, 0, False, 0, 0, 0, stdout, stderr, is_lost=True)


class Server:
    """The server of one call; used by one thread at a time.

    Parameters
    ----------
    workers
        How many commands run at a time.
    environment
        The environment of commands that have none of their own.
    """

    def __init__(self, workers: int, environment: dict[bytes, bytes]) -> None:
        self._owner = os.getpid()
        self._rest = b""
        self._output: dict[tuple[int, int], BytesIO] = {}
        self._ended = 0  # outcomes that have come
        self._buffer = memoryview(bytearray(_PIECE))
        self._socket, theirs = socket.socketpair()
        try:
            self._pid = self._start(theirs, workers, environment)
        except BaseException:
            self._socket.close()
            raise
        finally:
            theirs.close()
        # Waiting in `recv` would wake this process whenever the server reads, too.
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def _start(self, theirs: socket.socket, workers: int, environment: dict[bytes, bytes]) -> int:
        counter = os.memfd_create("hasten-programs")
        try:
            os.ftruncate(counter, _COUNTER.size)
            self._counter = mmap.mmap(counter, _COUNTER.size)
            arguments = [os.fspath(PROGRAM), str(self._owner), str(workers)]
            actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0), (os.POSIX_SPAWN_DUP2, counter, _COUNTER_FD)]
            # A process group of its own: Ctrl-C in the terminal is for this process, which then tells the server.
            return os.posix_spawn(PROGRAM, arguments, environment, file_actions=actions, setpgroup=0)
        finally:
            os.close(counter)

    @property
    def is_ours(self) -> bool:
        """Whether this process started the server; a fork of it must leave the server alone."""
        return os.getpid() == self._owner

    def send(self, requests: Iterable[Request]) -> None:
        """Let the server run commands; it takes what it is sent at any time."""
        pieces = [piece for request in requests for piece in request.encoded()]
        if pieces:
            self._send(b"".join(pieces))

    def wait(self, other: int | None) -> None:
        """Wait for news, from here or from the descriptor `other`; at times it returns without any."""
        if other is not None:
            self._poll.register(other, select.POLLIN)
        self._poll.poll(_LONGEST_WAIT)

    def receive(self) -> list[Outcome]:
        """Return the commands that ended, of which the news has come; there may be none.

        Raises
        ------
        ServerKilled
            The server was killed.
        RuntimeError
            It ended before it ran anything.
        """
        try:
            count = self._socket.recv_into(self._buffer, flags=socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            count = 0
        if count:
            self._rest += self._buffer[:count]
            return list(self._read())
        (begun,) = _COUNTER.unpack_from(self._counter)
        if not begun:
            raise RuntimeError(f"{PROGRAM}, the process that runs the commands, ended before it ran any")
        raise ServerKilled(begun - self._ended, self._output)

    def _read(self) -> Iterable[Outcome]:
        data, at = self._rest, 0
        while len(data) - at >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(data, at)
            begin = at + _LENGTH.size
            if len(data) - begin < size:
                break
            at = begin + size
            if data[begin] == ord("O"):
                index, stream = _OUTPUT.unpack_from(data, begin + 1)
                if (index, stream) not in self._output:
                    self._output[index, stream] = BytesIO()
                self._output[index, stream].write(memoryview(data)[begin + 1 + _OUTPUT.size : at])
            else:
                self._ended += 1
                yield self._outcome(_OUTCOME.unpack_from(data, begin + 1))
        self._rest = data[at:]

    def _outcome(self, values: tuple[int, ...]) -> Outcome:
        index, status, errno, blamed, timed_out, wall_time, cpu_time, peak_memory = values
        stdout = stderr = b""
        if self._output:
            stdout, stderr = (_content(self._output.pop((index, stream), None)) for stream in (1, 2))
        return Outcome(index, status, errno, blamed, bool(timed_out), wall_time, cpu_time, peak_memory, stdout, stderr)

    def close(self) -> None:
        """End what still runs, and wait until nothing is left of it."""
        if not self.is_ours or self._socket.fileno() < 0:
            self._socket.close()
            return
        self._socket.close()
        with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored here, or others wait for all children
            os.waitpid(self._pid, 0)

    def _send(self, data: bytes) -> None:
        # Whether the server is gone shows where its news end.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(data)


def _content(output: BytesIO | None) -> bytes:
    return b"" if output is None else output.getvalue()  # without a copy
