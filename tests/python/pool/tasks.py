"""Functions that the pool's tests call in workers."""

import faulthandler
import os
import signal
import sys
import time
from typing import Any


def square(x: Any) -> Any:
    return x * x


def identity(x: Any) -> Any:
    return x


def pid(_: object = None) -> int:
    return os.getpid()


def kill_at_three(x: int) -> int:
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def segfault_at_three(x: int) -> int:
    if x == 3:
        faulthandler.disable()  # inherited from the test run
        os.kill(os.getpid(), signal.SIGSEGV)
    return x


def leave_at_three(x: int) -> int:
    if x == 3:
        os._exit(7)
    return x


def die_once(folder: str, x: int) -> int:
    """Die at the first call with each x."""
    mark = os.path.join(folder, str(x))
    if not os.path.exists(mark):
        with open(mark, "w"):
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def fail_once(folder: str, x: int) -> int:
    """Fail at the first call with each x."""
    mark = os.path.join(folder, str(x))
    if not os.path.exists(mark):
        with open(mark, "w"):
            pass
        raise ValueError(x)
    return x


def mark_and_sleep(folder: str, x: float) -> float:
    with open(os.path.join(folder, str(x)), "a") as file:
        file.write("x")
    time.sleep(x)
    return x


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def meet(folder: str, name: str, other: str) -> str:
    """Wait for another call to begin."""
    open(os.path.join(folder, name), "w").close()
    while not os.path.exists(os.path.join(folder, other)):
        time.sleep(0.001)
    return name


def meet_and_list_files(folder: str, name: str, other: str) -> dict[str, str]:
    meet(folder, name, other)
    descriptors = os.listdir("/proc/self/fd")
    return {one: os.readlink(f"/proc/self/fd/{one}") for one in descriptors if os.path.lexists(f"/proc/self/fd/{one}")}


def raise_it(error: BaseException) -> None:
    raise error


def leave_by_exit(_: object = None) -> None:
    sys.exit(3)


def leave_at_start() -> None:
    os._exit(9)


def leave_unless_first(folder: str) -> None:
    """Let the first worker start; all others leave when it has done something."""
    try:
        open(os.path.join(folder, "first"), "x").close()
    except FileExistsError:
        while not os.path.exists(os.path.join(folder, "works")):
            time.sleep(0.001)
        os._exit(9)


def fail_at_start() -> None:
    raise RuntimeError("no start today")


def die_now(_: object = None) -> None:
    os._exit(1)


def take_memory(size: int) -> int:
    block = bytearray(size)
    for at in range(0, size, 4096):
        block[at] = 1
    time.sleep(5)
    return len(block)


class NoPickle(Exception):
    def __init__(self) -> None:
        super().__init__("can't travel")
        self.lock = __import__("threading").Lock()


class NoUnpickle(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")

    # As all exceptions do, unless a library that pickles them otherwise was loaded.
    def __reduce__(self) -> Any:
        return NoUnpickle, self.args


class NoUnpickledResult:
    def __reduce__(self) -> Any:
        return int, ("not a number",)


def raise_unpicklable(_: object = None) -> None:
    raise NoPickle


def raise_no_unpickle(_: object = None) -> None:
    raise NoUnpickle(1, 2)


def return_no_unpickle(_: object = None) -> Any:
    return NoUnpickledResult()


state: dict[str, int] = {}


def set_state(value: int) -> None:
    state["value"] = value


def get_state(_: object = None) -> int:
    return state["value"]


def talk(queue: Any, event: Any, value: Any) -> None:
    queue.put(value.value)
    event.wait(60)
    queue.put(value.value)


def add(x: int, y: int) -> int:
    return x + y


def use_a_pool(x: int) -> list[int]:
    import hasten

    with hasten.Pool(1) as pool:
        return pool.starmap(add, [(x, 0), (x, 1)])


def busy_identity(x: int) -> int:
    end = time.perf_counter() + 0.0003
    while time.perf_counter() < end:
        pass
    return x


def die_by(number: int) -> None:
    faulthandler.disable()  # inherited from the test run
    os.kill(os.getpid(), number)
    time.sleep(60)


class ReadSlowly:
    """A result whose unpickling lets other threads run."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> Any:
        return read_slowly, (self.number,)


def read_slowly(number: int) -> int:
    time.sleep(0.05)
    return number


def read_slowly_once_allowed(number: int, permit: str) -> ReadSlowly:
    while not os.path.exists(permit):
        time.sleep(0.001)
    return ReadSlowly(number)


class DeadlyArgument:
    """Kills the process that unpickles it."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> Any:
        return die_by, (self.number,)


class DeadlyResult:
    """Kills the process that pickles it."""

    def __reduce__(self) -> Any:
        os._exit(5)


class DeadlyError(Exception):
    def __reduce__(self) -> Any:
        os._exit(6)


def raise_deadly() -> None:
    raise DeadlyError


def return_deadly_at_three(x: int) -> Any:
    return DeadlyResult() if x == 3 else x


def make_bytes_within(size: int) -> bytes:
    return bytes(size)


def has_module(name: str) -> bool:
    return name in sys.modules


def type_name(x: Any) -> str:
    return type(x).__name__


def array_of(size: int) -> Any:
    import numpy as np

    return np.arange(size)


class _NoRepr(Exception):
    def __repr__(self) -> str:
        raise RuntimeError("no representation")

    def __reduce__(self) -> Any:
        raise RuntimeError("no pickle")


def raise_without_repr() -> None:
    raise _NoRepr


def return_too_deep() -> list[Any]:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


def fork_and_return(x: int) -> tuple[int, bool]:
    return x, os.fork() == 0


def fork_and_exit(status: int) -> int:
    child = os.fork()
    if child == 0:
        raise SystemExit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


barriers: list[Any] = []  # that the tasks of this worker meet at


def meet_at_barrier(x: int) -> int:
    barriers[0].wait(60)
    return x


places: list[Any] = []  # of each task, an event that it has come there


def meet_neighbour(x: int) -> int:
    """Wait until the other one of a pair of tasks has begun, too."""
    places[0][x].set()
    if not places[0][x ^ 1].wait(60):
        raise TimeoutError(f"task {x ^ 1} did not begin")
    return x


came: list[int] = []  # the numbers of Noted that were unpickled in this process


def note(x: int) -> int:
    came.append(x)
    return x


class Noted:
    """A number that is noted where it arrives."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __reduce__(self) -> tuple[Any, ...]:
        return note, (self.x,)


def noted(mark: str, x: int) -> Noted:
    """Return a number that is noted; the hundredth call says that it ran."""
    if x == 100:
        with open(mark, "w"):
            pass
    return Noted(x)
