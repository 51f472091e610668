"""The template: a small process without threads that forks itself into what it is asked for.

Requests are packets on the control socket, `CHILD` or `MAIN`, each with descriptors: the socket for the answer, the
file with what is to be unpickled, the parent's pidfd, that of the resource tracker, and those that the child inherits.

A child answers by packets on the request's own socket. It sends `BORN` with its pid and pidfd before it does anything
else, so that a child that the parent does not know of never runs; the template sends `EXITED` with the child's exit
code, or `FAILED` with an errno. Where the template ends first, the socket ends too and the child lives on.

On `MAIN` the template itself imports the main module, for all children to come, and answers by a text.
"""

from __future__ import annotations

# What signal and socket import takes a new pool milliseconds.
import _signal as signal  # type: ignore[import-not-found]
import gc
import os
import select
import sys
from _socket import CMSG_LEN, SCM_RIGHTS, SOL_SOCKET, socket

import hasten._pool.worker  # noqa: F401, so that no worker has to
from hasten._pool.child import flush_streams, prepare, run
from hasten._pool.identity import identity, wait_for_import

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from typing import NoReturn

CHILD, MAIN = b"C", b"M"
BORN, EXITED, FAILED = range(3)
ANSWER_SIZE = 12
# What a template says that has imported the main module: that it is ready, or that each worker is to import the module
# itself, because it starts threads; anything else is what went wrong.
READY, THREADED = b"ready", b"threaded"
MOST_DESCRIPTORS = 250
_INT = 4


def pack_answer(kind: int, number: int) -> bytes:
    """Return an answer as it is sent."""
    return kind.to_bytes(4, "little") + number.to_bytes(8, "little", signed=True)


def unpack_answer(packet: bytes) -> tuple[int, int]:
    """Return the kind of an answer, and its pid, exit code or errno."""
    return int.from_bytes(packet[:4], "little"), int.from_bytes(packet[4:], "little", signed=True)


