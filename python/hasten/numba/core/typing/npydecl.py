"""Which of NumPy's functions compiled code knows."""

from __future__ import annotations

import numpy as np

from hasten import _core


def _known_ufuncs() -> list[np.ufunc]:
    known = {
        id(getattr(np, name.removeprefix("numpy."), None))
        for name in _core.library_functions()
        if name.startswith("numpy.")
    }
    named = [getattr(np, name) for name in sorted(dir(np)) if not name.startswith("_")]
    return [found for found in named if isinstance(found, np.ufunc) and id(found) in known]


# NumPy's ufuncs that compiled code can call, once for each of their names.
supported_ufuncs = _known_ufuncs()
