"""The loops and array statements that the benchmarks compile, as plain functions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

prange = range


def increment(x: float) -> float:
    return x + 1.0


def first_item(x: Floats) -> float:
    return float(x[0])


def sum_2d(x: Floats) -> float:
    s = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            s += x[i, j]
    return s


def random_sum(n: int) -> float:
    return np.random.random((n, n)).sum()  # type: ignore[no-any-return]


def random_sums(times: int, n: int) -> float:
    s = 0.0
    for _ in prange(times):
        s += np.random.random((n, n)).sum()
    return s


# Ten loops with indices of many kinds, for the cost of checking them.


def dot(a: Floats, b: Floats) -> float:
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * b[i]
    return s


def running_sum(a: Floats, out: Floats) -> None:
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i]
        out[i] = s


def three_point_mean(a: Floats, out: Floats) -> None:
    for i in range(1, a.shape[0] - 1):
        out[i] = (a[i - 1] + a[i] + a[i + 1]) / 3.0


def transpose(a: Floats, out: Floats) -> None:
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[j, i] = a[i, j]


def product(a: Floats, b: Floats, out: Floats) -> None:
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            s = 0.0
            for k in range(a.shape[1]):
                s += a[i, k] * b[k, j]
            out[i, j] = s


def laplace(a: Floats, out: Floats) -> None:
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            out[i, j] = a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] - 4.0 * a[i, j]


def histogram(values: Integers, counts: Integers) -> None:
    for i in range(values.shape[0]):
        counts[values[i]] += 1


def gather(a: Floats, order: Integers, out: Floats) -> None:
    for i in range(order.shape[0]):
        out[i] = a[order[i]]


def backwards(a: Floats, out: Floats) -> None:
    n = a.shape[0]
    for i in range(n):
        out[i] = a[n - 1 - i]


def largest(a: Floats) -> int:
    best = 0
    for i in range(a.shape[0]):
        if a[i] > a[best]:
            best = i
    return best


def loop_kernels() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Return the ten loops, each with its arguments."""
    random = np.random.default_rng(1)
    n, m = 20_000, 64
    line, out = random.random(n), np.zeros(n)
    square, other, square_out = random.random((m, m)), random.random((m, m)), np.zeros((m, m))
    plane, plane_out = random.random((150, 150)), np.zeros((150, 150))
    indices = random.integers(0, n, n)
    return {
        "dot": (dot, (line, line)),
        "running_sum": (running_sum, (line, out)),
        "three_point_mean": (three_point_mean, (line, out)),
        "transpose": (transpose, (plane, plane_out)),
        "product": (product, (square, other, square_out)),
        "laplace": (laplace, (plane, plane_out)),
        "histogram": (histogram, (indices, np.zeros(n, np.int64))),
        "gather": (gather, (line, indices, out)),
        "backwards": (backwards, (line, out)),
        "largest": (largest, (line,)),
    }


# Five functions of twenty statements about whole arrays.


def option_prices(spot: Floats, strike: Floats, years: Floats) -> Floats:
    rate = 0.02
    volatility = 0.3
    root = np.sqrt(years)
    scaled = volatility * root
    moneyness = np.log(spot / strike)
    drift = (rate + 0.5 * volatility * volatility) * years
    d1 = (moneyness + drift) / scaled
    d2 = d1 - scaled
    k1 = 1.0 / (1.0 + 0.2316419 * np.abs(d1))
    k2 = 1.0 / (1.0 + 0.2316419 * np.abs(d2))
    density1 = np.exp(-0.5 * d1 * d1) * 0.3989422804014327
    density2 = np.exp(-0.5 * d2 * d2) * 0.3989422804014327
    poly1 = k1 * (0.31938153 + k1 * (-0.356563782 + k1 * (1.781477937 + k1 * (-1.821255978 + 1.330274429 * k1))))
    poly2 = k2 * (0.31938153 + k2 * (-0.356563782 + k2 * (1.781477937 + k2 * (-1.821255978 + 1.330274429 * k2))))
    tail1 = density1 * poly1
    tail2 = density2 * poly2
    n1 = np.where(d1 > 0.0, 1.0 - tail1, tail1)
    n2 = np.where(d2 > 0.0, 1.0 - tail2, tail2)
    discounted = strike * np.exp(-rate * years)
    return spot * n1 - discounted * n2


