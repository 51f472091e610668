"""The start method ``template``: processes are forked from a small clean process, which is safe with threads.

The template is started when it is first needed: an interpreter that has imported what workers need and no more. For
programs whose main module is a file, it forks a second one, which imports that module once; processes are forked from
that. A template that dies takes nobody with it, and the next start makes a new one. The other side: `template_server`.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import socket
import threading
from multiprocessing import context, popen_fork, process, reduction, resource_tracker, spawn, util

from hasten._pool import template_server
from hasten._pool.contexts import HastenPools
from hasten._pool.main_module import MissingGuardError, can_be_imported
from hasten._pool.template_server import ANSWER, BORN, CHILD, FAILED, READY, TEMPLATE, THREADED

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# The exit code of a process whose template is gone: the one that the start method forkserver gives.
_UNKNOWN = 255


# What a template executes. The folder that it happens to be started in has nothing to do with it.
_START = """import gc, sys
gc.disable()  # until `main` has frozen what is imported
sys.flags.safe_path or sys.path.pop(0)
from importlib.machinery import SourceFileLoader
exec(SourceFileLoader("template_start", {file!r}).get_code("template_start"))
start({folder!r}, {control}, {parent})"""


class _Died(Exception):
    """The template ended before it did what it was asked for."""


class _Child:
    """A process that the template made."""

    def __init__(self, pid: int, pidfd: int, status: socket.socket) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.status = status  # where its exit code will come from


class _Template:
    """One template process, seen from the process that uses it."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control

    def ask(self, kind: bytes, data: bytes, descriptors: list[int]) -> _Child:
        """Make a child of the template, to which `data` say what it is."""
        tracker = resource_tracker.getfd()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        file = os.memfd_create("hasten-process")
        parent = os.pidfd_open(os.getpid())
        try:
            with open(file, "wb", closefd=False) as written:
                written.write(data)
            passed: list[Any] = [theirs.fileno(), file, parent, tracker, *descriptors]
            try:
                socket.send_fds(self.control, [kind], passed)
            except (BrokenPipeError, ConnectionError) as error:
                raise _Died from error
            theirs.close()
            return _read_birth(ours)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(file)
            os.close(parent)


def _read_birth(answers: socket.socket) -> _Child:
    try:
        packet, descriptors, _, _ = socket.recv_fds(answers, ANSWER.size, 1)
    except ConnectionError as error:
        raise _Died from error
    if not packet:
        raise _Died
    kind, number = ANSWER.unpack(packet)
    if kind == FAILED:
        raise OSError(number, f"The template can't fork: {os.strerror(number)}")
    if kind != BORN:
        raise OSError(errno.ECHILD, f"A process ended before it began, with exit code {number}")
    return _Child(number, descriptors[0], answers)


class _Templates:
    """The templates of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self.forget()

    def forget(self) -> None:
        """Begin anew: the templates that are known belong to the process that this one is a fork of."""
        self._lock = threading.Lock()
        self._pid = 0
        self._bare: _Template | None = None
        self._with_main: dict[str, _Template | None] = {}  # None: workers import the module themselves
        self._environment: dict[str, str] = {}

    def start_child(self, main: str | None, preparation: bytes, described: bytes, descriptors: list[int]) -> _Child:
        """Fork the process that `described` is the pickle of; `main` is the module to import first."""
        with self._lock:
            for _ in range(2):
                try:
                    template = self._template_for(main, preparation)
                    return template.ask(CHILD, self._changes() + preparation + described, descriptors)
                except _Died:
                    self._drop()
            raise OSError(errno.EPIPE, "The template process ended each time that a process was to be started")

    def start_early(self) -> None:
        """Start the template while the program still does something else; not where processes aren't made anyway."""
        if process.parent_process() is None and not getattr(process.current_process(), "_inheriting", False):
            with self._lock:
                self._bare = self._bare or self._start()

    def _template_for(self, main: str | None, preparation: bytes) -> _Template:
        bare = self._bare = self._bare or self._start()
        if main is None:
            return bare
        if main not in self._with_main:
            self._with_main[main] = self._import_main(bare, preparation)
        return self._with_main[main] or bare

    def _start(self) -> _Template:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.pidfd_open(os.getpid())
        folder = os.path.dirname(__file__)
        code = _START.format(
            file=os.path.join(folder, "template_start.py"),
            folder=os.path.dirname(folder),
            control=theirs.fileno(),
            parent=parent,
        )
        executable = spawn.get_executable()
        arguments = [executable, *util._args_from_interpreter_flags(), "-c", code]  # type: ignore[attr-defined]
        self._environment = dict(os.environ)
        try:
            with theirs, _no_interrupt():
                self._pid = util.spawnv_passfds(os.fsencode(executable), arguments, [theirs.fileno(), parent])
        except BaseException:
            ours.close()
            raise
        finally:
            os.close(parent)
        return _Template(ours)

    def _import_main(self, bare: _Template, preparation: bytes) -> _Template | None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            child = bare.ask(TEMPLATE, self._changes() + preparation, [theirs.fileno()])
        os.close(child.pidfd)
        child.status.close()
        said = ours.recv(1 << 16)
        if said == READY:
            return _Template(ours)
        ours.close()
        if said == THREADED:
            return None
        kind, _, text = said.decode(errors="replace").partition(":")
        if kind == "guard":
            raise MissingGuardError
        raise RuntimeError(f"A worker process can't import the program's main module:\n{text or 'its process ended'}")

    def _changes(self) -> bytes:
        environment = dict(os.environ)
        return _dumps(None if environment == self._environment else environment)

    def _drop(self) -> None:
        for template in [self._bare, *self._with_main.values()]:
            if template is not None:
                template.control.close()
        self._bare = None
        self._with_main.clear()
        pid, self._pid = self._pid, 0
        if pid:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Let a process be started with SIGINT blocked: Ctrl-C, which reaches it too, is none of its business."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _imported_main(preparation: dict[str, Any]) -> str | None:
    """Return what workers import as the main module."""
    return preparation.get("init_main_from_name") or preparation.get("init_main_from_path")


