"""Every link and example of the manual, and every program in examples/, works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.python.tools.loading import ROOT, load_tool

check_docs = load_tool("tools/check_docs.py")
PAGES = check_docs.pages(ROOT)
PROGRAMS = sorted((ROOT / "examples").rglob("*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page(page: Path) -> None:
    assert check_docs.broken_links(page) == []
    assert check_docs.run_page(page) == ""


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.relative_to(ROOT).as_posix())
def test_program(program: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
