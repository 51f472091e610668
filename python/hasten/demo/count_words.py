"""Words counted over Python's own standard library."""

import multiprocessing
import re
import sysconfig
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import hasten
from hasten._cores import available_cores
from hasten.demo.program import Engine, Program, Size, Variant

WORD = re.compile(r"[^\W\d_]\w*")


def count_words(path: Path) -> Counter[str]:
    """Count the words of one file."""
    return Counter(WORD.findall(path.read_text(encoding="utf-8", errors="replace")))


def sum_up(counts: Iterable[Counter[str]]) -> Counter[str]:
    """Add the counts of many files."""
    words: Counter[str] = Counter()
    for count in counts:
        words.update(count)
    return words


def sources() -> list[Path]:
    """Return the standard library's sources, without its tests and without what was installed into it."""
    root = Path(sysconfig.get_path("stdlib"))
    apart = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__"}
    return sorted(path for path in root.rglob("*.py") if not apart & set(path.relative_to(root).parts))


def prepare(size: Size, engines: Mapping[str, Engine | None]) -> Program:
    """Say what is measured."""
    files = sources()[:: {"full": 1, "quick": 5, "tiny": 100}[size]]
    workers = available_cores()

    def through(pool: Any) -> object:
        with pool:
            return sum_up(pool.imap_unordered(count_words, files, 10))

    variants = [
        Variant("plain", lambda: sum_up(map(count_words, files))),
        Variant("multiprocessing.Pool", lambda: through(multiprocessing.Pool(workers))),
        Variant("hasten.ThreadPool", lambda: through(hasten.ThreadPool(workers))),
        Variant("hasten.Pool", lambda: through(hasten.Pool(workers))),
    ]
    work = f"the words of {len(files):,} files of Python's standard library, on {workers} cores"
    return Program("words counted with a pool", work, variants, lambda result, plain: bool(result == plain))
