"""The manual's check runs examples where they stand, and finds broken links."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.tools.loading import load_tool

check_docs = load_tool("tools/check_docs.py")

FENCE = "```"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.md"


def test_blocks_of_a_page_share_names_and_keep_their_lines(page: Path) -> None:
    page.write_text(f"# Page\n{FENCE}python\nx = 1\n{FENCE}\nText.\n{FENCE}python\nassert x == 1\n{FENCE}\n")
    assert check_docs.run_page(page) == ""
    assert check_docs.script_of(page).splitlines()[6] == "assert x == 1"


def test_a_failing_example_is_shown_with_its_line(page: Path) -> None:
    page.write_text(f"# Page\n\n{FENCE}python\nraise ValueError('seen')\n{FENCE}\n")
    problem = check_docs.run_page(page)
    assert "its examples failed" in problem
    assert "line 4" in problem
    assert "ValueError: seen" in problem


def test_other_blocks_and_excused_blocks_do_not_run(page: Path) -> None:
    page.write_text(
        f"{FENCE}sh\nexit 1\n{FENCE}\n\n<!-- not run: needs a cluster -->\n\n{FENCE}python\n1 / 0\n{FENCE}\n"
    )
    assert check_docs.run_page(page) == ""


def test_an_excuse_holds_for_one_block_only(page: Path) -> None:
    page.write_text(f"<!-- not run: why -->\n{FENCE}python\n1 / 0\n{FENCE}\n{FENCE}python\n2 / 0\n{FENCE}\n")
    assert "line 6" in check_docs.run_page(page)


def test_links_to_files_that_are_gone_are_named(page: Path) -> None:
    page.write_text("See [this](page.md#top), [that](gone.md) and [them](https://example.org/x).\n")
    (problem,) = check_docs.broken_links(page)
    assert "page.md:1: links to gone.md" in problem
