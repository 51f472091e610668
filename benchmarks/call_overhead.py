"""What a call of a compiled function takes that does next to nothing."""

import numpy as np
from _kernels import first_item, increment
from _measure import Row, at_most, compare, main, row, timed
from hasten.demo.program import find_engines


def rows() -> list[Row]:
    engines = {name: engine for name, engine in find_engines().items() if engine is not None}
    array = np.ones(10)
    found = []
    for kernel, argument, limit, subject in (
        (increment, 1.5, 70e-9, "call with one float"),
        (first_item, array, 120e-9, "call with one array"),
    ):
        contenders = {
            name: timed("f(x)", net=True, f=engine.compiled(kernel), x=argument) for name, engine in engines.items()
        }
        contenders["plain Python"] = timed("f(x)", net=True, f=kernel, x=argument)
        compared = compare(contenders)
        met = at_most(compared.samples["hasten"].median, limit)
        found.append(row(subject, compared, f"at most {1e9 * limit:.0f} ns", met))
    return found


if __name__ == "__main__":
    main(rows)
