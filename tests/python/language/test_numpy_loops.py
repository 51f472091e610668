"""Which of NumPy's inner loops compiled code may call."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hasten import _core


@pytest.mark.parametrize(
    "symbol",
    [
        *("exp.dd", "add.ddd", "add.lll", "add.qqq", "sin.ff", "power.ddd", "less.ll?", "frexp.ddi", "isnan.e?"),
        *("logical_and.dd?", "conjugate.DD", "isnat.M?", "add.MmM", "matmul.ddd"),
    ],
)
def test_plain_loops(symbol: str) -> None:
    assert _core.debug_numpy_loop("npy_loop." + symbol)


@pytest.mark.parametrize(
    "symbol",
    [
        "power.lll",  # sets ValueError
        "add.OOO",
        "exp.gg",
        "exp.dddd",
        "exp.ff?",
        "exp.",
        "exp",
        "",
        "zeros.dd",
        "no_such_function.dd",
        "linalg.det.dd",  # needs a look at the floating-point status
        "fft.fft.DdD",
    ],
)
def test_other_loops_are_not_given_out(symbol: str) -> None:
    assert not _core.debug_numpy_loop("npy_loop." + symbol)
    assert not _core.debug_numpy_loop(symbol)


def test_numpy_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys; from hasten import _core; before = set(sys.modules); _core.debug_typeof((1, 'x', len));"
        "assert not any(name.startswith('numpy') for name in set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
