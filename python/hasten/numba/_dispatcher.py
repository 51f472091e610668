"""What numba's `jit` returns: a dispatcher whose signatures are made of numba's types."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from hasten._dispatcher import Dispatcher
from hasten.errors import UnsupportedError
from hasten.numba._type_text import type_from_text
from hasten.numba.core.types import Type
from hasten.numba.core.typing.signatures import Signature, normalize_signature


class CompileResult:
    """One native version of a function.

    Parameters
    ----------
    dispatcher : CPUDispatcher
        The function.
    signature : Signature
        Its types.
    """

    objectmode = False

    def __init__(self, dispatcher: CPUDispatcher, signature: Signature) -> None:
        self.signature = signature
        self.entry_point = dispatcher


class CPUDispatcher(Dispatcher):
    """A function that is compiled for the types that it is called with, seen as numba shows it."""

    @property
    def signatures(self) -> list[tuple[Type, ...]]:  # type: ignore[override]
        """The argument types of all native versions."""
        return [signature.args for signature in self.nopython_signatures]

    @property
    def nopython_signatures(self) -> list[Signature]:  # type: ignore[override]
        """The signatures of all native versions."""
        return [
            Signature(type_from_text(result), [type_from_text(text) for text in arguments])
            for arguments, result in self.compiled
        ]

    @property
    def overloads(self) -> dict[tuple[Type, ...], CompileResult]:  # type: ignore[override]
        """All native versions, by their argument types."""
        return {signature.args: CompileResult(self, signature) for signature in self.nopython_signatures}

    def compile(self, signature: Any) -> Any:
        """Compile now.

        Parameters
        ----------
        signature : str, tuple or Signature
            The types.

        Returns
        -------
        CPUDispatcher
            The function.
        """
        args, return_type = normalize_signature(signature)
        if self._settings["interpret"]:
            return self
        self.compile_signature(Signature(return_type, args)._hasten_text)
        return self

    def get_overload(self, sig: Any) -> CPUDispatcher:
        """Return the function, which has been compiled for this signature."""
        return self.overloads[tuple(normalize_signature(sig)[0])].entry_point

    @property
    def nopython(self) -> bool:
        """Whether nothing of it is left to Python."""
        return bool(self.targetoptions.get("nopython"))

    def disable_compile(self, val: bool = True) -> None:
        """Let calls with types that were not compiled convert their arguments or fail, instead of compiling."""
        if val and not self.compiled and not self._settings["interpret"]:
            raise AssertionError("there is no native version yet")
        super().disable_compile(val)

    def inspect_types(
        self,
        file: TextIO | None = None,
        signature: tuple[Type, ...] | None = None,
        pretty: bool = False,
        style: str = "default",
        **kwargs: Any,
    ) -> None:
        """Print the typed intermediate code of one native version, or of all.

        Parameters
        ----------
        file : file object, optional
            Where to; standard output where there is none.
        signature : tuple of Type, optional
            Which version.
        pretty : bool
            Must be False.
        style : str
            Accepted as numba accepts it.
        **kwargs
            Accepted as numba accepts them.
        """
        if pretty:
            raise UnsupportedError("inspect_types can't colour: leave out pretty")
        out = file or sys.stdout
        for index, types in enumerate(self.signatures):
            if signature is None or types == tuple(signature):
                print(
                    f"{self.py_func.__name__} {types}",
                    "-" * 80,
                    self.inspect_code(index)[0],
                    "=" * 80,
                    sep="\n",
                    file=out,
                )
