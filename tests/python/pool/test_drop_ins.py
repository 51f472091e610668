"""The drop-in modules and the names of the package that are imported when first asked for."""

import ast
import concurrent.futures
import functools
import importlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.managers
import multiprocessing.pool
import pickle
import queue
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from hasten._mirror import become_mirror

import hasten
from hasten import _lazy, _mirror

PAIRS: dict[str, Any] = {
    "hasten.functools": functools,
    "hasten.futures": concurrent.futures,
    "hasten.multiprocessing": multiprocessing,
    "hasten.queue": queue,
    "hasten.subprocess": subprocess,
    "hasten.threading": threading,
}


def imported(name: str) -> Any:
    return importlib.import_module(name)


@pytest.mark.parametrize("name", PAIRS)
def test_a_drop_in_has_everything_of_the_original(name: str) -> None:
    drop_in, standard = imported(name), PAIRS[name]
    assert set(dir(standard)) <= set(dir(drop_in))
    for attribute in standard.__all__:
        assert hasattr(drop_in, attribute)
    namespace: dict[str, Any] = {}
    exec(f"from {name} import *", namespace)
    assert set(standard.__all__) <= set(namespace)


def test_a_missing_name_is_reported_where_it_was_asked_for() -> None:
    with pytest.raises(AttributeError, match="module 'threading' has no attribute 'no_such_name'") as failure:
        imported("hasten.threading").no_such_name  # noqa: B018
    assert len(failure.traceback) == 1


def test_what_is_assigned_reaches_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    drop_in, standard = imported("hasten.threading"), PAIRS["hasten.threading"]
    before = standard.excepthook
    monkeypatch.setattr(drop_in, "excepthook", print)
    assert standard.excepthook is print
    monkeypatch.undo()
    assert standard.excepthook is before
    with mock.patch.object(drop_in, "excepthook"):
        assert standard.excepthook is not before
    assert standard.excepthook is before
    drop_in.something_new = 1
    assert standard.something_new == 1
    del drop_in.something_new
    assert not hasattr(standard, "something_new")


def test_submodules_are_the_originals() -> None:
    managers = imported("hasten.multiprocessing.managers")
    assert managers is multiprocessing.managers
    assert managers.__spec__ is not None and managers.__spec__.name == "multiprocessing.managers"
    assert imported("hasten.multiprocessing.connection").Client is multiprocessing.connection.Client
    assert imported("hasten.futures.thread").ThreadPoolExecutor is concurrent.futures.ThreadPoolExecutor
    assert imported("hasten.multiprocessing.dummy.connection").__name__ == "multiprocessing.dummy.connection"
    with pytest.raises(ModuleNotFoundError, match=r"hasten\.multiprocessing\.no_such_module"):
        imported("hasten.multiprocessing.no_such_module")


def test_submodules_of_hastens_own_come_before_the_originals() -> None:
    text = """
    import multiprocessing.pool, multiprocessing.queues, multiprocessing.dummy
    from hasten.multiprocessing import pool, queues
    import hasten.multiprocessing
    print(pool.__name__, queues.__name__, hasten.multiprocessing.dummy.__name__)
    from hasten.multiprocessing import managers
    import sys
    print(pool is sys.modules["hasten.multiprocessing.pool"] is hasten.multiprocessing.pool, managers.__name__)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, check=True)
    names = "hasten.multiprocessing.pool hasten.multiprocessing.queues hasten.multiprocessing.dummy"
    assert done.stdout.splitlines() == [names, "True multiprocessing.managers"]


def test_classes_pickle_by_their_own_names() -> None:
    namespace = imported("hasten.multiprocessing.managers").Namespace
    assert pickle.loads(pickle.dumps(namespace)) is multiprocessing.managers.Namespace


@pytest.fixture
def with_a_part(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a drop-in for ``queue`` in which Hasten provides ``Queue``."""
    provider = ModuleType("hasten._test_provider")
    vars(provider)["Queue"] = type("Queue", (), {})
    monkeypatch.setitem(sys.modules, provider.__name__, provider)
    monkeypatch.setitem(_lazy.FACES, "Queue", _lazy.Face("queue", provider.__name__))
    drop_in = ModuleType("hasten._test_queue")
    monkeypatch.setitem(sys.modules, drop_in.__name__, drop_in)
    become_mirror(drop_in.__name__, "queue")
    return drop_in


def test_a_part_of_hastens_takes_the_place_of_the_original(with_a_part: Any) -> None:
    part = vars(sys.modules["hasten._test_provider"])["Queue"]
    assert with_a_part.Queue is part
    assert with_a_part.Empty is queue.Empty
    assert _lazy.load("Queue") is part
    standard = queue.Queue
    with_a_part.Queue = None
    assert queue.Queue is standard
    assert with_a_part.Queue is None


def test_original_looks_behind_a_drop_in(with_a_part: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "queue", with_a_part)
    assert _mirror.original("queue") is queue


def test_type_checkers_see_the_same_names() -> None:
    stub = ast.parse(Path(_lazy.__file__).with_name("_lazy_types.pyi").read_text())
    seen = {alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == {**{name: face.provider for name, face in _lazy.FACES.items()}, **_lazy.ADDED}


@pytest.mark.parametrize("name", sorted({**_lazy.FACES, **_lazy.ADDED}))
def test_every_name_of_the_package_is_there(name: str) -> None:
    assert callable(getattr(hasten, name))


def test_names_behave_as_the_originals() -> None:
    assert hasten.Process is multiprocessing.Process
    assert issubclass(hasten.Thread, threading.Thread)
    with hasten.ThreadPool(2) as pool, hasten.ThreadPoolExecutor(1) as executor:
        assert pool.map(abs, [-1, -2]) == [1, 2]
        assert executor.submit(abs, -3).result() == 3
    drop_in = _lazy.load("multiprocessing")
    assert isinstance(drop_in, ModuleType) and drop_in.__name__ == "hasten.multiprocessing"
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        hasten.no_such_name  # noqa: B018


def test_the_names_cost_nothing_until_they_are_asked_for() -> None:
    code = (
        "import sys; before = set(sys.modules); from hasten import _lazy; "
        "print({'multiprocessing', 'concurrent.futures', 'subprocess'} & (set(sys.modules) - before))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
