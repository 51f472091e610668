"""Compiled code that goes from one process's cache to another's."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from hasten import _core

SENDER = """
import sys
import cloudpickle
import hasten
factor = 3

@hasten.njit
def scaled(x):
    return x * factor

scaled(2.0)
(digest,) = scaled.cached_code()
sys.stdout.buffer.write(cloudpickle.dumps((scaled, scaled.export_code(digest))))
"""

RECEIVER = """
import pickle
import sys
PREPARE
import hasten
from hasten import _core
scaled, code = pickle.load(sys.stdin.buffer)
assert _core.import_code(code) and _core.import_code(code)
assert scaled(2.0) == 6.0
print(hasten.stats()["native_compilations"], hasten.stats()["cache_loads"])
"""


def run(program: str, cache: Path, given: bytes = b"", **environment: str) -> bytes:
    everything = {**os.environ, "HASTEN_CACHE_DIR": str(cache), **environment}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, input=given, env=everything, capture_output=True, check=True).stdout


def receive(sent: bytes, cache: Path, prepare: str = "", **environment: str) -> str:
    return run(RECEIVER.replace("PREPARE", prepare), cache, sent, **environment).decode().strip()


@pytest.fixture
def sent(tmp_path: Path) -> bytes:
    return run(SENDER, tmp_path / "sender")


@pytest.mark.parametrize("prepare", ["", "import numpy"])
def test_an_imported_function_is_not_compiled(sent: bytes, tmp_path: Path, prepare: str) -> None:
    assert receive(sent, tmp_path / "receiver", prepare) == "0 1"


def test_code_is_kept_in_memory_where_there_is_no_disk(sent: bytes) -> None:
    assert receive(sent, Path("/dev/null/nowhere")) == "0 1"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="features are hidden by a tunable of x86-64")
def test_another_processor_compiles_anew(sent: bytes, tmp_path: Path) -> None:
    hidden = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-SSE4_2"}
    assert receive(sent, tmp_path / "receiver", **hidden) == "1 0"


def test_the_same_machine_finds_the_code_of_a_pickled_function(sent: bytes, tmp_path: Path) -> None:
    program = RECEIVER.replace("PREPARE", "").replace("assert _core.import_code(code) and _core.import_code(code)", "")
    assert run(program, tmp_path / "sender", sent).decode().strip() == "0 1"


def test_other_bytes_are_refused() -> None:
    assert not _core.import_code(b"")
    assert not _core.import_code(b"\x10" + bytes(100))
