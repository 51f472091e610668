"""The C++ library: two stages with a channel between them, loops on all cores, hits and misses of the cache."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from _measure import HERE, Row, at_most, compare, main, row, times

ROOT = HERE.parent
BUILD = ROOT / "build" / "cpp-benchmark"
MOST_AN_ITEM = 50e-9  # 20 million items a second


def build() -> Path:
    """Build the library alone, and the program that measures it."""
    cmake = str(Path(sys.executable).parent / "cmake")
    if not Path(cmake).exists():
        cmake = shutil.which("cmake") or "cmake"
    run(cmake, "-S", str(ROOT), "-B", str(BUILD), "-DHASTEN_PYTHON=OFF")
    run(cmake, "--build", str(BUILD), "-j2", "--target", "hasten")
    program = BUILD / "benchmark-library"
    includes = [f"-I{ROOT / folder}" for folder in ("include", "src")]
    source, library = str(HERE / "cpp" / "library.cpp"), str(BUILD / "libhasten.a")
    run("c++", "-std=c++20", "-O2", "-fopenmp", *includes, source, library, "-o", str(program))
    return program


def run(*command: str) -> str:
    """Run a command and return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def way(program: Path, subject: str, name: str) -> Callable[[], float]:
    """Return a contender: the seconds of one operation, in a process of its own."""
    return lambda: float(run(str(program), subject, name)) * 1e-9


def rows() -> list[Row]:
    program = build()

    def compared(subject: str, *peers: str) -> Row:
        """Measure a subject beside others; a row without a bound."""
        found = compare({name: way(program, subject, name) for name in ("hasten", *peers)})
        note = ", ".join(f"{times(found.ratio(peer, 'hasten'))} {peer}'s speed" for peer in peers)
        return row(f"C++: {SUBJECTS[subject]}", found, "none", True, note, has_peer=False)

    channel = compare({name: way(program, "channel", name) for name in ("hasten", "locked")})
    taken = channel.samples["hasten"].median
    return [
        row(
            f"C++: {SUBJECTS['channel']}",
            channel,
            "at least 20 million items a second",
            at_most(taken, MOST_AN_ITEM),
            f"{1e-6 / taken:.0f} million items a second",
            f"{times(channel.ratio('locked', 'hasten'))} a locked queue's speed",
            has_peer=False,
        ),
        *(compared(subject, "openmp", "serial") for subject in ("for", "reduce")),
        *(compared(subject, "list") for subject in ("hit", "miss")),
    ]


SUBJECTS = {
    "channel": "an item from stage to stage through a channel of 1,024",
    "for": "an iteration of a parallel loop that fills an array",
    "reduce": "an iteration of a parallel sum",
    "hit": "a hit of LruCache beside a list and a map",
    "miss": "a miss of LruCache with an eviction",
}

if __name__ == "__main__":
    main(rows)
