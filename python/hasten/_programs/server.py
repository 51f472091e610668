"""The process that runs the commands of one call, and the messages to it; `programs/messages.h` has their format.

It is a process of its own because it has to be a subreaper, to wait for children that nobody else waits for, and to
end them all when this process is killed.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

PROGRAM = Path(__file__).parents[1] / "hasten-programs"

CAPTURE, FILE, PASS = range(3)
_LENGTH = struct.Struct("=Q")
_REQUEST = struct.Struct("=QqqBBBB")
_OUTPUT = struct.Struct("=QB")
_OUTCOME = struct.Struct("=QiiBBqqq")
_PIECE = 1 << 18
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

    @property
    def blames_directory(self) -> bool:
        """Whether the command's directory kept it from starting."""
        return self.blamed == _DIRECTORY

    @property
    def blames_file(self) -> bool:
        """Whether a file for its output kept it from starting."""
        return self.blamed == _FILE


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
        self._socket, theirs = socket.socketpair()
        # Waiting in `recv` would wake this process whenever the server reads, too.
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self._buffer = memoryview(bytearray(_PIECE))
        self._rest = b""
        self._output: dict[tuple[int, int], BytesIO] = {}
        arguments = [os.fspath(PROGRAM), str(self._owner), str(workers)]
        try:
            # A process group of its own: Ctrl-C in the terminal is for this process, which then tells the server.
            actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)]
            self._pid = os.posix_spawn(PROGRAM, arguments, environment, file_actions=actions, setpgroup=0)
        except BaseException:
            self._socket.close()
            raise
        finally:
            theirs.close()

    @property
    def is_ours(self) -> bool:
        """Whether this process started the server; a fork of it must leave the server alone."""
        return os.getpid() == self._owner

    def send(self, requests: Iterable[Request]) -> None:
        """Let the server run commands; it takes what it is sent at any time."""
        pieces = [piece for request in requests for piece in request.encoded()]
        if pieces:
            self._send(b"".join(pieces))

    def receive(self) -> list[Outcome]:
        """Wait for news; return the commands that ended, which may be none.

        Raises
        ------
        RuntimeError
            The server is gone.
        """
        self._readable.poll()
        count = self._socket.recv_into(self._buffer)
        if not count:
            raise RuntimeError("the process that runs the commands was killed, and they with it")
        self._rest += self._buffer[:count]
        return list(self._read())

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
                yield self._outcome(_OUTCOME.unpack_from(data, begin + 1))
        self._rest = data[at:]

    def _outcome(self, values: tuple[int, ...]) -> Outcome:
        index, status, errno, blamed, timed_out, wall_time, cpu_time, peak_memory = values
        stdout, stderr = (self._taken(index, stream) for stream in (1, 2))
        return Outcome(index, status, errno, blamed, bool(timed_out), wall_time, cpu_time, peak_memory, stdout, stderr)

    def _taken(self, index: int, stream: int) -> bytes:
        whole = self._output.pop((index, stream), None)
        return b"" if whole is None else whole.getvalue()  # without a copy

    def close(self) -> None:
        """End what still runs, and wait until nothing is left of it."""
        if not self.is_ours or self._socket.fileno() < 0:
            self._socket.close()
            return
        self._socket.close()
        with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored here, or others wait for all children
            os.waitpid(self._pid, 0)

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise RuntimeError("the process that runs the commands was killed, and they with it") from None
