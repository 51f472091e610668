"""Two loops over an array, compiled."""

import numpy as np
from numpy.typing import NDArray

from hasten import njit


@njit
def total(x: NDArray[np.float64]) -> float:
    s = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            s += x[i, j]
    return s


x = np.random.random((500, 500))
assert np.isclose(total(x), x.sum())
print(f"the sum is {total(x):.3f}")
