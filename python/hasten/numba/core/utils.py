"""Facts about the interpreter, as numba spells them."""

import inspect
import sys

PYVERSION = sys.version_info[:2]
MACHINE_BITS = 64

pysignature = inspect.signature
