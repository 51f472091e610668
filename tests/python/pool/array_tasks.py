"""Functions with large arguments and results that the pool's tests call in workers."""

import os
import resource
import signal
import time
from typing import Any

import numpy as np


def identity(x: Any) -> Any:
    return x


def ones(size: int) -> Any:
    return np.ones(size)


def filled(size: int, value: float) -> Any:
    return np.full(size, value)


def filled_by_pair(pair: tuple[int, float]) -> Any:
    return filled(*pair)


def total(array: Any) -> float:
    return float(array.sum())


def slow_total(array: Any) -> float:
    time.sleep(0.01)
    return total(array)


def is_writeable(array: Any) -> bool:
    return bool(array.flags.writeable)


def change_first(array: Any) -> float:
    found = total(array)
    array[0] += 1
    array[-1] = -5
    return found


def are_one(x: Any, y: Any) -> bool:
    return x is y


def change_first_of(array: Any, _: object) -> float:
    return change_first(array)


def add_to_first(array: Any, x: int) -> float:
    return float(array[0]) + x


def change_and_fail_once(mark: str, array: Any) -> float:
    found = change_first(array)
    if not os.path.exists(mark):
        open(mark, "w").close()
        raise ValueError("the first time")
    return found


def change_and_die_once(mark: str, array: Any) -> float:
    found = change_first(array)
    if not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return found


_kept: list[Any] = []


def keep(array: Any) -> None:
    _kept.append(array)


def kept_total() -> float:
    return total(_kept[-1])


def die_holding(array: Any) -> None:
    _kept.append(array)
    os.kill(os.getpid(), signal.SIGKILL)


def _die(array: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DiesInUnpickling:
    """An object that kills who unpickles it, when its array is there."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __reduce__(self) -> Any:
        return _die, (self.array,)


def die_in_unpickling(_: object) -> None:
    raise AssertionError("it died before")


class DiesInPickling:
    """An object that kills who pickles it, after the array before it was."""

    def __reduce__(self) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)
        return int, ()


def die_in_result(array: Any) -> Any:
    return array, DiesInPickling()


_gate: list[int] = []


def fork_and_report(array: Any, writer: int) -> None:
    """Fork a process that waits, and then writes the sum of the array."""
    gate_reader, gate_writer = os.pipe()
    if os.fork() == 0:
        os.close(gate_writer)
        os.read(gate_reader, 1)
        os.write(writer, str(total(array)).encode())
        os._exit(0)
    os.close(gate_reader)
    os.close(writer)
    _gate.append(gate_writer)


def let_report() -> None:
    os.close(_gate.pop())
    os.wait()


def look_up(table: Any, name: str, at: int) -> Any:
    return table[name][at]


def address_of(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


found: Any = None


def change_found() -> tuple[float, float]:
    """Return the ends of an array that the parent has set, and change it."""
    ends = float(found[0]), float(found[-1])
    found[:] = 9
    return ends


def faults_of_ones(size: int) -> int:
    """Return how many pages the system had to provide for an array that this makes and frees."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(size)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def fork_and_make_arrays(size: int) -> int:
    """Return the exit status of a fork that makes and frees arrays, as its parent does meanwhile."""
    child = os.fork()
    arrays = [np.full(size, float(i)) for i in range(4)]
    is_right = all((array == i).all() for i, array in enumerate(arrays))
    if child == 0:
        os._exit(0 if is_right else 1)
    assert is_right
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
