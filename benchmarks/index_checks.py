"""What checking indices costs, over ten loops."""

import statistics

from _kernels import loop_kernels
from _measure import Row, at_most, compare, main, row, timed
from hasten.demo.program import find_engines


def rows() -> list[Row]:
    engine = find_engines()["hasten"]
    assert engine is not None
    contenders = {}
    kernels = loop_kernels()
    for name, (kernel, arguments) in kernels.items():
        names = {f"a{position}": argument for position, argument in enumerate(arguments)}
        call = f"f({', '.join(names)})"
        unchecked = engine.compiled(kernel, boundscheck=False)
        contenders[f"{name}, checked"] = timed(call, 0.002, f=engine.compiled(kernel), **names)
        contenders[f"{name}, unchecked"] = timed(call, 0.002, f=unchecked, **names)
    compared = compare(contenders)
    ratios = {name: compared.ratio(f"{name}, checked", f"{name}, unchecked") or 0.0 for name in kernels}
    mean = statistics.geometric_mean(ratios.values())
    notes = [
        f"geometric mean of the ten ratios: {mean:.3f}",
        ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()),
    ]
    return [
        row(
            "index checks over ten loops",
            compared,
            "at most 5% in the geometric mean",
            at_most(mean, 1.05),
            *notes,
            has_peer=False,
        )
    ]


if __name__ == "__main__":
    main(rows)
