"""The first compiled call of a process, and the first call of a second, trivial function; nothing in the cache."""

from _measure import Row, at_most, compare, fresh_figure, has_numba, main, row


def rows() -> list[Row]:
    engines = ["hasten", "numba"] if has_numba() else ["hasten"]
    found = []
    for figure, limit, subject in (
        ("first", 25e-3, "first compiled call in a process"),
        ("second", 8e-3, "first call of a second trivial function"),
    ):
        compared = compare({engine: fresh_figure("first_calls", engine, figure) for engine in engines})
        met = at_most(compared.samples["hasten"].median, limit)
        found.append(row(subject, compared, f"at most {1e3 * limit:.0f} ms", met))
    return found


if __name__ == "__main__":
    main(rows)
