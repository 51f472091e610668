"""Prove on every #include under src/ and include/ that dependencies between the layers point down only."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = {".h", ".cpp", ".def", ".inc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# The public headers of the C++ library, which lie in include/hasten/ and nowhere below src/.
PUBLIC = "include"

# What a layer may include besides itself; `array/dtype.h` names one header of a layer.
MAY_INCLUDE: dict[str, set[str]] = {
    "base": set(),
    "abi": {"base"},
    "memo": {"base"},
    "parallel": {"base", "abi"},
    PUBLIC: {"base/export.h", "memo/table.h", "memo/policy.h"},
    "library": {PUBLIC, "base", "memo", "parallel", "pool", "pool/shm"},
    "array": {"base", "abi", "parallel"},
    "mpi": {"base", "abi", "array"},
    "pool/shm": {"base"},
    "pool": {"base", "pool/shm"},
    "programs": {"base"},
    "programs/server": {"base", "programs"},
    "compiler/syntax": {"base"},
    "compiler/ir": {"base", "array/dtype.h", "array/promotion.h"},
    "compiler/infer": {"base", "compiler/syntax", "compiler/ir"},
    "compiler/passes": {"base", "compiler/ir"},
    "compiler/llvm": {"base", "abi", "compiler/ir"},
    "compiler/jit": {"base", "abi", "memo", "parallel", "array", "mpi", "compiler/llvm"},
    "compiler": {
        "base",
        "compiler/syntax",
        "compiler/ir",
        "compiler/infer",
        "compiler/passes",
        "compiler/llvm",
        "compiler/jit",
    },
}
MAY_INCLUDE["bindings"] = {*MAY_INCLUDE} - {PUBLIC, "library"}

# Who may include the parts of others.
THIRD_PARTIES = (
    ("LLVM", re.compile(r"(llvm|llvm-c)/"), {"compiler/llvm", "compiler/jit"}),
    ("Python", re.compile(r"(Python|structmember|frameobject|datetime)\.h$|cpython/|internal/pycore_"), {"bindings"}),
    ("nanobind", re.compile(r"nanobind/"), {"bindings"}),
    ("NumPy", re.compile(r"numpy/"), {"bindings"}),
    ("SQLite", re.compile(r"sqlite3(ext)?\.h$"), {"memo"}),
)
PLATFORM = re.compile(
    r"[a-z0-9_]+$"  # the C++ standard library
    r"|(sys|linux|arpa|asm|net|netinet)/[\w./]+\.h$"
    r"|(aio|cpuid|cxxabi|dirent|dlfcn|elf|errno|execinfo|fcntl|fenv|float|grp|immintrin|libgen|limits|link|locale|malloc|math"
    r"|poll|pthread|pwd|sched|semaphore|setjmp|signal|spawn|std\w+|string|strings|syscall|syslog|termios|time|ucontext"
    r"|unistd|utime|wchar|wordexp|x86intrin)\.h$"
)


@dataclass(frozen=True)
class Include:
    """One #include: where it stands and what it names."""

    file: Path
    line: int
    quoted: bool
    target: str


def layer_of(path: str) -> str | None:
    """Return the layer that a path below src/hasten belongs to, or None."""
    folders = path.split("/")[:-1]
    for depth in range(len(folders), 0, -1):
        candidate = "/".join(folders[:depth])
        if candidate in MAY_INCLUDE:
            return candidate
    return None


def includes_of(file: Path) -> Iterator[Include]:
    """Yield the includes of one file."""
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if match := INCLUDE.match(text):
            yield Include(file, number, match[1] == '"', match[2])


def layer_of_include(target: str, root: Path) -> str | None:
    """Return the layer of the header that `target` names, or None where there is no such header."""
    if (root / "src" / target).is_file():
        return layer_of(target.removeprefix("hasten/"))
    return PUBLIC if (root / "include" / target).is_file() else None


def broken_rule(layer: str, include: Include, root: Path) -> str | None:
    """Return the rule that an include in `layer` breaks, or None."""
    for name, pattern, owners in THIRD_PARTIES:
        if pattern.match(include.target):
            return None if layer in owners else f"only {' and '.join(sorted(owners))} may include {name}"
    if not include.quoted:
        if include.target.startswith("hasten/"):
            return "Hasten's own headers are included in quotes"
        return (
            None if PLATFORM.match(include.target) else "neither the standard library nor a part that the design names"
        )
    if not include.target.startswith("hasten/"):
        return 'includes start at the root: "hasten/<layer>/<file>"'
    other = layer_of_include(include.target, root)
    if other is None:
        return "there is no such file"
    inside = include.target.removeprefix("hasten/")
    if other == layer or other in MAY_INCLUDE[layer] or inside in MAY_INCLUDE[layer]:
        return None
    allowed = ", ".join(sorted(MAY_INCLUDE[layer])) or "nothing but the standard library and POSIX"
    return f"{layer} may include {allowed}; not {other or inside}"


def check(root: Path) -> list[str]:
    """Return one line for each include under `root`/src and `root`/include that breaks a rule."""
    problems: list[str] = []
    for file in sorted(
        path for top in ("include", "src") for path in (root / top).rglob("*") if path.suffix in SUFFIXES
    ):
        inside = file.relative_to(root).as_posix()
        layer = PUBLIC if inside.startswith("include/") else layer_of(inside.removeprefix("src/hasten/"))
        if layer is None:
            problems.append(f"{inside}:1: belongs to no layer of the design")
            continue
        for include in includes_of(file):
            if rule := broken_rule(layer, include, root):
                problems.append(f"{inside}:{include.line}: includes {include.target}: {rule}")
    return problems


def main() -> int:
    """Check the tree that this file stands in, or the one named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    problems = check(parser.parse_args().root)
    print("\n".join(problems) or "Layers: every #include points down.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