def particles(x: Floats, y: Floats, vx: Floats, vy: Floats) -> Floats:
    r2 = x * x + y * y + 0.01
    r = np.sqrt(r2)
    inverse = 1.0 / (r * r2)
    ax = -x * inverse
    ay = -y * inverse
    vx1 = vx + 0.01 * ax
    vy1 = vy + 0.01 * ay
    x1 = x + 0.01 * vx1
    y1 = y + 0.01 * vy1
    kinetic = 0.5 * (vx1 * vx1 + vy1 * vy1)
    r1 = np.sqrt(x1 * x1 + y1 * y1 + 0.01)
    potential = -1.0 / r1
    energy = kinetic + potential
    momentum = x1 * vy1 - y1 * vx1
    mean = energy.sum() / energy.size
    excess = energy - mean
    bound = np.where(energy < 0.0, 1.0, 0.0)
    share = bound.sum() / bound.size
    weighted = excess * momentum
    return weighted * share  # type: ignore[no-any-return]


def standardised(a: Floats, b: Floats) -> Floats:
    mean_a = a.sum() / a.size
    mean_b = b.sum() / b.size
    da = a - mean_a
    db = b - mean_b
    var_a = (da * da).sum() / a.size
    var_b = (db * db).sum() / b.size
    za = da / np.sqrt(var_a)
    zb = db / np.sqrt(var_b)
    correlation = (za * zb).sum() / a.size
    residual = zb - correlation * za
    clipped = np.minimum(np.maximum(residual, -2.0), 2.0)
    logistic = 1.0 / (1.0 + np.exp(-clipped))
    weights = logistic / logistic.sum()
    centre = (weights * za).sum()
    moved = za - centre
    squared = moved * moved
    spread = np.sqrt((weights * squared).sum())
    scores = moved / spread
    damped = np.tanh(scores)
    return damped * weights  # type: ignore[no-any-return]


def waves(t: Floats, phase: Floats) -> Floats:
    first = np.sin(t + phase)
    second = np.cos(t - phase)
    mixed = first * second
    third = np.sin(2.0 * t) * 0.5
    fourth = np.cos(3.0 * t) * 0.25
    total = mixed + third + fourth
    envelope = np.exp(-0.1 * t)
    signal = total * envelope
    power = signal * signal
    level = np.sqrt(power.sum() / power.size)
    normal = signal / level
    rectified = np.abs(normal)
    peak = rectified.max()
    scaled = rectified / peak
    decibels = 20.0 * np.log10(scaled + 1e-6)
    floor = np.maximum(decibels, -60.0)
    shifted = (floor + 60.0) / 60.0
    curve = shifted * shifted * (3.0 - 2.0 * shifted)
    gated = np.where(curve > 0.1, curve, 0.0)
    return gated * normal  # type: ignore[no-any-return]


def weather(temperature: Floats, humidity: Floats, wind: Floats) -> Floats:
    kelvin = temperature + 273.15
    saturation = 6.112 * np.exp(17.62 * temperature / (243.12 + temperature))
    vapour = saturation * humidity
    ratio = 0.622 * vapour / (1013.25 - vapour)
    logarithm = np.log(vapour / 6.112)
    dew_point = 243.12 * logarithm / (17.62 - logarithm)
    density = 1.225 * 288.15 / kelvin
    pressure = 0.5 * density * wind * wind
    kilometres = wind * 3.6
    lifted = np.power(kilometres + 1.0, 0.16)
    chill = 13.12 + 0.6215 * temperature - 11.37 * lifted + 0.3965 * temperature * lifted
    felt = np.where(temperature < 10.0, chill, temperature)
    mean = felt.sum() / felt.size
    departure = felt - mean
    variance = (departure * departure).sum() / felt.size
    score = departure / np.sqrt(variance)
    cloud_base = 125.0 * (temperature - dew_point)
    low = np.minimum(cloud_base, 3000.0)
    comfort = 1.0 / (1.0 + np.abs(score) + ratio)
    return comfort * low + pressure  # type: ignore[no-any-return]


def statement_functions() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Return the five functions, each with its arguments."""
    random = np.random.default_rng(1)
    a, b, c, d = (random.random(1000) for _ in range(4))
    return {
        "option_prices": (option_prices, (100.0 * (a + 0.5), 100.0 * (b + 0.5), c + 0.1)),
        "particles": (particles, (a, b, c, d)),
        "standardised": (standardised, (a, b)),
        "waves": (waves, (10.0 * a, b)),
        "weather": (weather, (40.0 * a - 10.0, 0.5 * b + 0.3, 20.0 * c)),
    }
