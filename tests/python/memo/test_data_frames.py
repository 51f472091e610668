"""Data frames as arguments of caches: they count by content."""

from __future__ import annotations

from typing import Any

import pytest

import hasten


def is_hit(first: Any, second: Any) -> bool:
    """Tell whether a call with the second value is answered by that with the first."""

    @hasten.lru_cache
    def shape(frame: Any) -> Any:
        return frame.shape

    assert shape(first) == first.shape
    assert shape(second) == second.shape
    return bool(shape.cache_info().hits)


def text(letters: str) -> str:
    """Return a text that is an object of its own."""
    return "".join(list(letters))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_count_by_content(library: str) -> None:
    frames = pytest.importorskip(library)

    def make(last: float = 3.0) -> Any:
        return frames.DataFrame({"name": [text("one"), text("two"), text("one")], "value": [1.0, 2.0, last]})

    assert is_hit(make(), make())
    assert not is_hit(make(), make(4.0))
    renamed = make()
    renamed.columns = ["name", "price"]
    assert not is_hit(make(), renamed)


def test_equal_texts_in_a_frame_need_not_be_one_object() -> None:
    pandas = pytest.importorskip("pandas")
    shared, same = text("name"), text("name")
    one = pandas.DataFrame({"name": [shared, shared]}, dtype=object)
    other = pandas.DataFrame({"name": [shared, same]}, dtype=object)
    assert is_hit(one, other)


def test_a_frame_may_hold_a_cycle() -> None:
    pandas = pytest.importorskip("pandas")
    circle: list[Any] = []
    circle.append(circle)
    frame = pandas.DataFrame({"circle": [circle]}, dtype=object)
    assert is_hit(frame, frame)
