"""hasten.Thread and hasten.Timer: results, and the wish to stop."""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from typing import Any

import pytest

import hasten

LONG = 30.0


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: found.append((args.exc_type, args.thread)))
    return found


def test_a_thread_has_a_result() -> None:
    thread = hasten.Thread(target=pow, args=(2,), kwargs={"exp": 5}, name="power", daemon=True)
    thread.start()
    assert thread.result(LONG) == 32
    assert isinstance(thread, threading.Thread) and (thread.name, thread.daemon) == ("power", True)


def test_its_exception_is_reported_and_raised(reported: list[Any]) -> None:
    def fail() -> None:
        raise ValueError("in a thread")

    thread = hasten.Thread(target=fail)
    thread.start()
    with pytest.raises(ValueError, match="in a thread") as failure:
        thread.result(LONG)
    assert failure.traceback[-1].name == "fail"
    assert reported == [(ValueError, thread)]


def test_a_subclass_has_a_result() -> None:
    class Doubling(hasten.Thread):
        def run(self) -> Any:
            """Run."""
            super().run()
            return 2 * self._value

    class Catching(hasten.Thread):
        def run(self) -> None:
            with contextlib.suppress(ZeroDivisionError):
                super().run()

    doubling, catching = Doubling(target=lambda: 21), Catching(target=lambda: 1 / 0)
    doubling.start()
    catching.start()
    assert doubling.result(LONG) == 42
    assert catching.result(LONG) is None
    assert Doubling.run.__doc__ == "Run." and Doubling.run.__name__ == "run"


def test_wherever_run_comes_from_its_result_counts() -> None:
    class Work:
        def run(self) -> str:
            return "mixed in"

    class Mixed(Work, hasten.Thread):  # type: ignore[misc]
        pass

    class Static(hasten.Thread):
        @staticmethod
        def run() -> str:  # type: ignore[override]
            return "static"

    class Bare(hasten.Thread):
        pass

    replaced: Any = Bare()
    replaced.run = lambda: "replaced"
    for thread, expected in ((Mixed(), "mixed in"), (Static(), "static"), (replaced, "replaced"), (Bare(), None)):
        thread.start()
        assert thread.result(LONG) == expected


def test_the_drop_in_knows_who_should_stop() -> None:
    from hasten import threading as drop_in

    assert drop_in.current_thread is hasten.current_thread
    assert drop_in.current_thread().stopping is False


def test_waiting_gives_up() -> None:
    release = threading.Event()
    thread = hasten.Thread(target=release.wait, args=(LONG,), name="slow")
    thread.start()
    with pytest.raises(TimeoutError, match=r"slow has not ended within 0\.01 s; it goes on"):
        thread.result(0.01)
    release.set()
    assert thread.result(LONG) is True
    with pytest.raises(RuntimeError, match="cannot join thread before it is started"):
        hasten.Thread(target=print).result()


def test_a_thread_can_be_asked_to_stop() -> None:
    def work() -> str:
        while not hasten.current_thread().stopping:
            pass
        return "stopped"

    thread = hasten.Thread(target=work)
    thread.start()
    assert not thread.stopping
    thread.stop()
    assert thread.result(LONG) == "stopped"


def test_every_thread_can_be_asked_whether_it_should_stop() -> None:
    assert hasten.current_thread() is threading.current_thread()
    assert hasten.current_thread().stopping is False


def test_what_a_failed_thread_held_is_let_go(reported: list[Any]) -> None:
    class Thing:
        pass

    def fail(thing: Thing) -> None:
        raise ValueError

    thing = Thing()
    reference = weakref.ref(thing)
    thread = hasten.Thread(target=fail, args=(thing,))
    thread.start()
    thread.join(LONG)
    del thing
    gc.collect()
    assert reference() is None
    with pytest.raises(ValueError):
        thread.result()


def test_timers() -> None:
    timer = hasten.Timer(0.001, pow, (2,), {"exp": 3})
    timer.start()
    assert timer.result(LONG) == 8
    assert isinstance(timer, threading.Timer)
    never = hasten.Timer(LONG, pow, (2, 3))
    never.start()
    never.stop()
    assert never.result(LONG) is None