def _dumps(value: object) -> bytes:
    buffer = io.BytesIO()
    reduction.dump(value, buffer)
    return buffer.getvalue()


templates = _Templates()
os.register_at_fork(after_in_child=templates.forget)


class _DupFd:
    """A descriptor on its way to a child."""

    def __init__(self, index: int) -> None:
        self.index = index

    def detach(self) -> int:
        """Return the descriptor, in the child."""
        return template_server.inherited[self.index]


class Popen(popen_fork.Popen):
    """A process that was forked from the template."""

    method = "template"
    DupFd = _DupFd

    def __init__(self, process_obj: process.BaseProcess) -> None:
        self._descriptors: list[int] = []
        self._lock = threading.Lock()
        super().__init__(process_obj)

    def duplicate_for_child(self, fd: int) -> int:
        """Let the child have a descriptor; return its index."""
        self._descriptors.append(fd)
        return len(self._descriptors) - 1

    def _launch(self, process_obj: process.BaseProcess) -> None:
        preparation = spawn.get_preparation_data(process_obj.name)
        if not can_be_imported():
            for main in ("init_main_from_name", "init_main_from_path"):
                preparation.pop(main, None)
        context.set_spawning_popen(self)  # type: ignore[arg-type]
        try:
            prepared, described = _dumps(preparation), self._describe(process_obj)
        finally:
            context.set_spawning_popen(None)
        child = templates.start_child(_imported_main(preparation), prepared, described, self._descriptors)
        self.pid = child.pid
        self.sentinel = child.pidfd
        self._status = child.status
        self.finalizer = util.Finalize(self, _close, (child.pidfd, child.status))

    def _describe(self, process_obj: process.BaseProcess) -> bytes:
        described = _dumps(process_obj)
        if can_be_imported() or b"__main__" not in described:
            return described
        from hasten._pool import by_value

        self._descriptors.clear()
        return by_value.dumps(process_obj)

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """Return the exit code, or None while the process runs."""
        if self.returncode is None:
            from multiprocessing.connection import wait

            if not wait([self.sentinel], 0 if flag == os.WNOHANG else None):
                return None
            with self._lock:
                if self.returncode is None:
                    self.returncode = self._read_exit_code()
        return self.returncode

    def _read_exit_code(self) -> int:
        try:
            packet = self._status.recv(ANSWER.size)
        except OSError:
            packet = b""
        if not packet:
            return _UNKNOWN
        return int(ANSWER.unpack(packet)[1])

    def _send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.sentinel, number)


def _close(pidfd: int, status: socket.socket) -> None:
    os.close(pidfd)
    status.close()


class TemplateProcess(process.BaseProcess):
    """A process that is forked from the template."""

    _start_method = None  # what a process starts itself is started by the program's own default

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Popen:
        return Popen(process_obj)


class TemplateContext(HastenPools, context.BaseContext):
    """The context of `get_context("template")`."""

    _name = "template"
    Process = TemplateProcess
