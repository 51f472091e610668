"""Loading a function from the cache on disk, in a new process: the second to tenth of ten loops."""

import statistics
from contextlib import ExitStack

from _measure import Row, at_most, compare, filled_cache, fresh, has_numba, main, row, show


def rows() -> list[Row]:
    engines = ["hasten", "numba"] if has_numba() else ["hasten"]
    firsts: dict[str, list[float]] = {engine: [] for engine in engines}
    with ExitStack() as stack:
        folders = {engine: stack.enter_context(filled_cache("loops", engine)) for engine in engines}

        def load(engine: str) -> float:
            first, *others = map(float, fresh("loops", engine, folders[engine]).values())
            firsts[engine].append(first)
            return statistics.median(others)

        compared = compare({engine: lambda engine=engine: load(engine) for engine in engines})  # type: ignore[misc]
    notes = [
        f"{engine}: the first function of a process takes {show(statistics.median(firsts[engine]))}"
        for engine in engines
    ]
    met = at_most(compared.samples["hasten"].median, 1e-3)
    return [row("load of a function from the cache", compared, "at most 1 ms", met, *notes)]


if __name__ == "__main__":
    main(rows)
