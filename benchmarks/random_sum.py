"""Random numbers made and added up in compiled code, and the same on two threads."""

import importlib

import numpy as np
from _kernels import random_sum, random_sums
from _measure import Row, at_least, compare, main, row, timed, times
from hasten.demo.program import find_engines

N = 500
REPEATED = 40


def rows() -> list[Row]:
    return [_serial(), _parallel()]


def _serial() -> Row:
    engines = {name: engine for name, engine in find_engines().items() if engine is not None}
    compiled = {name: engine.compiled(random_sum) for name, engine in engines.items()}
    compared = compare(
        {
            **{name: timed("f(n)", f=function, n=N) for name, function in compiled.items()},
            "NumPy": timed("f(n)", f=random_sum, n=N),
        }
    )
    np.random.seed(1)
    expected = np.random.random((N, N)).sum()
    np.random.seed(1)
    same = bool(compiled["hasten"](N) == expected)
    over_numba, over_numpy = compared.ratio("numba", "hasten"), compared.ratio("NumPy", "hasten")
    enough = [at_least(over_numba, 5.0), at_least(over_numpy, 2.5)]
    met = None if enough[0] is None and enough[1] and same else same and all(one is not False for one in enough)
    bound = "5 times numba, 2.5 times NumPy, NumPy's bits"
    note = f"{times(over_numba)} numba, {times(over_numpy)} NumPy; bits {'equal' if same else 'DIFFER'}"
    return row("np.random.random((500, 500)).sum()", compared, bound, met, note)


def _parallel() -> Row:
    contenders = {}
    for name, engine in find_engines().items():
        if engine is None:
            continue
        importlib.import_module(name).set_num_threads(2)
        contenders[f"{name}, serial"] = timed("f(k, n)", f=engine.compiled(random_sums), k=REPEATED, n=N)
        parallel = engine.compiled(random_sums, parallel=True)
        contenders[f"{name}, prange"] = timed("f(k, n)", f=parallel, k=REPEATED, n=N)
    compared = compare(contenders)
    ratio = compared.ratio("hasten, serial", "hasten, prange")
    note = f"{times(ratio)} serial; numba {times(compared.ratio('numba, serial', 'numba, prange'))}"
    return row(
        f"{REPEATED} of these sums under prange, 2 threads", compared, "1.8 times serial", at_least(ratio, 1.8), note
    )


if __name__ == "__main__":
    main(rows)
