"""Messages of `hasten.mpi` as plain Python calls them: by way of compiled functions, so that there is one meaning.

In here ``mpi.send`` and the others are what the compiler knows by these names.
"""

from __future__ import annotations

from typing import Any

import hasten
from hasten import mpi


@hasten.njit
def send(array: Any, dest: Any, tag: Any) -> None:
    """Send an array."""
    mpi.send(array, dest, tag)


@hasten.njit
def recv(array: Any, source: Any, tag: Any) -> tuple[int, int]:
    """Receive an array."""
    return mpi.recv(array, source, tag)


@hasten.njit
def sendrecv(sent: Any, dest: Any, received: Any, source: Any, tag: Any) -> tuple[int, int]:
    """Send an array and receive another."""
    return mpi.sendrecv(sent, dest, received, source, tag)


@hasten.njit
def isend(array: Any, dest: Any, tag: Any) -> int:
    """Begin to send an array."""
    return mpi.isend(array, dest, tag)


@hasten.njit
def irecv(array: Any, source: Any, tag: Any) -> int:
    """Begin to receive an array."""
    return mpi.irecv(array, source, tag)


@hasten.njit
def wait(request: Any) -> tuple[int, int]:
    """Wait for a request."""
    return mpi.wait(request)


@hasten.njit
def waitall(requests: Any) -> None:
    """Wait for all requests."""
    mpi.waitall(requests)


@hasten.njit
def waitany(requests: Any) -> int:
    """Wait for one of some requests."""
    return mpi.waitany(requests)


@hasten.njit
def test(request: Any) -> bool:
    """Ask whether a request is done."""
    return mpi.test(request)


@hasten.njit
def testall(requests: Any) -> bool:
    """Ask whether all requests are done."""
    return mpi.testall(requests)


@hasten.njit
def testany(requests: Any) -> int:
    """Ask whether one of some requests is done."""
    return mpi.testany(requests)
