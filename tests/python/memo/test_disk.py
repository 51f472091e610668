"""The disk tier: shared by processes, never stale, whole after a kill, and a cache: what is lost is computed again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hasten._memo import disk as disk_module
from hasten._memo.disk import PART, SUFFIX, Disk
from hasten._memo.fingerprint import version_of
from hasten._memo.index import Index

import hasten


def run(program: str, *arguments: object) -> str:
    """Run a program in a process of its own; return what it printed."""
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*" + SUFFIX))


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


PROGRAM = """
    import sys, hasten, numpy as np
    @hasten.lru_cache(disk=sys.argv[1])
    def f(x, **named):
        print("computed", end=" ")
        return np.arange(x), named
    array, named = f(5, text="a", data=np.ones(3), more=[1, {"k": {2, 3}}])
    array[0] = 7
    print(array.sum(), named["data"].sum(), f.cache_info().disk_hits)
"""


def test_another_process_finds_what_one_computed(tmp_path: Path) -> None:
    assert run(PROGRAM, tmp_path) == "computed 17 3.0 0\n"
    before = content(tmp_path)
    assert run(PROGRAM, tmp_path) == "17 3.0 1\n"
    assert content(tmp_path) == before  # a hit never writes
    assert all(path.stat().st_mode & 0o077 == 0 for path in files(tmp_path))


def versions(tmp_path: Path, *sources: str) -> list[str]:
    """Run a module with other sources in turn over one directory; return what each printed."""
    shown = []
    for source in sources:
        (tmp_path / "helpers.py").write_text(textwrap.dedent(source))
        program = """
            import sys
            sys.path.insert(0, sys.argv[1])
            sys.dont_write_bytecode = True
            import helpers, hasten
            from helpers import Scale, again, adder
            @hasten.cache(disk=sys.argv[1] + "/results")
            def f(x):
                print("computed", end=" ")
                return helpers.scaled(x) + Scale().by(x) + again(x) + adder.add(x)
            print(f(10))
        """
        shown.append(run(program, tmp_path))
    return shown


def test_a_change_of_what_is_called_makes_another_version(tmp_path: Path) -> None:
    source = """
        import hasten
        FACTOR = 2
        def deep(x):
            return x + 1
        def scaled(x):
            return deep(x) * FACTOR
        class Scale:
            def by(self, x):
                return 0
        @hasten.njit
        def again(x):
            return 0
        class Adder:
            def add(self, x):
                return 0
        adder = Adder()
    """
    zeros = source.split("return 0")
    changed = [
        source.replace("FACTOR = 2", "FACTOR = 3"),
        source.replace("x + 1", "x + 2"),
        *("return 0".join(zeros[: i + 1]) + "return 100" + "return 0".join(zeros[i + 1 :]) for i in range(3)),
    ]
    assert versions(tmp_path, source, "# a remark\n" + textwrap.dedent(source)) == ["computed 22\n", "22\n"]
    assert versions(tmp_path, *changed) == ["computed 33\n", "computed 24\n", *["computed 122\n"] * 3]
    assert versions(tmp_path, source) == ["22\n"]


def test_options_of_compiled_functions_make_versions() -> None:
    def f(x):
        return x / 3

    plain = hasten.njit(f)
    assert version_of(plain) == version_of(hasten.njit(f)) == version_of(hasten.cache(plain))
    assert len({version_of(hasten.njit(fastmath=flag, error_model="numpy")(f)) for flag in (True, False)}) == 2


def cached(folder: Path, **keywords: Any) -> tuple[Any, list[Any]]:
    """Return a new cache, with nothing in memory, of always the same function, and its list of calls."""
    calls: list[Any] = []

    def f(x: Any) -> Any:
        record(x)
        return np.full(1000, x) if isinstance(x, int) else x

    record = calls.append
    made: Any = hasten.cache(disk=folder, **keywords)(f)
    return made, calls


@pytest.mark.parametrize("damage", ["truncated", "header", "content", "empty", "longer", "foreign mode"])
def test_damaged_files_are_computed_again(tmp_path: Path, damage: str) -> None:
    cached(tmp_path)[0](3)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    damaged = {
        "truncated": whole[: len(whole) // 2],
        "header": b"x" + whole[1:],
        "content": whole[:-1] + bytes([whole[-1] ^ 1]),
        "empty": b"",
        "longer": whole + b"x",
        "foreign mode": whole,
    }[damage]
    path.write_bytes(damaged)
    path.chmod(0o622 if damage == "foreign mode" else 0o600)
    f, calls = cached(tmp_path)
    assert (f(3) == 3).all() and calls == [3]
    f, calls = cached(tmp_path)
    assert (f(3) == 3).all() and calls == []


def test_every_shorter_file_is_refused(tmp_path: Path) -> None:
    f, _ = cached(tmp_path)
    f("text")
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert not cached(tmp_path)[0].cache_contains("text"), length
    path.write_bytes(whole)
    assert cached(tmp_path)[0].cache_contains("text")


def test_a_writer_that_is_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    program = """
        import os, sys, signal, hasten
        @hasten.cache(disk=sys.argv[1])
        def f(x):
            return bytes(10_000_000)
        written = os.replace
        def die(*names):  # everything is written, nothing is published
            os.kill(os.getpid(), signal.SIGKILL)
        os.replace = die
        f(1)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    died = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert files(tmp_path) == []
    (part,) = tmp_path.rglob(PART + "*")
    assert part.stat().st_size > 10_000_000
    old = part.stat().st_mtime - 2 * disk_module.PATIENCE
    os.utime(part, (old, old))
    Index(str(tmp_path)).rebuild()
    assert not part.exists()


