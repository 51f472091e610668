"""The first call of five functions of twenty array statements: compiled, and from the cache; in a new process each."""

from contextlib import ExitStack
from functools import partial

from _kernels import statement_functions
from _measure import Comparison, Row, at_most, compare, filled_cache, fresh, has_numba, main, row

ROUNDS = 5


def rows() -> list[Row]:
    engines = ["hasten", "numba"] if has_numba() else ["hasten"]
    with ExitStack() as stack:
        folders = {engine: stack.enter_context(filled_cache("statements", engine)) for engine in engines}
        return [
            _row("first call of a function of 20 array statements", 60e-3, _five(dict.fromkeys(engines, ""))),
            _row("the same from the cache", 1e-3, _five(folders)),
        ]


def _five(folders: dict[str, str]) -> Comparison:
    """Measure all five functions of each engine; one process shows all of them."""
    names = list(statement_functions())
    shown: dict[str, dict[str, float]] = {}

    def taken(engine: str, name: str) -> float:
        if name == names[0]:
            shown[engine] = fresh("statements", engine, folders[engine])
        return shown[engine][name]

    return compare({f"{engine}, {name}": partial(taken, engine, name) for engine in folders for name in names}, ROUNDS)


def _row(subject: str, limit: float, compared: Comparison) -> Row:
    worst = max(sample.median for name, sample in compared.samples.items() if name.startswith("hasten"))
    return row(subject, compared, f"at most {1e3 * limit:.0f} ms each", at_most(worst, limit))


if __name__ == "__main__":
    main(rows)
