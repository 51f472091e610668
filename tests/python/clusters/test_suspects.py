"""Tasks whose workers died are tried once more, one after the other."""

from hasten.backends.suspects import Suspects


def test_the_next_one_is_tried_when_the_one_before_is_over() -> None:
    suspects, tried = Suspects(), list[int]()
    for number in range(3):
        suspects.add(lambda number=number: tried.append(number))  # type: ignore[misc]
    assert tried == [0]
    suspects.clear()
    assert tried == [0, 1]
    suspects.clear()
    suspects.clear()
    suspects.add(lambda: tried.append(3))
    assert tried == [0, 1, 2, 3]


def test_many_that_are_over_at_once() -> None:
    suspects, tried = Suspects(), list[int]()

    def fail(number: int) -> None:
        tried.append(number)
        suspects.clear()

    suspects.add(lambda: None)
    for number in range(5000):
        suspects.add(lambda number=number: fail(number))  # type: ignore[misc]
    suspects.clear()
    assert tried == list(range(5000))
