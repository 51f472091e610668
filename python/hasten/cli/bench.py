"""``hasten bench``: one call of a user's function, plain and compiled."""

import argparse
import ast
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hasten.demo.program import Program

DESCRIPTION = """\
Measure one call of a function in a script of yours: as it stands, and compiled in the ways that
Hasten offers, beside numba where it is installed. Results are compared with the plain one's.

The script is imported, not run: what stands under `if __name__ == "__main__"` does nothing. The
arguments are evaluated once, in the script's names (and np); the function is called several times.
"""
EXAMPLES = """\
examples:
  hasten bench script.py 'sum2d(np.ones((500, 500)))'
  hasten bench script.py 'simulate(10**6, seed=1)' --json times.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("script", type=Path, help="a file of Python")
    parser.add_argument("call", help="a call of one of its functions")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the measurements as JSON")


def execute(options: argparse.Namespace) -> int:
    """Run ``hasten bench``."""
    from rich.console import Console

    from hasten.demo import measure, report

    if not options.script.exists():
        return _refuse(f"there is no file {options.script}")
    names = _names_of(options.script)
    try:
        function, arguments, named = _taken_apart(options.call, names)
    except ValueError as error:
        return _refuse(str(error))
    program = _program(options.call, function, arguments, named)
    result = measure.measure(program, "full", lambda variant: None)
    report.print_tables(Console(width=None if sys.stdout.isatty() else 110), [result])
    if options.json:
        report.write_json(options.json, result.rows)
    return 1 if result.failures or not all(row.equal for row in result.rows) else 0


def _refuse(message: str) -> int:
    print(f"hasten bench: {message}", file=sys.stderr)
    return 2


def _names_of(script: Path) -> dict[str, Any]:
    sys.path[0] = str(script.resolve().parent)
    spec = spec_from_loader(script.stem, SourceFileLoader(script.stem, str(script)))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return vars(module)


def _taken_apart(call: str, names: dict[str, Any]) -> tuple[FunctionType, list[Any], dict[str, Any]]:
    """Return the function, the arguments and the named arguments of a call's text."""
    try:
        tree = ast.parse(call, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{call!r} is not an expression: {error.msg}") from error
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise ValueError(f"{call!r} is not a call of a function by its name, such as f(10)")
    function = names.get(tree.func.id)
    # What compilers make of a function keeps the function itself under this name.
    function = getattr(function, "py_func", function)
    if not isinstance(function, FunctionType):
        raise ValueError(f"the script has no function {tree.func.id}")
    import numpy as np

    def taken(*arguments: Any, **named: Any) -> tuple[list[Any], dict[str, Any]]:
        return list(arguments), named

    tree.func.id = "__taken__"
    code = compile(ast.fix_missing_locations(ast.Expression(tree)), "<call>", "eval")
    arguments, named = eval(code, {"np": np, **names, "__taken__": taken})
    return function, arguments, named


def _program(call: str, function: FunctionType, arguments: list[Any], named: dict[str, Any]) -> "Program":
    from hasten.demo.program import Program, Variant, equal_to_rounding, find_engines

    def calling(what: Callable[..., object]) -> Callable[[], object]:
        return lambda: what(*arguments, **named)

    engines = find_engines()
    variants = [Variant("plain", calling(function))]
    for engine in filter(None, engines.values()):
        if engine.name == "hasten":
            variants.append(Variant("hasten.jit", calling(engine.compiled(function, "jit")), True))
        variants += [
            Variant(f"{engine.name}.njit", calling(engine.compiled(function)), True),
            Variant(f"{engine.name}.njit(parallel=True)", calling(engine.compiled(function, parallel=True)), True),
        ]
    absent = [name for name, engine in engines.items() if engine is None]
    return Program(function.__name__, call, variants, equal_to_rounding, absent)
