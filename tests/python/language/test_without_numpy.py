"""Programs that don't use NumPy needn't wait for its import, and may begin to use it at any time."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_numbers_need_no_numpy() -> None:
    shown = run("""
        import sys
        from hasten import jit
        @jit
        def power(x, n):
            return 1 if n == 0 else x * power(x, n - 1)
        print(power(2, 10), power(2.0, 3), "numpy" in sys.modules)
    """)
    assert shown == "1024 8.0 False\n"


def test_values_of_numpys_types_bring_it() -> None:
    shown = run("""
        import sys
        from hasten import njit
        @njit("float64(float64)")
        def half(x):
            return x / 2
        print(half(3), half(True), type(half(1.0)).__name__, "numpy" in sys.modules)
    """)
    assert shown == "1.5 0.5 float64 True\n"


def test_globals_of_any_kind_are_compared_without_it() -> None:
    shown = run("""
        import sys
        from hasten import jit
        factor = 2
        @jit
        def scaled(x):
            return x * factor
        print(scaled(3))
        factor = 2.5
        print(scaled(3))
        def factor(): pass
        try:
            scaled(3)
        except Exception:
            print("refused")
        print("numpy" in sys.modules)
    """)
    assert shown == "6\n7.5\nrefused\nFalse\n"


def test_numpy_may_come_later() -> None:
    shown = run("""
        from hasten import jit
        @jit
        def double(x):
            return x + x
        print(double(2))
        import numpy as np
        print(double(np.float32(2)).dtype, double(np.arange(3)))
    """)
    assert shown == "4\nfloat32 [0 2 4]\n"
