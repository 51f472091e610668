"""The stub check tells what differs."""

from __future__ import annotations

from tests.python.tools.loading import load_tool

check_stubs = load_tool("tools/check_stubs.py")


def test_equal_stubs_differ_in_nothing() -> None:
    assert check_stubs.differences("def f() -> int: ...\n", "def f() -> int: ...\n") == []


def test_a_changed_signature_is_shown() -> None:
    changes = check_stubs.differences("def f() -> int: ...\n", "def f() -> float: ...\n")
    assert "-def f() -> int: ..." in changes
    assert "+def f() -> float: ..." in changes
