"""Build and install the C++ library as its users do, and build projects against it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.python.tools.loading import ROOT

TOOLS = Path(sys.executable).parent


def run(*command: str | Path) -> str:
    """Run a command and return what it printed; fail with all of it where the command fails."""
    words = list(map(str, command))
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{words} failed with status {done.returncode}:\n{done.stdout}"
    return done.stdout


def build(source: Path, folder: Path, **options: str) -> None:
    """Configure and build a CMake project."""
    chosen = [f"-D{name}={value}" for name, value in options.items()]
    ninja = f"-DCMAKE_MAKE_PROGRAM={TOOLS / 'ninja'}"
    run(TOOLS / "cmake", "-G", "Ninja", ninja, "-S", source, "-B", folder, *chosen)
    run(TOOLS / "cmake", "--build", folder, "-j2")


def install_library(prefix: Path, *, shared: bool) -> None:
    """Build the library, without anything of Python's, and install it; what was compiled before is used again."""
    folder = ROOT / "build" / ("cpp-shared" if shared else "cpp-static")
    options = {"HASTEN_PYTHON": "OFF", "BUILD_SHARED_LIBS": "ON" if shared else "OFF", "CMAKE_INSTALL_LIBDIR": "lib"}
    build(ROOT, folder, **options)
    run(TOOLS / "cmake", "--install", folder, "--prefix", prefix)


def build_examples(prefix: Path, folder: Path, flags: str) -> None:
    """Build examples/cpp against an installed library, with paths relative to it in the compiler's cache."""
    options = {"CMAKE_PREFIX_PATH": str(prefix), "CMAKE_CXX_FLAGS": flags}
    if ccache := shutil.which("ccache"):
        options["CMAKE_CXX_COMPILER_LAUNCHER"] = f"env;CCACHE_NOHASHDIR=1;CCACHE_BASEDIR={prefix.parent};{ccache}"
    build(ROOT / "examples" / "cpp", folder, **options)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` fills, once for all processes that run tests at the same time."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, finished = shared / name, shared / f"{name}.finished"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            make(folder)
            finished.touch()
    return folder
