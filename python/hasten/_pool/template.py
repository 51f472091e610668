"""The start method ``template``: processes are forked from a small clean process, which is safe with threads.

The template is started when it is first needed: an interpreter that has imported what workers need and no more. Where
a program's main module is a file, the template imports that once, before processes are forked from it. A template that
dies takes nobody with it, and the next start makes a new one. The other side: `template_server`.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import socket
import threading
from multiprocessing import context, popen_fork, process, reduction, spawn, util

from hasten._pool import tracker
from hasten._pool.child import Inherited
from hasten._pool.contexts import HastenPools
from hasten._pool.identity import state_of
from hasten._pool.main_module import MissingGuardError, can_be_imported
from hasten._pool.template_code import code_of_main, code_of_start
from hasten._pool.template_process import TemplateProcess
from hasten._pool.template_server import ANSWER_SIZE, BORN, CHILD, FAILED, MAIN, READY, THREADED, unpack_answer

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

# The exit code of a process whose template is gone: the one that the start method forkserver gives.
_UNKNOWN = 255


# What a template executes. The folder that it happens to be started in has nothing to do with it. A word on the control
# socket says how long the code is; there comes none where the parent has ended.
_START = """import gc, marshal, posix, sys
gc.disable()  # until `main` has frozen what is imported
sys.flags.safe_path or sys.path.pop(0)
size = int(posix.read({control}, 20) or posix._exit(0))
code, sent = marshal.loads(posix.pread({code}, size, 0))
posix.close({code})
exec(marshal.loads(code))
start({folder!r}, sent, {control}, {parent}, {tracker})"""


# How often a template is asked for a process before that is given up.
_TRIES = 3


class _Died(Exception):
    """The template ended before it did what it was asked for."""


class _LeftToWorkers(Exception):
    """The template ended because each worker is to import the main module itself."""


class _Child:
    """A process that the template made."""

    def __init__(self, pid: int, pidfd: int, status: socket.socket) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.status = status  # where its exit code will come from


class _Template:
    """One template process, seen from the process that uses it."""

    def __init__(self, control: socket.socket, pid: int, environment: dict[str, str]) -> None:
        self.control = control
        self.pid = pid
        self.has_ended = False
        self._environment = environment
        self._main: socket.socket | None = None  # where it says how the import of the main module went

    @classmethod
    def start(cls) -> _Template:
        """Start one that has no main module."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent, code = os.pidfd_open(os.getpid()), os.memfd_create("hasten-code")
        passed = [theirs.fileno(), parent, code]
        reserved = tracker.reserve()
        if reserved >= 0:
            passed.append(reserved)
        program = _START.format(
            folder=os.path.dirname(os.path.dirname(__file__)),
            control=theirs.fileno(),
            parent=parent,
            code=code,
            tracker=reserved,
        )
        executable = spawn.get_executable()
        arguments = [executable, *util._args_from_interpreter_flags(), "-c", program]  # type: ignore[attr-defined]
        environment = dict(os.environ)
        try:
            try:
                with theirs, _no_interrupt():
                    pid = util.spawnv_passfds(os.fsencode(executable), arguments, passed)
            except BaseException:
                ours.close()
                raise
            template = cls(ours, pid, environment)
            template._send_code(code)
        finally:
            for descriptor in passed[1:]:
                os.close(descriptor)
        return template

    def _send_code(self, file: int) -> None:
        try:
            code = code_of_start()
            with open(file, "wb", closefd=False) as written:
                written.write(code)
            self.control.send(b"%d" % len(code))
        except ConnectionError:
            pass  # it has ended: who asks it for something finds out
        except BaseException:
            self.end()
            raise

    def changes(self) -> bytes:
        """Return how the environment differs from the template's, as a child is told."""
        environment = dict(os.environ)
        return _dumps(None if environment == self._environment else environment)

    def ask_for_child(self, data: bytes, descriptors: list[int]) -> socket.socket:
        """Ask for a child, to which `data` say what it is; return where the answers come."""
        return self._ask(CHILD, data, descriptors)

    def ask_for_import(self, preparation: bytes, file: str | None) -> None:
        """Let the template import the main module, from a file if it is one, before what it is asked for later."""
        environment = dict(os.environ)
        self._main = self._ask(MAIN, self.changes() + preparation + code_of_main(file), [])
        self._environment = environment

    def wait_for_child(self, answers: socket.socket) -> _Child:
        """Wait for a child that was asked for."""
        child = None
        with contextlib.suppress(_Died):
            child = _read_birth(answers)
        if child is None:
            self._explain_end()
        if self._main is not None:
            self._main.close()
            self._main = None
        return child

    def _explain_end(self) -> NoReturn:
        """Raise what there is to say of the template's end: mostly how the import of the main module failed."""
        imports, self._main, said = self._main, None, READY
        if imports is not None:
            with imports:
                said = _receive(imports)
        status = self.end()
        if said == READY or (not said and os.WIFSIGNALED(status)):
            raise _Died
        if said == THREADED:
            raise _LeftToWorkers
        kind, _, text = said.decode(errors="replace").partition(":")
        if kind == "guard":
            raise MissingGuardError
        raise RuntimeError(f"A worker process can't import the program's main module:\n{text or 'its process ended'}")

    def end(self) -> int:
        """Let the template end, and return the status that it ended with."""
        if self.has_ended:
            return 0
        self.has_ended = True
        self.control.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            return os.waitpid(self.pid, 0)[1]
        return 0

    def _ask(self, kind: bytes, data: bytes, descriptors: list[int]) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        file = os.memfd_create("hasten-process")
        parent = os.pidfd_open(os.getpid())
        try:
            with open(file, "wb", closefd=False) as written:
                written.write(data)
            passed: list[Any] = [theirs.fileno(), file, parent, tracker.descriptor(), *descriptors]
            socket.send_fds(self.control, [kind], passed)
            return ours
        except BaseException as error:
            ours.close()
            if isinstance(error, ConnectionError):
                self.end()
                raise _Died from error
            raise
        finally:
            theirs.close()
            os.close(file)
            os.close(parent)