def test_kills_at_any_moment_do_no_harm(tmp_path: Path) -> None:
    program = """
        import sys, hasten
        @hasten.cache(disk=sys.argv[1])
        def f(x):
            return bytes([x % 256]) * 300_000
        print("ready", flush=True)
        for x in range(int(sys.argv[2]), 1_000_000):
            assert f(x) == bytes([x % 256]) * 300_000
            print(x, flush=True)
    """
    for turn in range(6):
        command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path), str(10 * turn)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(3 + 4 * turn):
            process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
    loaded = [Disk(len, tmp_path).load(str(path)) for path in files(tmp_path)]
    assert len(loaded) > 20 and all(result is not None and len(result.value) == 300_000 for result in loaded)
    Index(str(tmp_path)).rebuild()


def test_eight_processes_share_a_directory(tmp_path: Path) -> None:
    program = """
        import sys, hasten, numpy as np
        @hasten.cache(maxsize=None, disk=sys.argv[1]) if False else hasten.lru_cache(maxsize=4, disk=sys.argv[1])
        def f(x):
            return np.full(20_000, x)
        start = int(sys.argv[2])
        for turn in range(3):
            for i in range(40):
                x = (start * 5 + i) % 40
                assert (f(x) == x).all()
        print(f.cache_info().disk_hits)
    """.replace("@hasten.cache(maxsize=None, disk=sys.argv[1]) if False else hasten", "@hasten")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(tmp_path), str(i)], stdout=subprocess.PIPE
        )
        for i in range(8)
    ]
    hits = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert all(process.returncode == 0 for process in processes)
    assert all(hit >= 80 for hit in hits)
    assert len(files(tmp_path)) == 40
    assert list(tmp_path.rglob(PART + "*")) == []
    index = Index(str(tmp_path))
    index.rebuild()
    assert len(index.paths()) == 40


def test_the_index_can_be_lost_or_damaged(tmp_path: Path) -> None:
    f, calls = cached(tmp_path)
    f(1)
    index = tmp_path / "index.sqlite"
    for damage in (index.unlink, lambda: index.write_bytes(b"no database at all" * 100)):
        damage()
        f(len(calls) + 1)
        assert len(Index(str(tmp_path)).paths()) == len(calls) == len(files(tmp_path))
    assert cached(tmp_path)[0].cache_contains(1)


def test_the_oldest_results_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    f, _ = cached(tmp_path)
    for x in range(10):
        f(x)
    size = files(tmp_path)[0].stat().st_size
    Index(str(tmp_path)).trim(limit=4 * size)
    assert [f.cache_contains(x) for x in range(10)] == [True] * 10  # in memory
    g, _ = cached(tmp_path)
    assert [g.cache_contains(x) for x in range(10)] == [False] * 6 + [True] * 4
    monkeypatch.setattr(disk_module, "LIMIT", 100)
    g(77)  # larger than all that may be kept
    assert not cached(tmp_path)[0].cache_contains(77)


def test_values_are_forgotten_on_disk_too(tmp_path: Path) -> None:
    f, calls = cached(tmp_path)
    f(1), f(2)
    f.cache_pop(1)
    f.cache_put("put", 3)
    g, _ = cached(tmp_path)
    assert [g.cache_contains(x) for x in (1, 2, 3)] == [False, True, True]
    assert g.cache_pop(3) == "put"
    with pytest.raises(KeyError):
        g.cache_pop(3)
    g.cache_clear()
    assert files(tmp_path) == []
    f.cache_clear()
    f(2)
    assert calls == [1, 2, 2]


def test_results_expire_on_disk_too(tmp_path: Path) -> None:
    for ttl, expected in ((1e-9, [1]), (3600, [])):
        cached(tmp_path)[0](1)
        f, calls = cached(tmp_path, ttl=ttl)
        f(1)
        assert calls == expected


