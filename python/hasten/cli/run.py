"""``hasten run``: a Python program with Hasten's drop-ins in place of the originals."""

import argparse
import builtins
import io
import os
import sys
from collections.abc import Callable
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import NoReturn

from hasten import _substitute
from hasten._mirror import substitution

DESCRIPTION = """\
Run a Python program with Hasten's drop-ins in place of the originals.

The originals are numba, multiprocessing, threading, queue, functools, concurrent.futures and
subprocess. The program needs no change, and numba need not be installed.

sys.argv, sys.path, __main__, the exit status, tracebacks and signals are as python makes them.
Processes that the program starts by multiprocessing have the drop-ins too; other programs that it
starts don't.
"""
EXAMPLES = """\
examples:
  hasten run script.py --its-own options    as python script.py --its-own options
  hasten run -m package.module argument     as python -m package.module argument
  hasten run -c 'import numba; print(numba)'
  generate | hasten run -                   the program comes from stdin
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments, for its help; `run` takes them apart by itself."""
    parser.usage = "hasten run [-m MODULE | -c CODE | SCRIPT | -] [ARGUMENT ...]"
    parser.add_argument(
        "target",
        nargs=argparse.REMAINDER,
        metavar="PROGRAM",
        help="a script, a folder or zip file with __main__.py, or -",
    )


def execute(options: argparse.Namespace) -> int:
    """Say what is missing: without a program there is nothing to run."""
    print("hasten run: no program given; try hasten run --help", file=sys.stderr)
    return 2


def run(arguments: list[str], fail: Callable[[str], NoReturn]) -> int:
    """Run the program that `arguments` name as ``python`` would, in this process.

    Parameters
    ----------
    arguments
        As for ``python``: ``-m MODULE``, ``-c CODE``, ``-`` or a path, and the program's own arguments.
    fail
        Called with a message where `arguments` make no sense.

    Returns
    -------
    int
        0; where the program fails, its exception or SystemExit is raised.
    """
    first = arguments[0]
    if first in ("-m", "-c"):
        if len(arguments) < 2:
            fail(f"argument expected for {first}")
        target, rest = arguments[1], arguments[2:]
        _run_as_main(lambda main: _MODES[first](main, target, rest))
    elif first == "-":
        _run_as_main(lambda main: _run_stdin(main, arguments))
    elif first.startswith("-"):
        fail(f"unknown option {first} before the program's name")
    elif not os.path.exists(first):
        print(f"hasten: can't open file {_absolute(first)!r}: [Errno 2] No such file or directory", file=sys.stderr)
        return 2
    else:
        _run_as_main(lambda main: _run_path(main, arguments))
    return 0


def _run_as_main(body: Callable[[ModuleType], None]) -> None:
    _substitute.install()
    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __loader__=BuiltinImporter)
    if sys.version_info < (3, 14):
        main.__dict__.update(__annotations__={})
    sys.modules["__main__"] = main
    failure = None
    try:
        body(main)
    except SystemExit:
        raise
    except BaseException as error:
        failure = error
    if failure is not None:
        _report(failure)
        raise failure  # so that the exit status, and for Ctrl-C the signal, are the interpreter's own


def _run_path(main: ModuleType, arguments: list[str]) -> None:
    path = _absolute(arguments[0])
    sys.argv[:] = arguments
    if os.path.isdir(path) or _is_zip(path):
        _set_first_path(path)
        _run_module("__main__", alter_argv=False)
        return
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    if path.endswith(".pyc"):
        compiled = SourcelessFileLoader("__main__", path)
        main.__dict__.update(__loader__=compiled, __file__=path, __cached__=None)
        exec(compiled.get_code("__main__") or "", main.__dict__)
        return
    with io.open_code(path) as file:
        source = file.read()
    main.__dict__.update(__loader__=SourceFileLoader("__main__", path), __file__=path, __cached__=None)
    code = _compile(source, path)
    substitution.has_unguarded_main = not _has_guard(source)
    exec(code, main.__dict__)


def _has_guard(source: bytes) -> bool:
    """Whether a program looks at what its name is; one that doesn't can't be imported without running all of it."""
    if b"__name__" not in source:
        return False
    import ast

    compared = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Compare)]
    names = (side for node in compared for side in (node.left, *node.comparators))
    return any(isinstance(name, ast.Name) and name.id == "__name__" for name in names)


def _run_stdin(main: ModuleType, arguments: list[str]) -> None:
    sys.argv[:] = arguments
    _set_first_path("")
    main.__dict__.update(__file__="<stdin>", __cached__=None)
    exec(_compile(sys.stdin.buffer.read(), "<stdin>"), main.__dict__)


def _run_code(main: ModuleType, code: str, arguments: list[str]) -> None:
    sys.argv[:] = ["-c", *arguments]
    _set_first_path("")
    exec(_compile(code, "<string>"), main.__dict__)


def _run_named_module(main: ModuleType, name: str, arguments: list[str]) -> None:
    sys.argv[:] = ["-m", *arguments]
    _set_first_path(os.getcwd())
    _run_module(name, alter_argv=True)


_MODES = {"-m": _run_named_module, "-c": _run_code}


def _run_module(name: str, alter_argv: bool) -> None:
    import runpy

    # What the interpreter itself calls for `python -m`; the public run_module puts the old __main__ back at its end.
    runpy._run_module_as_main(name, alter_argv)  # type: ignore[attr-defined]


def _compile(source: str | bytes, name: str) -> CodeType:
    return compile(source, name, "exec", dont_inherit=True)


def _absolute(path: str) -> str:
    # Not normalised: python keeps "./" too.
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)


def _is_zip(path: str) -> bool:
    import zipimport

    try:
        zipimport.zipimporter(path)
    except zipimport.ZipImportError:
        return False
    return True


def _set_first_path(folder: str) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _report(error: BaseException) -> None:
    """Print the traceback from the program's first frame on, and keep the interpreter from printing it again."""
    traceback = error.__traceback__
    while traceback is not None and _is_own(traceback):
        traceback = traceback.tb_next
    error.__traceback__ = traceback
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, traceback
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    try:
        sys.excepthook(type(error), error, traceback)
    except Exception as in_hook:
        print("Error in sys.excepthook:", file=sys.stderr)
        in_hook.__traceback__ = in_hook.__traceback__ and in_hook.__traceback__.tb_next
        sys.__excepthook__(type(in_hook), in_hook, in_hook.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, traceback)
    sys.excepthook = lambda kind, value, trace: None


def _is_own(traceback: TracebackType) -> bool:
    module = str(traceback.tb_frame.f_globals.get("__name__", ""))
    return module == __name__
