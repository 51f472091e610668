"""What an import takes beyond NumPy's, in a new process."""

from _measure import Row, at_most, compare, fresh_figure, has_numba, main, row


def rows() -> list[Row]:
    contenders = {"hasten": fresh_figure("import", "hasten", "import")}
    if has_numba():
        contenders["numba"] = fresh_figure("import", "numba", "import")
    compared = compare(contenders)
    met = at_most(compared.samples["hasten"].median, 25e-3)
    return [row("import, over NumPy's", compared, "at most 25 ms", met)]


if __name__ == "__main__":
    main(rows)
