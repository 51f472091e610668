"""The layer check finds each kind of forbidden include, by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.tools.loading import ROOT, load_tool

check_layers = load_tool("tools/check_layers.py")


def problems_of(root: Path, path: str, text: str) -> list[str]:
    """Check a tree of a few headers and one more file."""
    for header in ("base/error", "memo/table", "array/dtype", "array/kernels/sort", "pool/worker", "compiler/ir/type"):
        target = root / "src/hasten" / f"{header}.h"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("#pragma once\n#include <vector>\n")
    public = root / "include/hasten/channel.h"
    public.parent.mkdir(parents=True, exist_ok=True)
    public.write_text("#pragma once\n")
    file = root / "src/hasten" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    found: list[str] = check_layers.check(root)
    return found


def test_the_repository_keeps_its_layers() -> None:
    assert check_layers.check(ROOT) == []


@pytest.mark.parametrize(
    ("path", "line", "rule"),
    [
        ("base/error.cpp", '#include "hasten/memo/table.h"', "base may include nothing but the standard library"),
        ("memo/table.cpp", '#include "hasten/compiler/ir/type.h"', "memo may include base; not compiler/ir"),
        ("compiler/ir/type.cpp", '#include "hasten/array/kernels/sort.h"', "not array"),
        ("pool/shm/ring.h", '#include "hasten/pool/worker.h"', "pool/shm may include base; not pool"),
        ("bindings/module.cpp", "#include <llvm/IR/Module.h>", "only compiler/jit and compiler/llvm may include LLVM"),
        ("compiler/infer/host.cpp", "#include <Python.h>", "only bindings may include Python"),
        ("array/views.h", "#  include <nanobind/nanobind.h>", "only bindings may include nanobind"),
        ("array/views.h", '#include "numpy/arrayobject.h"', "only bindings may include NumPy"),
        ("memo/table.cpp", "#include <boost/any.hpp>", "neither the standard library"),
        ("pool/worker.cpp", '#include "hasten/channel.h"', "not include"),
        ("base/error.cpp", '#include "error.h"', "includes start at the root"),
        ("base/error.cpp", '#include "hasten/base/gone.h"', "there is no such file"),
        ("base/error.cpp", "#include <hasten/base/error.h>", "in quotes"),
    ],
)
def test_a_forbidden_include_is_named_with_its_line_and_rule(tmp_path: Path, path: str, line: str, rule: str) -> None:
    (problem,) = problems_of(tmp_path, path, f"// first line\n{line}\n")
    assert problem.startswith(f"src/hasten/{path}:2: ")
    assert rule in problem


def test_a_public_header_shows_nothing_of_the_engine(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "../../include/hasten/pool.h", '#include "hasten/pool/worker.h"\n')
    assert problem.startswith("include/hasten/pool.h:1: includes hasten/pool/worker.h: include may include ")


def test_a_file_outside_the_layers_is_named(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "stray/thing.cpp", "")
    assert problem == "src/hasten/stray/thing.cpp:1: belongs to no layer of the design"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("bindings/module.cpp", '#include "hasten/pool/worker.h"'),
        ("library/channel.cpp", '#include "hasten/channel.h"'),
        ("../../include/hasten/cache.h", '#include "hasten/memo/table.h"'),
        ("compiler/ir/type.cpp", '#include "hasten/array/dtype.h"'),
        ("base/posix.cpp", "#include <sys/mman.h>"),
        ("base/posix.cpp", "#include <fcntl.h>"),
    ],
)
def test_what_the_design_allows_passes(tmp_path: Path, path: str, line: str) -> None:
    assert problems_of(tmp_path, path, f"{line}\n") == []
