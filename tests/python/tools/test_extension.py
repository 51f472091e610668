"""The installed extension exports nothing but its init function, is stripped, and needs no library but the system's."""

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


def test_it_needs_no_library_but_the_systems() -> None:
    dynamic = subprocess.run(["readelf", "-dW", EXTENSION], capture_output=True, text=True, check=True).stdout
    needed = {line.split("[")[1].split(".so")[0] for line in dynamic.splitlines() if "(NEEDED)" in line}
    assert needed <= {"libc", "libm", "libgcc_s", "ld-linux-x86-64", "ld-linux-aarch64"}
    assert "RUNPATH" not in dynamic
