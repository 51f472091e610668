"""Frames of a film, sharpened by a pool of processes: large arrays go in and come out."""

import multiprocessing
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hasten
from hasten._cores import available_cores
from hasten.demo.program import Engine, Program, Size, Variant, equal


def sharpen(frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a frame with its edges raised: five times each inner point, less its four neighbours."""
    sharp = frame.copy()
    inner = sharp[1:-1, 1:-1]
    inner *= 5
    inner -= frame[:-2, 1:-1]
    inner -= frame[2:, 1:-1]
    inner -= frame[1:-1, :-2]
    inner -= frame[1:-1, 2:]
    return sharp


def total_of_peaks(frames: Iterable[NDArray[np.float64]]) -> float:
    """Return the sum of the frames' largest values."""
    return float(sum(np.max(frame) for frame in frames))


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    count, lines, columns = {"full": (48, 1080, 1920), "quick": (8, 540, 960), "tiny": (2, 16, 16)}[size]
    frames: list[NDArray[np.float64]] = list(np.random.default_rng(1).random((count, lines, columns)))
    workers = available_cores()

    def through(pool: Any) -> object:
        with pool:
            return total_of_peaks(pool.imap(sharpen, frames))

    variants = [
        Variant("plain", lambda: total_of_peaks(map(sharpen, frames))),
        Variant("multiprocessing.Pool", lambda: through(multiprocessing.Pool(workers))),
        Variant("hasten.ThreadPool", lambda: through(hasten.ThreadPool(workers))),
        Variant("hasten.Pool", lambda: through(hasten.Pool(workers))),
    ]
    size_mb = frames[0].nbytes / 1e6
    work = f"{count} frames of {columns}x{lines} points, {size_mb:.3g} MB each, sharpened with NumPy on {workers} cores"
    return Program("large arrays through a pool", work, variants, equal)