def _receive(answers: socket.socket) -> bytes:
    try:
        return answers.recv(1 << 16)
    except ConnectionError:
        return b""


def _read_birth(answers: socket.socket) -> _Child:
    try:
        packet, descriptors, _, _ = socket.recv_fds(answers, ANSWER_SIZE, 1)
    except ConnectionError as error:
        raise _Died from error
    if not packet:
        raise _Died
    kind, number = unpack_answer(packet)
    if kind == FAILED:
        raise OSError(number, f"The template can't fork: {os.strerror(number)}")
    if kind != BORN:
        raise OSError(errno.ECHILD, f"A process ended before it began, with exit code {number}")
    return _Child(number, descriptors[0], answers)


class Request:
    """A process that a template is asked for.

    Parameters
    ----------
    process_obj
        What multiprocessing calls the process, not started.
    """

    DupFd = Inherited

    def __init__(self, process_obj: process.BaseProcess) -> None:
        self._descriptors: list[int] = []
        self._template: _Template | None = None
        self._answers: socket.socket | None = None
        preparation = spawn.get_preparation_data(process_obj.name)
        if not can_be_imported():
            for main in ("init_main_from_name", "init_main_from_path"):
                preparation.pop(main, None)
        self.main_file = preparation.get("init_main_from_path")
        self.main = preparation.get("init_main_from_name") or self.main_file
        context.set_spawning_popen(self)  # type: ignore[arg-type]
        try:
            self.preparation = _dumps(_without_classes(preparation))
            self._described = self._describe(process_obj)
        finally:
            context.set_spawning_popen(None)

    def duplicate_for_child(self, fd: int) -> int:
        """Let the child have a descriptor; return its index."""
        self._descriptors.append(fd)
        return len(self._descriptors) - 1

    def _describe(self, process_obj: process.BaseProcess) -> bytes:
        is_plain = type(process_obj) is TemplateProcess and "run" not in vars(process_obj)
        sent = state_of(process_obj) if is_plain else process_obj
        described = _dumps(sent)
        if can_be_imported() or b"__main__" not in described:
            return described
        from hasten._pool import by_value

        self._descriptors.clear()
        return by_value.dumps(sent)

    @property
    def is_sent(self) -> bool:
        """Whether a template was asked, and has not been found dead since."""
        return self._answers is not None

    def send(self, template: _Template) -> None:
        """Ask a template."""
        data = template.changes() + self.preparation + self._described
        self._answers = template.ask_for_child(data, self._descriptors)
        self._template = template

    def wait(self) -> _Child:
        """Wait until the process is born."""
        assert self._template is not None and self._answers is not None
        try:
            child = self._template.wait_for_child(self._answers)
        except BaseException:
            self.withdraw()
            raise
        self._answers = None
        return child

    def withdraw(self) -> None:
        """Have no process: one that is born already is killed, any other ends when it finds nobody who waits for it."""
        answers, self._answers = self._answers, None
        if answers is None:
            return
        with answers, contextlib.suppress(OSError, _Died):
            answers.shutdown(socket.SHUT_RDWR)
            child = _read_birth(answers)
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
            os.close(child.pidfd)


