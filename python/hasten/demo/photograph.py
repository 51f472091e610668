"""Filters over a photograph: blur it, then find the edges."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hasten.demo.program import Engine, Program, Size, Variant, equal_to_rounding, is_installed

prange = range


def edges_after_blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blur with a 3x3 Gaussian, then take the length of Sobel's gradient."""
    height, width = image.shape
    blurred = np.zeros((height, width))
    for i in prange(1, height - 1):
        for j in range(1, width - 1):
            corners = image[i - 1, j - 1] + image[i - 1, j + 1] + image[i + 1, j - 1] + image[i + 1, j + 1]
            sides = image[i - 1, j] + image[i + 1, j] + image[i, j - 1] + image[i, j + 1]
            blurred[i, j] = (corners + 2.0 * sides + 4.0 * image[i, j]) / 16.0
    edges = np.zeros((height, width))
    for i in prange(1, height - 1):
        for j in range(1, width - 1):
            above = blurred[i - 1, j - 1] + 2.0 * blurred[i - 1, j] + blurred[i - 1, j + 1]
            below = blurred[i + 1, j - 1] + 2.0 * blurred[i + 1, j] + blurred[i + 1, j + 1]
            left = blurred[i - 1, j - 1] + 2.0 * blurred[i, j - 1] + blurred[i + 1, j - 1]
            right = blurred[i - 1, j + 1] + 2.0 * blurred[i, j + 1] + blurred[i + 1, j + 1]
            edges[i, j] = np.sqrt((below - above) ** 2 + (right - left) ** 2)
    return edges


def edges_of_arrays(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Do the same with NumPy's slices."""
    blurred = np.zeros_like(image)
    corners = image[:-2, :-2] + image[:-2, 2:] + image[2:, :-2] + image[2:, 2:]
    sides = image[:-2, 1:-1] + image[2:, 1:-1] + image[1:-1, :-2] + image[1:-1, 2:]
    blurred[1:-1, 1:-1] = (corners + 2.0 * sides + 4.0 * image[1:-1, 1:-1]) / 16.0
    edges = np.zeros_like(image)
    vertical = blurred[2:, :-2] + 2.0 * blurred[2:, 1:-1] + blurred[2:, 2:]
    vertical -= blurred[:-2, :-2] + 2.0 * blurred[:-2, 1:-1] + blurred[:-2, 2:]
    horizontal = blurred[:-2, 2:] + 2.0 * blurred[1:-1, 2:] + blurred[2:, 2:]
    horizontal -= blurred[:-2, :-2] + 2.0 * blurred[1:-1, :-2] + blurred[2:, :-2]
    edges[1:-1, 1:-1] = np.sqrt(vertical**2 + horizontal**2)
    return edges


def edges_by_scipy(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Do the same with SciPy's filters."""
    from scipy import ndimage

    gauss = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16.0
    blurred = _without_border(ndimage.convolve(image, gauss))
    return _without_border(np.hypot(ndimage.sobel(blurred, 0), ndimage.sobel(blurred, 1)))


def _without_border(image: NDArray[np.float64]) -> NDArray[np.float64]:
    inner = np.zeros_like(image)
    inner[1:-1, 1:-1] = image[1:-1, 1:-1]
    return inner


def photograph() -> Path | None:
    """Return the photograph that matplotlib brings with it (Grace Hopper, 1984), where matplotlib is installed."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder, "mpl-data", "sample_data", "grace_hopper.jpg")
        if path.exists():
            return path
    return None


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    path = photograph()
    if path is None or not is_installed("PIL"):
        return Program("filters over a photograph", "blur and edges", [], equal_to_rounding, ["matplotlib and pillow"])
    from PIL import Image

    with Image.open(path) as picture:
        scale = {"full": 1, "quick": 3, "tiny": 50}[size]
        grey = picture.convert("L").resize((picture.width // scale, picture.height // scale))
    image = np.asarray(grey, np.float64)
    variants = [
        Variant("plain", lambda: edges_after_blur(image)),
        Variant("NumPy", lambda: edges_of_arrays(image)),
    ]
    if is_installed("scipy"):
        variants.append(Variant("SciPy", lambda: edges_by_scipy(image)))
    for engine in filter(None, engines.values()):
        loops, parallel = engine.compiled(edges_after_blur), engine.compiled(edges_after_blur, parallel=True)
        variants += [
            Variant(f"{engine.name}.njit", lambda f=loops: f(image), True),  # type: ignore[misc]
            Variant(f"{engine.name}.njit, prange", lambda f=parallel: f(image), True),  # type: ignore[misc]
        ]
    absent = [name for name, engine in engines.items() if engine is None]
    absent += [] if is_installed("scipy") else ["scipy"]
    work = f"blur and edges of a photograph of {image.shape[1]}x{image.shape[0]} points"
    return Program("filters over a photograph", work, variants, equal_to_rounding, absent)
