"""The types of compiled code, under numba's names: the module `hasten.numba.core.types`."""

import sys

from hasten.numba.core import types

sys.modules[__name__] = types
