"""Generalised ufuncs as numba shows them: they grow by signatures, or compile for what they are called with."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

import numpy as np

from hasten import _core
from hasten._vectorize import Layout, Promoter, make_gufunc
from hasten.numba.core.typing.signatures import normalize_signature

if TYPE_CHECKING:
    from typing import Any

_OF_UFUNCS = frozenset(
    [
        "accumulate",
        "at",
        "identity",
        "nargs",
        "nin",
        "nout",
        "ntypes",
        "outer",
        "reduce",
        "reduceat",
        "resolve_dtypes",
        "signature",
    ]
)


def _with_dtype(operand: Any) -> Any:
    return operand if hasattr(operand, "dtype") else np.asarray(operand)


class GUFunc:
    """A function over loops of arrays, which gets the core dimensions of each.

    Parameters
    ----------
    func : callable or Dispatcher
        A function on arrays of the core dimensions; its outputs are its last arguments.
    signature : str
        The layout, as NumPy writes it: ``"(m,n),(n,p)->(m,p)"``.
    target : {"cpu", "parallel"}, optional
        Whether outer loops are shared among threads.
    is_dynamic : bool, optional
        Whether calls with new types compile. Such calls must be given their outputs, whose types nothing else tells.
    **options
        Of `guvectorize`.

    Examples
    --------
    >>> import numpy as np
    >>> from hasten.numba import guvectorize
    >>> @guvectorize("(n),()->(n)")
    ... def shift(x, by, out):
    ...     for i in range(len(x)):
    ...         out[i] = x[i] + by
    >>> result = np.zeros(3)
    >>> shift(np.arange(3.0), 0.5, result)
    array([0.5, 1.5, 2.5])
    """

    __name__: str
    __qualname__: str

    def __init__(
        self, func: Any, signature: str, target: str = "cpu", *, is_dynamic: bool = False, **options: Any
    ) -> None:
        self._layout = Layout(signature)
        self._options = {"target": target, **options}
        self._sigs: list[tuple[Any, ...]] = []
        self._made: tuple[np.ufunc, Promoter | None, Any] | None = None
        self._frozen = False
        self._function = func
        self.is_dynamic = is_dynamic
        functools.update_wrapper(self, func.py_func if isinstance(func, _core.Dispatcher) else func)

    def __repr__(self) -> str:
        return f"<gufunc {self.__name__!r}>"

    def __getattr__(self, name: str) -> Any:
        if name in _OF_UFUNCS:
            return getattr(self.__hasten_ufunc__, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def add(self, sig: Any) -> None:
        """Compile a loop for this signature, too, when it is built."""
        if self._frozen:
            raise RuntimeError("compilation disabled for GUFunc")
        self._sigs.append(tuple(normalize_signature(sig)[0]))
        self._made = None

    def build_ufunc(self) -> GUFunc:
        """Compile, and return it; without signatures it compiles at its calls."""
        self.is_dynamic = self.is_dynamic or not self._sigs
        self._frozen = not self.is_dynamic
        self._parts()
        return self

    def disable_compile(self) -> None:
        """Let calls with other types than those compiled so far fail, instead of compiling."""
        self._frozen = True
        promoter = self._parts()[1]
        if promoter is not None:
            promoter.is_frozen = True

    @property
    def types(self) -> list[str]:
        """The types of all loops, as NumPy writes them: ``["dd->d"]``."""
        ufunc, promoter, _ = self._parts()
        if promoter is None:
            return ufunc.types
        texts = ["".join(dtype.char for dtype in dtypes) for dtypes in promoter.known.values()]
        return [f"{text[: ufunc.nin]}->{text[ufunc.nin :]}" for text in texts]

    @property
    def gufunc_builder(self) -> GUFunc:
        """What keeps its signatures: itself."""
        return self

    @property
    def __hasten_ufunc__(self) -> np.ufunc:
        return self._parts()[0]

    def _parts(self) -> tuple[np.ufunc, Promoter | None, Any]:
        if self._made is None:
            signatures = [] if self.is_dynamic else [([arg._hasten_text for arg in args], "") for args in self._sigs]
            self._made = make_gufunc(self._function, signatures, self._layout, self._options, "numba")
        return self._made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it; a dynamic one needs its outputs."""
        ufunc, promoter, _ = self._parts()
        if promoter is not None:
            outputs = self._outputs(ufunc, args, kwargs.get("out"))
            args = tuple(map(_with_dtype, args))
            results = tuple(_with_dtype(output).dtype for output in outputs)
            dtypes = tuple(argument.dtype for argument in args[: ufunc.nin]) + results
            if dtypes not in promoter.known and not self._frozen and len(args) >= ufunc.nin:
                promoter.add(ufunc, dtypes)
            kwargs.setdefault("signature", (None,) * ufunc.nin + results)
        return ufunc(*args, **kwargs)

    def _outputs(self, ufunc: np.ufunc, args: tuple[Any, ...], out: Any) -> tuple[Any, ...]:
        given = args[ufunc.nin :] + (out if isinstance(out, tuple) else () if out is None else (out,))
        if len(given) < ufunc.nout:
            raise TypeError(
                f"Too few arguments for function {self.__name__!r}. "
                "Without signatures nothing tells the types of its outputs: pass them, too, or give it signatures."
            )
        return given[: ufunc.nout]

    # Pickles: by reference where it can be imported, else by its function and what it was compiled for.

    def __reduce__(self) -> str | tuple[Any, ...]:
        found: Any = sys.modules.get(self.__module__) if self.__module__ != "__main__" else None
        for name in self.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is self:
            return str(self.__qualname__)
        _, promoter, dispatcher = self._parts()
        return (
            type(self),
            (dispatcher, self._layout.text),
            {
                "_options": self._options,
                "_sigs": self._sigs,
                "_frozen": self._frozen,
                "is_dynamic": self.is_dynamic,
                "loops": list(promoter.known) if promoter is not None else [],
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        loops = state.pop("loops")
        self.__dict__.update(state)
        ufunc, promoter, _ = self._parts()
        if promoter is not None:
            for dtypes in loops:
                promoter.add(ufunc, dtypes)
            promoter.is_frozen = self._frozen