class _Templates:
    """The templates of this process."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: the templates that are known belong to the process that this one is a fork of."""
        self._lock = threading.Lock()
        self._bare: _Template | None = None
        self._with_main: dict[str, _Template] = {}
        self._left_to_workers: set[str | None] = set()  # main modules that each worker imports itself

    def all(self) -> list[_Template]:
        """Return the templates that there are."""
        return [one for one in (self._bare, *self._with_main.values()) if one is not None and not one.has_ended]

    def ask(self, request: Request) -> None:
        """Ask a template, if that can be done now; else `start_child` does."""
        with self._lock, contextlib.suppress(OSError, _Died):
            request.send(self._template_for(request))

    def start_child(self, request: Request) -> _Child:
        """Return the process that a template was asked for, or still is to be, when it is born."""
        with self._lock:
            for _ in range(_TRIES):
                try:
                    if not request.is_sent:
                        request.send(self._template_for(request))
                    return request.wait()
                except _LeftToWorkers:
                    self._left_to_workers.add(request.main)
                except _Died:
                    continue
            raise OSError(errno.EPIPE, "The template process ended each time that a process was to be started")

    def start_early(self) -> None:
        """Start the template while the program still does something else; not where processes aren't made anyway."""
        if process.parent_process() is None and not getattr(process.current_process(), "_inheriting", False):
            with self._lock:
                if not self.all():
                    self._bare = _Template.start()

    def _template_for(self, request: Request) -> _Template:
        self._remove_ended()
        main = request.main
        if main in self._with_main:
            return self._with_main[main]
        if main is not None and main not in self._left_to_workers:
            template, self._bare = self._bare or _Template.start(), None
            template.ask_for_import(request.preparation, request.main_file)
            self._with_main[main] = template
            return template
        self._bare = self._bare or _Template.start()
        return self._bare

    def _remove_ended(self) -> None:
        if self._bare is not None and self._bare.has_ended:
            self._bare = None
        self._with_main = {main: one for main, one in self._with_main.items() if not one.has_ended}


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Let a process be started with SIGINT blocked: Ctrl-C, which reaches it too, is none of its business."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _without_classes(preparation: dict[str, Any]) -> dict[str, Any]:
    """Return the same in a form that is unpickled without multiprocessing."""
    return {**preparation, "authkey": bytes(preparation["authkey"])}


def _dumps(value: object) -> bytes:
    buffer = io.BytesIO()
    reduction.dump(value, buffer)
    return buffer.getvalue()


templates = _Templates()
os.register_at_fork(after_in_child=templates.forget)


class Popen(popen_fork.Popen):
    """A process that was forked from the template."""

    method = "template"

    def __init__(self, process_obj: process.BaseProcess) -> None:
        self._lock = threading.Lock()
        super().__init__(process_obj)

    def _launch(self, process_obj: process.BaseProcess) -> None:
        asked = process_obj.take_request() if isinstance(process_obj, TemplateProcess) else None
        request = asked or Request(process_obj)
        child = templates.start_child(request)
        self.pid = child.pid
        self.sentinel = child.pidfd
        self._status = child.status
        self.finalizer = util.Finalize(self, _close, (child.pidfd, child.status))

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
            packet = self._status.recv(ANSWER_SIZE)
        except OSError:
            packet = b""
        if not packet:
            return _UNKNOWN
        return int(unpack_answer(packet)[1])

    def _send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.sentinel, number)


def _close(pidfd: int, status: socket.socket) -> None:
    os.close(pidfd)
    status.close()


class TemplateContext(HastenPools, context.BaseContext):
    """The context of `get_context("template")`."""

    _name = "template"
    Process = TemplateProcess