def test_time_saved_counts_what_another_process_spent(tmp_path: Path) -> None:
    cached(tmp_path)[0](1)
    f, _ = cached(tmp_path)
    f(1)
    info = f.cache_info()
    assert info.disk_hits == 1 and info.time_saved > 0 and info[:2] == (0, 1)


class Factor:
    def __init__(self, factor: Any) -> None:
        self.factor = factor


def test_coroutines_and_methods_use_the_disk(tmp_path: Path) -> None:
    async def times(self: Factor, x: int) -> int:
        return int(self.factor * x)

    cached = hasten.cache(disk=tmp_path, per_instance=True)(times)

    async def program() -> None:
        for factor, hits in ((2, 0), (2, 1), (5, 0), (5, 1)):
            one = Factor(factor)
            method = cached.__get__(one)
            assert await method(3) == 3 * factor
            assert method.cache_info().disk_hits == hits
            assert method.cache_contains(3)

    asyncio.run(program())


def test_an_instance_with_a_cache_of_its_own_on_disk_must_be_one_that_can_be_pickled(tmp_path: Path) -> None:
    cached = hasten.cache(disk=tmp_path, per_instance=True)(lambda self: self.factor())
    with pytest.raises(TypeError, match="'Factor' apart by what they hold, and this one can't be pickled; give"):
        cached(Factor(lambda: 3))


CLASSES = """
    import dataclasses, functools, sys, hasten
    class Base:
        def rate(self):
            return {rate}
    class Part:
        scale = {scale}
        @functools.cached_property
        def offset(self):
            return {offset}
        @property
        def limit(self):
            return 100
        @limit.setter
        def limit(self, value):
            self.kept = {limit}
        def f(self, x):
            self.limit = 0
            return (x + self.offset) * self.scale + self.kept
    class Model(Base):
        def __init__(self):
            self.parts = [Part()]
        def helper(self, x):
            return {helper} * x
        @hasten.cache(disk=sys.argv[1])
        def predict(self, x):
            return [self.helper(x), self.rate(), self.parts[0].f(x)]
    @dataclasses.dataclass
    class Box:
        model: Model
        unused: object = None
    @hasten.cache(disk=sys.argv[1])
    def by_argument(model, x):
        return [model.helper(x), model.rate(), model.parts[0].f(x)]
    @hasten.cache(disk=sys.argv[1])
    def within_what_has_no_hash(boxes, x):
        return by_argument.__wrapped__(boxes["one"].model, x)
    fresh = [Model.predict.__wrapped__(Model(), 7)] * 3
    found = [Model().predict(7), by_argument(Model(), 7), within_what_has_no_hash({{"one": Box(Model())}}, 7)]
    assert found == fresh, (found, fresh)
    print(*(f.cache_info().disk_hits for f in (Model.predict, by_argument, within_what_has_no_hash)))
"""


def test_a_change_of_an_argument_s_class_makes_another_result(tmp_path: Path) -> None:
    first = {"rate": 1, "scale": 1, "offset": 1, "limit": 1, "helper": 2}
    assert run(CLASSES.format(**first), tmp_path) == "0 0 0\n"
    assert run(CLASSES.format(**first), tmp_path) == "1 1 1\n"
    for changed in first:
        assert run(CLASSES.format(**{**first, changed: 5}), tmp_path) == "0 0 0\n", changed


def test_functions_and_classes_in_constants_may_lead_back_to_each_other() -> None:
    program = """
        import sys
        from hasten._memo.fingerprint import version_of
        class Base:
            kinds = set()
            def run(self):
                return [TABLE, self]
        def a(): return TABLE
        def b(): return TABLE, {}
        def c(): return Base.kinds
        TABLE = {{"a": a, "b": b, "c": c, "base": Base}}
        for name in "PQRSTUVW":
            Base.kinds.add(type(name, (Base,), {{"other": TABLE}}))
        Base.first = Base()
        def main(): return TABLE
        print(version_of(main).hex())
    """
    versions = {run(program.format(constant)) for constant in (1, 1, 1, 2)}
    assert len(versions) == 2  # in processes whose sets have other orders


def test_what_can_not_be_kept_is_named(tmp_path: Path) -> None:
    @hasten.cache(disk=tmp_path)
    def f(x: Any) -> Any:
        return lambda: x

    with pytest.raises(TypeError, match=re.escape("can't be kept on disk, because it can't be pickled")):
        f(1)
    with pytest.raises(TypeError, match=r"can't be told from others in another process.*ignore="):
        f(type("Local", (), {})())


def test_a_directory_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    f, calls = cached(tmp_path / "file" / "below")
    assert (f(1) == 1).all() and (f(1) == 1).all() and calls == [1]


def test_the_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASTEN_CACHE_DIR", str(tmp_path))
    f = hasten.cache(disk=True)(str.upper)
    assert f("a") == "A"
    assert len(files(tmp_path / "results")) == 1
