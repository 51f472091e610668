"""A picture of the Mandelbrot set: loops that end when they like."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hasten.demo.program import Engine, Program, Size, Variant, equal

prange = range


def mandelbrot(width: int, height: int, limit: int) -> NDArray[np.int64]:
    """Count for each point of the plane how many steps it stays near the origin."""
    steps = np.zeros((height, width), np.int64)
    for row in prange(height):
        for column in range(width):
            cx = 3.0 * column / width - 2.25
            cy = 2.5 * row / height - 1.25
            x = 0.0
            y = 0.0
            n = 0
            while n < limit and x * x + y * y <= 4.0:
                x, y = x * x - y * y + cx, 2.0 * x * y + cy
                n += 1
            steps[row, column] = n
    return steps


def mandelbrot_of_arrays(width: int, height: int, limit: int) -> NDArray[np.int64]:
    """Do the same with NumPy: all points take each step together, those that have left are dropped."""
    cx = np.tile(3.0 * np.arange(width) / width - 2.25, height)
    cy = np.repeat(2.5 * np.arange(height) / height - 1.25, width)
    steps = np.zeros(width * height, np.int64)
    left = np.arange(width * height)
    x, y = np.zeros(width * height), np.zeros(width * height)
    for _ in range(limit):
        inside = x * x + y * y <= 4.0
        left, x, y, cx, cy = left[inside], x[inside], y[inside], cx[inside], cy[inside]
        x, y = x * x - y * y + cx, 2.0 * x * y + cy
        steps[left] += 1
    return steps.reshape(height, width)


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    width, height, limit = {"full": (480, 400, 100), "quick": (180, 150, 100), "tiny": (12, 10, 20)}[size]
    variants = [
        Variant("plain", lambda: mandelbrot(width, height, limit)),
        Variant("NumPy", lambda: mandelbrot_of_arrays(width, height, limit)),
    ]
    for engine in filter(None, engines.values()):
        loops, parallel = engine.compiled(mandelbrot), engine.compiled(mandelbrot, parallel=True)
        variants += [
            Variant(f"{engine.name}.njit", lambda f=loops: f(width, height, limit), True),  # type: ignore[misc]
            Variant(
                f"{engine.name}.njit, prange",
                lambda f=parallel: f(width, height, limit),  # type: ignore[misc]
                True,
            ),
        ]
    absent = [name for name, engine in engines.items() if engine is None]
    work = f"a picture of {width}x{height} points, at most {limit} steps each"
    return Program("Mandelbrot picture", work, variants, equal, absent)
