"""The template: a small process without threads that forks itself into what it is asked for.

Requests are packets on the control socket, `CHILD` or `TEMPLATE`, each with descriptors: the socket for the answer, the
file with what the child unpickles, the parent's pidfd, that of the resource tracker, and those that the child inherits.

Answers are packets on the request's own socket. The child sends `BORN` with its pid and pidfd before it does anything
else, so that a child that the parent does not know of never runs; the template sends `EXITED` with the child's exit
code, or `FAILED` with an errno. Where the template ends first, the socket ends too and the child lives on.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import os
import pickle
import select
import signal
import socket
import struct
import sys
import threading
from multiprocessing import process, resource_tracker, spawn, util
from types import ModuleType

import hasten._pool.worker  # noqa: F401, so that no worker has to

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from typing import IO, Any, NoReturn

CHILD, TEMPLATE = b"C", b"T"
BORN, EXITED, FAILED = range(3)
ANSWER = struct.Struct("=iq")
# What a template with the main module says once: that it is ready, or that each worker is to import the module itself,
# because it starts threads; anything else is what went wrong.
READY, THREADED = b"ready", b"threaded"
MOST_DESCRIPTORS = 250

inherited: list[int] = []


class Server:
    """Forks children, and tells how they end.

    Parameters
    ----------
    control
        Where requests come from.
    parent
        The pidfd of the process that is served; when that ends, so does the template.
    """

    def __init__(self, control: socket.socket, parent: int) -> None:
        self._control = control
        self._parent = parent
        self._at_childs_end = signal.getsignal(signal.SIGCHLD)  # as the program, or its main module, has set it
        self._children: dict[int, tuple[int, socket.socket]] = {}  # by pidfd: pid, and who wants to know its end
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(parent, select.POLLIN)

    def serve(self) -> NoReturn:
        """Do what is asked until there is nobody to ask any more."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, children vanish with their exit codes
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._parent:
                    os._exit(0)
                elif descriptor == self._control.fileno():
                    self._answer()
                else:
                    self._bury(descriptor)

    def _answer(self) -> None:
        kind, descriptors, _, _ = socket.recv_fds(self._control, 1, MOST_DESCRIPTORS)
        if not kind:
            os._exit(0)
        answer, *passed = descriptors
        with socket.socket(fileno=answer) as asker:
            try:
                pid = os.fork()
            except OSError as error:
                asker.send(ANSWER.pack(FAILED, error.errno or 0))
            else:
                if pid == 0:
                    self._become_child(kind, asker, passed)
                pidfd = os.pidfd_open(pid)
                self._children[pidfd] = (pid, asker.dup())
                self._poll.register(pidfd, select.POLLIN)
        for descriptor in passed:
            os.close(descriptor)

    def _bury(self, pidfd: int) -> None:
        pid, asker = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        with asker, contextlib.suppress(OSError):  # nobody wants to know any more
            asker.send(ANSWER.pack(EXITED, os.waitstatus_to_exitcode(status)))

    def _become_child(self, kind: bytes, asker: socket.socket, passed: list[int]) -> NoReturn:
        code = 1
        try:
            signal.signal(signal.SIGCHLD, self._at_childs_end or signal.SIG_DFL)
            self._control.close()
            os.close(self._parent)
            for pidfd, (_, other) in self._children.items():
                os.close(pidfd)
                other.close()
            if _is_wanted(asker):
                code = _run_child(*passed) if kind == CHILD else _serve_with_main(*passed)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            util._flush_std_streams()  # type: ignore[attr-defined]
        finally:
            os._exit(code)


def _is_wanted(asker: socket.socket) -> bool:
    """Tell the parent of this process; False where the parent waits for it no longer."""
    pidfd = os.pidfd_open(os.getpid())
    try:
        with asker:
            socket.send_fds(asker, [ANSWER.pack(BORN, os.getpid())], [pidfd])
    except ConnectionError:
        return False
    finally:
        os.close(pidfd)
    return True


def _run_child(data: int, parent: int, tracker: int, *descriptors: int) -> int:
    """Be the process that the data describe, and return its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    resource_tracker._resource_tracker._fd = tracker  # type: ignore[attr-defined]
    inherited[:] = descriptors
    with open(data, "rb") as file:
        _prepare(file)
        child = _while_inheriting(lambda: pickle.load(file))
    return child._bootstrap(parent)  # type: ignore[no-any-return]


def _serve_with_main(data: int, parent: int, tracker: int, control: int) -> NoReturn:
    """Import the main module and be a template for processes that have it."""
    with socket.socket(fileno=control) as requests:
        try:
            with open(data, "rb") as file:
                _prepare(file)
            said = THREADED if threading.active_count() > 1 else READY
        except BaseException as error:
            said = _describe(error)
        requests.send(said)
        if said == READY:
            gc.freeze()
            Server(requests, parent).serve()
    os._exit(0)


def _prepare(file: IO[bytes]) -> None:
    file.seek(0)
    environment = pickle.load(file)
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    _while_inheriting(lambda: _prepare_modules(pickle.load(file)))


def _prepare_modules(preparation: dict[str, Any]) -> None:
    """Do what `spawn.prepare` does, where it can be without runpy: what that imports takes milliseconds."""
    path = preparation.get("init_main_from_path") or ""
    if not (path.endswith(".py") and os.path.isfile(path)):
        spawn.prepare(preparation)
        return
    spawn.prepare({name: value for name, value in preparation.items() if name != "init_main_from_path"})
    if getattr(sys.modules["__main__"], "__file__", None) != path:
        _import_main(path)


def _import_main(path: str) -> None:
    """Import a program's file as the main module, under the name that tells it that it is not the program."""
    module = ModuleType("__mp_main__")
    module.__dict__.update(__file__=path, __cached__=None, __package__="", __builtins__=builtins)
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    sys.modules["__mp_main__"] = module
    exec(code, module.__dict__)
    sys.modules["__main__"] = module


def _while_inheriting(action: Any) -> Any:
    # As the other start methods do: multiprocessing refuses to start processes meanwhile.
    current = process.current_process()
    current._inheriting = True  # type: ignore[attr-defined]
    try:
        return action()
    finally:
        del current._inheriting  # type: ignore[attr-defined]


def _describe(error: BaseException) -> bytes:
    import traceback

    name = "guard" if "bootstrapping phase" in str(error) else "failed"
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return f"{name}:{text}".encode(errors="replace")[-60_000:]


def main(control: int, parent: int) -> NoReturn:
    """Serve as the template of the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    util._close_stdin()  # type: ignore[attr-defined]
    sys.modules["__main__"] = ModuleType("__main__")
    gc.freeze()
    gc.enable()
    Server(socket.socket(fileno=control), parent).serve()
