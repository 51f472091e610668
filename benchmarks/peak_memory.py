"""How much memory the first compilation of a process takes at its peak, beyond NumPy's."""

import statistics

from _measure import Row, at_most, fresh, has_numba, main

ROUNDS = 5


def rows() -> list[Row]:
    engines = ["hasten", "numba"] if has_numba() else ["hasten"]
    peaks = {engine: [fresh("memory", engine)["bytes"] for _ in range(ROUNDS)] for engine in engines}
    figures = {engine: f"{statistics.median(values) / 1e6:.0f} MB" for engine, values in peaks.items()}
    if not has_numba():
        figures["numba"] = "not installed"
    met = at_most(statistics.median(peaks["hasten"]), 150e6)
    conditions = f"the median of {ROUNDS} processes; memory does not depend on what others run"
    return [
        Row("peak resident memory of the first compilation, over NumPy's", figures, "at most 150 MB", met, conditions)
    ]


if __name__ == "__main__":
    main(rows)
