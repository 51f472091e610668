"""The command ``hasten``."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

_DESCRIPTION = """\
Hasten makes Python programs fast: it compiles numeric code, uses every core and remembers results.

  hasten run script.py                run a script with Hasten in place of numba, multiprocessing, functools ...
  hasten bench script.py 'f(10**6)'   which of Hasten's ways makes this call faster, by measuring
  hasten run-all -j 4 < commands.txt  run the lines of a file as commands, four at a time
  hasten demo                         what Hasten does for real programs on this machine
  hasten doctor                       what is installed here, what is missing, what to do about it
  hasten cache list                   the compiled code kept on disk
"""

_EPILOG = """\
In a program, the same without this command:

  from hasten import njit             compile a function
  from hasten import multiprocessing  everything of multiprocessing, with Hasten's parts in it

hasten COMMAND --help tells more about each.
"""

# Each command is a module of this package, imported only when it is used. It has DESCRIPTION and EXAMPLES for its help,
# add_arguments(parser) and execute(options) -> exit status.
_COMMANDS = {
    "run": "run a script with Hasten's drop-ins in place of the originals",
    "run-all": "run many external commands side by side",
    "demo": "run real programs in plain Python and in Hasten's ways",
    "bench": "measure a call of yours, plain and compiled",
    "cache": "show or clear the compiled code that is kept on disk",
    "doctor": "check the installation",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        The arguments behind the program's name; by default those of this process.

    Returns
    -------
    int
        The exit status.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(given[0] if given and given[0] in _COMMANDS else None)
    if given[:1] == ["run"] and given[1:2] not in ([], ["-h"], ["--help"]):
        # What stands behind the script is the script's, whatever it looks like; argparse would look into it.
        from hasten.cli.run import run

        return run(given[1:], parser.error)
    options = parser.parse_args(given)
    if options.command is None:
        parser.print_help()
        return 2
    try:
        status: int = _module(options.command).execute(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: hasten cache list | head -1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser(used: str | None) -> argparse.ArgumentParser:
    kind = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("hasten", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=kind)
    parser.add_argument("--version", action="version", version=f"hasten {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in _COMMANDS.items():
        below = commands.add_parser(name, help=summary, formatter_class=kind)
        if name == used:
            module = _module(name)
            below.description, below.epilog = module.DESCRIPTION, module.EXAMPLES
            module.add_arguments(below)
    return parser


def _module(command: str):  # type: ignore[no-untyped-def]  # a module's functions have no type that mypy could know
    return importlib.import_module(f"hasten.cli.{command.replace('-', '_')}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hasten")
    except PackageNotFoundError:
        return "(not installed)"
