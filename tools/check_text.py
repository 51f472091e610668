"""Look for what no file of the repository may hold: paths of one machine, built files, sources that grew too long."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

BUILT = {".a", ".o", ".so", ".pyc", ".whl", ".nbi", ".nbc"}
SOURCES = {".cpp", ".def", ".h", ".inc", ".py"}
TEXTS = SOURCES | {"", ".cmake", ".cfg", ".ini", ".json", ".md", ".pyi", ".sh", ".toml", ".txt", ".yaml", ".yml"}
LONGEST_SOURCE = 600
RULES = (
    (re.compile(r"(?<![\w.$}*])/(?:home|root|work|Users)/(?!user\b|me\b)\w"), "a path of one machine"),
    (re.compile(r"/tmp/\w+-\w{6,}|/tmp/(?!hasten|x\b)\w*\d{3,}"), "a temporary path of one machine"),
    (re.compile(r"(?i)(?:index-url|find-links|trusted-host)\s*[ =]"), "a package index; its name comes from the environment"),
    (re.compile(r"https?://[^/\s]*(?:/[\w.-]+)*/simple\b"), "a package index; its name comes from the environment"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"), "an open end; finish it, or write it into docs/roadmap.md"),
    (re.compile(r"[ \t]+$"), "white space at the end of the line"),
    (re.compile(r"\t"), "a tab"),
    (re.compile(r"^(?:<{7}|>{7}|={7})(?: |$)"), "a conflict that was never resolved"),
)


def tracked_files(root: Path) -> list[Path]:
    """Return the files of the repository: those that git tracks or would track, or all where there is no git."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        hidden = {".git", ".dev", "build", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
        return sorted(f for f in root.rglob("*") if f.is_file() and not hidden & set(f.relative_to(root).parts))
    return sorted(root / name for name in listed if (root / name).is_file())


def problems_of(file: Path, shown: str) -> Iterator[str]:
    """Yield one line for each problem of a file."""
    if file.suffix in BUILT:
        yield f"{shown}:1: a built file"
    if file.suffix not in TEXTS:
        return
    lines = file.read_text(encoding="utf-8").splitlines()
    if file.suffix in SOURCES and len(lines) > LONGEST_SOURCE:
        yield f"{shown}:{LONGEST_SOURCE + 1}: a source of more than {LONGEST_SOURCE} lines; divide it"
    for number, line in enumerate(lines, start=1):
        for pattern, words in RULES:
            if pattern.search(line):
                yield f"{shown}:{number}: {words}"


def check(root: Path, files: Iterable[Path]) -> list[str]:
    """Return one line for each problem in some files."""
    return [problem for file in files for problem in problems_of(file, file.relative_to(root).as_posix())]


def main() -> int:
    """Check the repository that this file stands in, or the one named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    root = parser.parse_args().root
    problems = check(root, tracked_files(root))
    print("\n".join(problems) or "Texts: nothing of one machine, nothing built, nothing too long.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
