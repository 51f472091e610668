"""The program's main module, as worker processes see it."""

from __future__ import annotations

import os
import sys
from multiprocessing import process

from hasten._mirror import substitution

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from typing import Any

# Whether definitions of the main module go by value, for there are workers that can't import it.
travels = False

# What a process ends with that was to import the main module and found that the module starts processes itself.
NO_GUARD_STATUS = 78

_MESSAGE = """\
the program's main module starts processes while a worker process imports it. Let it do so only where it is the program:

    if __name__ == "__main__":
        main()

or """
_BY_COMMAND = "run it by `hasten run`, or "
_BY_FORK = 'use the start method "fork"'


class MissingGuardError(RuntimeError):
    """The main module starts processes when it is imported."""

    def __init__(self) -> None:
        super().__init__(_MESSAGE + ("" if substitution.is_installed else _BY_COMMAND) + _BY_FORK)


def check_guard(context: Any) -> None:
    """Refuse to start processes in one that imports the main module: each would do the same."""
    if context.get_start_method() == "fork" or not getattr(process.current_process(), "_inheriting", False):
        return
    if "hasten._pool.template_server" in sys.modules:
        raise RuntimeError("a process was to be started in the bootstrapping phase of another")
    os._exit(NO_GUARD_STATUS)  # the parent says what is wrong, once


def prepare_for(context: Any) -> None:
    """Let a pool with this context have workers that do without the main module, where it can't be imported."""
    global travels
    if context.get_start_method() != "fork" and not can_be_imported():
        travels = True


def can_be_imported() -> bool:
    """Whether a new process finds the main module: not where it is a prompt, a notebook, ``-c`` or stdin.

    Nor where it has no main guard and ``hasten run`` runs it, nor what multiprocessing leaves alone: the ``__main__``
    of a package, a folder or an archive, and a file named as IPython's program.
    """
    if substitution.has_unguarded_main:
        return False
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return spec.name != "__main__" and not spec.name.endswith(".__main__")
    file = getattr(main, "__file__", None) or ""
    return os.path.isfile(file) and os.path.splitext(os.path.basename(file))[0] != "ipython"