class Server:
    """Forks children, and tells how they end.

    Parameters
    ----------
    control
        Where requests come from.
    parent
        The pidfd of the process that is served; when that ends, so does the template.
    tracker
        Where the first words to the resource tracker come from, which is started then; -1: there is one.
    """

    def __init__(self, control: socket, parent: int, tracker: int) -> None:
        self._control = control
        self._parent = parent
        self._tracker = tracker
        self._at_childs_end = signal.getsignal(signal.SIGCHLD)  # as the program, or its main module, has set it
        self._children: dict[int, tuple[int, socket]] = {}  # by pidfd: pid, and who wants to know its end
        self._poll = select.poll()
        self._poll.register(control.fileno(), select.POLLIN)
        self._poll.register(parent, select.POLLIN)
        if tracker >= 0:
            self._poll.register(tracker, select.POLLIN)

    def serve(self) -> NoReturn:
        """Do what is asked until there is nobody to ask any more."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, children vanish with their exit codes
        while True:
            for descriptor, events in self._poll.poll():
                if descriptor == self._parent:
                    self._leave()
                elif descriptor == self._control.fileno():
                    self._answer()
                elif descriptor == self._tracker:
                    self._take_first_words(events)
                else:
                    self._bury(descriptor)

    def _answer(self) -> None:
        kind, ancillary, _, _ = self._control.recvmsg(1, CMSG_LEN(MOST_DESCRIPTORS * _INT))
        if not kind:
            self._leave()
        answer, *passed = memoryview(ancillary[0][2]).cast("i").tolist()
        asker = socket(fileno=answer)
        if kind == CHILD:
            self._fork(asker, passed)
        else:
            self._take_main(asker, passed)

    def _fork(self, asker: socket, passed: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            asker.send(pack_answer(FAILED, error.errno or 0))
            asker.close()
        else:
            if pid == 0:
                self._become_child(asker, passed)
            pidfd = os.pidfd_open(pid)
            self._children[pidfd] = (pid, asker)
            self._poll.register(pidfd, select.POLLIN)
        for descriptor in passed:
            os.close(descriptor)

    def _bury(self, pidfd: int) -> None:
        pid, asker = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        try:
            asker.send(pack_answer(EXITED, os.waitstatus_to_exitcode(status)))
        except OSError:
            return  # nobody wants to know any more
        finally:
            asker.close()

    def _become_child(self, asker: socket, passed: list[int]) -> NoReturn:
        code = 1
        try:
            signal.signal(signal.SIGCHLD, self._at_childs_end or signal.SIG_DFL)
            self._close_all()
            if _is_wanted(asker):
                code = run(*passed)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            flush_streams()
        finally:
            os._exit(code)

    def _close_all(self) -> None:
        """Close, in a child, what belongs to the template."""
        self._control.close()
        os.close(self._parent)
        for pidfd, (_, other) in self._children.items():
            os.close(pidfd)
            other.close()
        if self._tracker >= 0:
            os.close(self._tracker)

    def _take_first_words(self, events: int) -> None:
        """Start the tracker, if somebody has written to it rather than closed the last end of the pipe."""
        if events & select.POLLIN and os.fork() == 0:
            try:
                reader = os.dup(self._tracker)
                self._close_all()
                if identity.tracker >= 0:
                    os.close(identity.tracker)  # it ends with those who write to it
                    identity.tracker = -1
                from hasten._pool import tracker

                tracker.run(reader)
            finally:
                os._exit(0)
        self._poll.unregister(self._tracker)
        os.close(self._tracker)
        self._tracker = -1

    def _leave(self) -> NoReturn:
        if self._tracker >= 0:
            first_words = select.poll()
            first_words.register(self._tracker, select.POLLIN)
            for _, events in first_words.poll(0):
                self._take_first_words(events)
        os._exit(0)

    def _take_main(self, asker: socket, passed: list[int]) -> None:
        """Import the main module; a template that can't, or to which that has given threads, is none any more."""
        data, parent, tracker = passed
        os.close(parent)
        try:
            with open(data, "rb") as file:
                signal.signal(signal.SIGCHLD, self._at_childs_end or signal.SIG_DFL)
                prepare(file, tracker, is_template=True)
            threading = sys.modules.get("threading")
            said = THREADED if threading is not None and threading.active_count() > 1 else READY
        except BaseException as error:
            said = _describe(error)
        flush_streams()
        asker.send(said)
        asker.close()
        if said != READY:
            self._leave()
        if identity.is_needed():
            import hasten._pool.template_process  # noqa: F401, what each child would import to be a process
        self._at_childs_end = signal.getsignal(signal.SIGCHLD)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        gc.freeze()


def _is_wanted(asker: socket) -> bool:
    """Tell the parent of this process; False where the parent waits for it no longer."""
    pidfd = os.pidfd_open(os.getpid())
    rights = (SOL_SOCKET, SCM_RIGHTS, pidfd.to_bytes(_INT, sys.byteorder))
    try:
        asker.sendmsg([pack_answer(BORN, os.getpid())], [rights])
    except ConnectionError:
        return False
    finally:
        asker.close()
        os.close(pidfd)
    return True


def _describe(error: BaseException) -> bytes:
    import traceback

    name = "guard" if "bootstrapping phase" in str(error) else "failed"
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return f"{name}:{text}".encode(errors="replace")[-60_000:]


def _leave_stdin() -> None:
    try:
        sys.stdin.close()
        sys.stdin = open(os.open(os.devnull, os.O_RDONLY), encoding="utf-8", closefd=False)  # noqa: SIM115
    except (AttributeError, OSError, ValueError):
        pass  # there is none


def main(control: int, parent: int, tracker: int) -> NoReturn:
    """Serve as the template of the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    _leave_stdin()
    sys.modules["__main__"] = type(sys)("__main__")
    wait_for_import()
    gc.freeze()
    gc.enable()
    Server(socket(fileno=control), parent, tracker).serve()
