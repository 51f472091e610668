"""The C++ library is built without Python and LLVM, installed, and used by a project of its own."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.python.tools.cpp_library import TOOLS, build, build_examples, install_library, made_once, run
from tests.python.tools.loading import ROOT

EXAMPLES = ROOT / "examples" / "cpp"
SAY = {
    "threads": "6 words\nthe task threw: there is no text\n4\n3\n5\n",
    "loops": "the area is 0.459697\n",
    "pipeline": "the longest way to one takes 350 steps\n",
    "caches": "240 divisors\n" * 8 + "1 value in the cache\n240 divisors from disk\n",
    "processes": "lost a page to signal 11\nthe other pages: 2301\nmean 2\nmean 4.5\nmean 6\n",
}
# Headers of a library must be clean under its users' warnings.
FLAGS = ("-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
PUBLIC_HEADERS = sorted((ROOT / "include" / "hasten").glob("*.h"))


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "cpp-shared", lambda folder: install_library(folder, shared=True))


@pytest.fixture(scope="module")
def programs(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "cpp-examples", lambda folder: build_examples(prefix, folder, " ".join(FLAGS)))


@pytest.mark.parametrize("name", SAY)
def test_an_example_runs_against_the_installed_library(programs: Path, name: str) -> None:
    assert run(programs / name) == SAY[name]


def test_every_example_is_run() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.cpp")} == SAY.keys()


def test_nothing_but_the_c_plus_plus_runtime_is_needed(prefix: Path) -> None:
    needed = run("ldd", prefix / "lib" / "libhasten.so")
    libraries = set(re.findall(r"^\s*(?:\S*/)?([\w+-]+)\.so", needed, re.MULTILINE))
    assert libraries <= {"linux-vdso", "libstdc++", "libm", "libgcc_s", "libc", "libpthread", "ld-linux-x86-64"}


def test_the_shared_library_shows_its_public_names_only(prefix: Path) -> None:
    names = run("nm", "-D", "-C", "--defined-only", prefix / "lib" / "libhasten.so").splitlines()
    inner = re.compile(r" [TBDR] (?:hst_|hasten::(?:abi|base|parallel|pool)::)")
    assert [line for line in names if inner.search(line)] == []
    assert any("hasten::ThreadPool::ThreadPool(" in line for line in names)
    assert (prefix / "lib" / "libhasten.so.0.1").exists()


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_the_headers_are_clean_under_strict_warnings(prefix: Path, compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    source = tmp_path / "all.cpp"
    source.write_text("".join(f"#include <hasten/{header.name}>\n" for header in PUBLIC_HEADERS))
    assert run(compiler, *FLAGS, "-fsyntax-only", "-I", prefix / "include", source) == ""


def test_the_page_shows_parts_of_programs_that_are_run() -> None:
    page = (ROOT / "docs" / "cpp.md").read_text(encoding="utf-8")
    sources = [squeezed(file.read_text(encoding="utf-8")) for file in EXAMPLES.iterdir() if file.is_file()]
    blocks = re.findall(r"^```(?:cpp|cmake)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        assert any(squeezed(block) in source for source in sources), block


def squeezed(text: str) -> str:
    """Return a text without what only lays it out."""
    return "".join(text.split())


USER = """
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
find_package(hasten 0.1 REQUIRED)
add_executable(user main.cpp)
target_link_libraries(user PRIVATE hasten::hasten)
"""


def test_a_build_for_python_installs_the_library_too(tmp_path: Path) -> None:
    engine = ROOT / "build" / f"release-{sys.version_info.major}.{sys.version_info.minor}"
    assert (engine / "CMakeCache.txt").exists(), "the package was not built here; ./dev build does it"
    prefix, source = tmp_path / "prefix", tmp_path / "source"
    run(TOOLS / "cmake", "--install", engine, "--prefix", prefix, "--component", "cpp")
    assert not (prefix / "hasten").exists(), "nothing of Python's"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(USER)
    task = "hasten::ThreadPool(1).submit([] { return 0; })"
    (source / "main.cpp").write_text(f"#include <hasten/thread_pool.h>\nint main() {{ return {task}.get(); }}\n")
    build(source, tmp_path / "build", CMAKE_PREFIX_PATH=str(prefix))
    run(tmp_path / "build" / "user")


def test_the_static_library_links_too(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    prefix = made_once(tmp_path_factory, "cpp-static", lambda folder: install_library(folder, shared=False))
    assert (prefix / "lib" / "libhasten.a").exists()
    source = tmp_path / "program.cpp"
    task = "hasten::ThreadPool(1).submit([] { return 0; })"
    source.write_text(f"#include <hasten/thread_pool.h>\nint main() {{ return {task}.get(); }}\n")
    program = tmp_path / "program"
    run("c++", "-std=c++20", f"-I{prefix / 'include'}", source, prefix / "lib" / "libhasten.a", "-o", program)
    run(program)
