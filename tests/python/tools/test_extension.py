"""The installed extension exports nothing but its init function, is stripped, and finds oneTBB beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import hasten._core

EXTENSION = Path(hasten._core.__file__)


def test_only_the_init_function_is_exported() -> None:
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", EXTENSION], capture_output=True, text=True, check=True
    ).stdout
    names = {line.split()[-1].split("@")[0] for line in listed.splitlines()}
    assert names == {"PyInit__core"}


def test_the_extension_is_stripped() -> None:
    sections = subprocess.run(["readelf", "-SW", EXTENSION], capture_output=True, text=True, check=True).stdout
    assert ".symtab" not in sections
    assert ".debug_info" not in sections


def test_libraries_are_found_relative_to_the_extension() -> None:
    dynamic = subprocess.run(["readelf", "-dW", EXTENSION], capture_output=True, text=True, check=True).stdout
    (path,) = [line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "RUNPATH" in line or "RPATH" in line]
    assert path == "$ORIGIN/../../.."
