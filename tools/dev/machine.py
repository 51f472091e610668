"""What the machine must have that pip can't bring; missing parts come with apt-get where it runs as root."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shell import Failed, run, say

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
MULTIARCH = sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu"


@dataclass(frozen=True)
class Part:
    """Something the machine lacks: in plain words, and as a Debian package."""

    words: str
    package: str
    needed: bool = True


def has_compiler() -> bool:
    """Return whether the C++ compiler that CMake will take knows C++20: GCC 12 or clang 14 at least."""
    name = os.environ.get("CXX", "c++")
    if shutil.which(name.split()[0]) is None:
        return False
    answer = subprocess.run(
        [*name.split(), "-dM", "-E", "-x", "c++", os.devnull], capture_output=True, text=True, check=False
    )
    macros = dict(re.findall(r"^#define (__clang_major__|__GNUC__) (\d+)$", answer.stdout, re.MULTILINE))
    if "__clang_major__" in macros:
        return int(macros["__clang_major__"]) >= 14
    return int(macros.get("__GNUC__", 0)) >= 12


def lacking_for_python() -> list[Part]:
    """Return the parts that this interpreter lacks for an environment with extensions."""
    parts = []
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        parts.append(Part("Python's venv module", f"{PYTHON}-venv"))
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        parts.append(Part("Python's headers", f"{PYTHON}-dev"))
    if not any(
        Path(path).exists() for path in ("/etc/ssl/certs/ca-certificates.crt", os.environ.get("SSL_CERT_FILE", "-"))
    ):
        parts.append(Part("certificates of the authorities that pip trusts", "ca-certificates"))
    return parts


def lacking_for_build() -> list[Part]:
    """Return the parts that a build of the engine lacks."""
    parts = lacking_for_python()
    if not has_compiler():
        parts.append(Part("a C++20 compiler (GCC 12 or clang 14)", "g++"))
    if shutil.which("ccache") is None:
        parts.append(Part("ccache, which makes builds quick the second time", "ccache", needed=False))
    return parts


def lacking_for_tests() -> list[Part]:
    """Return the parts that the tests of the engine lack."""
    parts = lacking_for_build()
    places = ("/usr", "/usr/local", f"/usr/lib/{MULTIARCH}")
    if not any(Path(place, "include/gmock/gmock.h").is_file() for place in places):
        parts.append(Part("GoogleTest with its matchers", "libgmock-dev"))
    return parts


def provide(parts: Iterable[Part]) -> None:
    """Say what the machine lacks, and install it where that is possible; raise Failed where it is not."""
    parts = list(parts)
    if not parts:
        return
    say("This machine lacks " + "; ".join(part.words for part in parts) + ".")
    packages = sorted({part.package for part in parts})
    command = ["apt-get", "install", "-qq", "--no-install-recommends", *packages]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(" ".join(command))
        run(["apt-get", "update", "-qq"])
        run(command, env={"DEBIAN_FRONTEND": "noninteractive"})
    elif any(part.needed for part in parts):
        raise Failed(f"Please install what is missing; on Debian: sudo apt-get install {' '.join(packages)}")
