"""Everything that reads the code without running it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import engine
import environment
from shell import ROOT, cores, digest_of, run_captured, say, status_of

PYTHON_FOLDERS = ("python", "tools", "tests", "benchmarks", "examples")
TYPED_FOLDERS = ("python/hasten", "tools", "tests/python", "tests/fuzz", "benchmarks", "examples")
CPP_SUFFIXES = {".h", ".cpp"}
OWN_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def present(folders: tuple[str, ...]) -> list[str]:
    """Return those folders that hold Python files."""
    return [folder for folder in folders if any((ROOT / folder).rglob("*.py"))]


def cpp_files() -> list[Path]:
    """Return every C++ file of ours."""
    return sorted(
        file
        for top in ("src", "tests")
        for file in (ROOT / top).rglob("*")
        if file.suffix in CPP_SUFFIXES and file.is_file()
    )


def own_tools(*, fix: bool) -> bool:
    """Run the checks of tools/: layers, texts, stubs."""
    update = ["--update"] if fix else []
    python = environment.PYTHON
    statuses = [
        status_of([python, "tools/check_layers.py"]),
        status_of([python, "tools/check_text.py"]),
        status_of([python, "tools/check_stubs.py", *update]),
    ]
    return not any(statuses)


def ruff(*, fix: bool) -> bool:
    """Check style and format of the Python files."""
    folders = present(PYTHON_FOLDERS)
    program = environment.tool("ruff")
    checked = status_of([program, "check", "--quiet", *(["--fix"] if fix else []), *folders])
    formatted = status_of([program, "format", "--quiet", *([] if fix else ["--diff"]), *folders])
    return checked == 0 and formatted == 0


def mypy() -> bool:
    """Check the types of the Python files."""
    return status_of([environment.tool("mypy"), "--no-error-summary", *present(TYPED_FOLDERS)]) == 0


def clang_format(*, fix: bool) -> bool:
    """Check the format of the C++ files."""
    how = ["-i"] if fix else ["--dry-run", "-Werror"]
    return status_of([environment.tool("clang-format"), *how, *map(str, cpp_files())]) == 0


def with_own_headers(file: Path, seen: set[Path]) -> set[Path]:
    """Return a file and all of our headers that it includes, directly or not."""
    if file not in seen and file.is_file():
        seen.add(file)
        for name in OWN_INCLUDE.findall(file.read_text(encoding="utf-8")):
            for folder in (ROOT / "src", ROOT / "include", ROOT / "tests" / "cpp", file.parent):
                with_own_headers(folder / name, seen)
    return seen


def tidy_memory() -> Path:
    """Return where it is remembered what passed: like the compiler's cache, it is shared by all checkouts."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "hasten-dev" / "tidy"


def tidy_one(file: Path, command: str) -> bool:
    """Run clang-tidy on one source, unless it, its headers and its options passed before."""
    key = digest_of(with_own_headers(file, set()) | {ROOT / ".clang-tidy"}, command.replace(str(ROOT), ""))
    passed = tidy_memory() / key
    if passed.exists():
        return True
    program = [environment.tool("clang-tidy"), "--quiet", "-p", str(engine.build_folder(engine.PRESET))]
    # The commands are those for GCC, some of whose warnings clang doesn't know.
    status, output = run_captured([*program, "--extra-arg=-Wno-unknown-warning-option", str(file)])
    if status != 0:
        print(output, flush=True)
        return False
    passed.parent.mkdir(parents=True, exist_ok=True)
    passed.touch()
    return True


def clang_tidy() -> bool:
    """Run clang-tidy on all sources; what passed before is known by content."""
    database = json.loads((engine.build_folder(engine.PRESET) / "compile_commands.json").read_text())
    commands = {Path(entry["file"]): entry["command"] for entry in database}
    chosen = [file for file in cpp_files() if file in commands]
    with ThreadPoolExecutor(cores()) as threads:
        return all(list(threads.map(lambda file: tidy_one(file, commands[file]), chosen)))


def lint(*, fix: bool = False, deep: bool = True) -> list[str]:
    """Run all checks and return the names of those that failed; with `fix`, change what can be changed.

    Without `deep`, clang-tidy is left out: it takes as long as everything else together.
    """
    environment.provide("build", "lint")
    checks: dict[str, Callable[[], bool]] = {
        "tools": lambda: own_tools(fix=fix),
        "ruff": lambda: ruff(fix=fix),
        "mypy": mypy,
        "clang-format": lambda: clang_format(fix=fix),
    }
    if deep:
        checks["clang-tidy"] = clang_tidy
    failed = []
    for name, check in checks.items():
        say(f"Lint: {name}")
        if not check():
            failed.append(name)
    return failed
