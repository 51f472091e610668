"""The text check finds what no file of the repository may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.tools.loading import ROOT, load_tool

check_text = load_tool("tools/check_text.py")


def problems_of(root: Path, name: str, text: str) -> list[str]:
    """Check one file of a tree without git."""
    (root / name).write_text(text)
    found: list[str] = check_text.check(root, check_text.tracked_files(root))
    return found


def test_the_repository_is_clean() -> None:
    assert check_text.check(ROOT, check_text.tracked_files(ROOT)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("see /home" + "/anna/project", "a path of one machine"),
        ("pip install --index" + "-url somewhere", "a package index"),
        ("https://host.example" + "/repository/pypi/simple/", "a package index"),
        ("# TO" + "DO later", "an open end"),
        ("tail ", "white space at the end"),
        ("<<<<<" + "<< HEAD", "a conflict"),
    ],
)
def test_a_forbidden_text_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    (problem,) = problems_of(tmp_path, "notes.md", f"first\n{text}\n")
    assert problem.startswith("notes.md:2: ")
    assert words in problem


def test_built_files_are_named(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "core.so", "") == ["core.so:1: a built file"]


def test_long_sources_are_named_but_long_texts_are_not(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "long.py", "x = 1\n" * 601)
    assert problem.startswith("long.py:601: ")
    (tmp_path / "long.py").unlink()
    assert problems_of(tmp_path, "long.txt", "line\n" * 601) == []
