"""Plain ``jit`` where a whole function can't be compiled: its loops are lifted out, the rest stays Python.

The outermost loops of the function become functions of their own (regions), each a plain ``jit`` function that is
compiled for the values that it meets at run time. What is left is the user's function with calls of the regions in
place of the loops. A region takes the variables that its loop reads and gives back those that are used later; every
way out of the loop (its end, ``break``, ``return``, an exception) passes through that. A loop that can't be compiled
either is run by Python, with the loops inside it lifted in their turn.
"""

from __future__ import annotations

import ast
import functools
import re
import warnings
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, cast

from hasten import _core
from hasten._variables import Variables, names_written
from hasten.errors import HastenWarning

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hasten._dispatcher import Dispatcher

    Loop = ast.For | ast.While

_OUT = "__hasten_out"
_RAN = "__hasten_ran"
_DEPTH = "_hasten_region_depth"  # of a region's function: how many loops lie around those that may be lifted from it

# What a region can't hold: it changes the scope of names, or hands control to somebody else.
_BARRIERS = (
    ast.Yield,
    ast.YieldFrom,
    ast.Await,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.Global,
    ast.Nonlocal,
    ast.Try,
    ast.TryStar,
    ast.With,
    ast.AsyncWith,
    ast.AsyncFor,
    ast.Import,
    ast.ImportFrom,
    ast.Delete,
    ast.Match,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def lift(dispatcher: Dispatcher, error: Exception | None) -> Callable[..., Any]:
    """Return what runs in place of a function that can't be compiled as a whole.

    Parameters
    ----------
    dispatcher : Dispatcher
        The jitted function.
    error : Exception or None
        Why it can't be compiled; None where the user asked for Python (``forceobj=True``).

    Returns
    -------
    callable
        The same function with its loops lifted, or the plain function where it has none.
    """
    function = cast("FunctionType", dispatcher.py_func)
    place = None if error is None else _Place(error, function)
    lifter = _Lifter(function, dispatcher.targetoptions, place)
    lifted, behind = lifter.lift() if dispatcher.targetoptions.get("looplift", True) else (function, lifter.all_lines())
    if place is not None and not hasattr(function, _DEPTH):  # a region belongs to a function that has said it all
        _warn(function, place, behind, sorted(lifter.lifted_lines))
    return lifted


class _Place:
    """Where a function can't be compiled, and why."""

    def __init__(self, error: Exception, function: FunctionType) -> None:
        reason = str(error).strip().splitlines()
        found = re.match(r'File "(.*)", line (\d+)', reason[0]) if reason else None
        self.why = " ".join(line.strip() for line in (reason[3:4] if found else reason[:1]))
        self.line = int(found[2]) if found else function.__code__.co_firstlineno
        self.is_inside = found is not None and found[1] == function.__code__.co_filename

    def is_in(self, loop: Loop) -> bool:
        """Whether the loop holds what can't be compiled: its types were known, so it can't be compiled alone either."""
        return self.is_inside and loop.lineno <= self.line <= (loop.end_lineno or loop.lineno)


def _warn(function: FunctionType, place: _Place, behind: list[int], lifted: list[int]) -> None:
    own = f"lines {_ranges(behind)} run as Python" if behind else ""
    loops = f"the loops in lines {_ranges(lifted)} are compiled where their values have types" if lifted else ""
    rest = "; ".join(filter(None, (own, loops)))
    warnings.warn_explicit(
        f"{function.__qualname__} is not compiled as a whole: line {place.line}: {place.why}. "
        f"{rest[:1].upper()}{rest[1:]}.",
        HastenWarning,
        function.__code__.co_filename,
        function.__code__.co_firstlineno,
    )


def _ranges(lines: list[int]) -> str:
    """'3-5, 9' of a sorted list."""
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return ", ".join(f"{a}-{b}" if b > a else str(a) for a, b in spans)


class _Lifter:
    """Rewrites one function."""

    def __init__(self, function: FunctionType, options: dict[str, Any], place: _Place | None) -> None:
        self.function = function
        self.place = place
        self.options = {
            name: value
            for name, value in options.items()
            if name in ("parallel", "fastmath", "boundscheck", "nogil", "error_model")
        }
        self.declared: dict[str, Any] = options.get("locals") or {}
        self.file, self.line, self.lines, self.span = _core.export_source(function)
        self.depth: int = getattr(function, _DEPTH, 0)
        self.regions: dict[str, FunctionType] = {}
        self.lifted_lines: set[int] = set()

    def lift(self) -> tuple[Callable[..., Any], list[int]]:
        """The function with its loops lifted, and the lines that stay Python."""
        if self.span is not None:  # a lambda has no statements
            return self.function, [self.function.__code__.co_firstlineno]
        node = self._tree()
        variables = Variables(node)
        node.body = self._statements(node.body, variables, self.depth)
        statements = [n for n in ast.walk(node) if isinstance(n, ast.stmt) and n is not node]
        behind = sorted({n.lineno for n in statements if hasattr(n, "lineno")} - self.lifted_lines)
        if not self.regions:
            return self.function, behind
        return self._compiled(node), behind

    def all_lines(self) -> list[int]:
        """The lines of all statements."""
        if self.span is not None:
            return [self.function.__code__.co_firstlineno]
        node = self._tree()
        return sorted({n.lineno for n in ast.walk(node) if isinstance(n, ast.stmt) and n is not node})

    def _tree(self) -> ast.FunctionDef | ast.AsyncFunctionDef:
        tree: Any = getattr(self.function, "__hasten_tree__", None)
        if tree is None:
            indent = len(self.lines[0]) - len(self.lines[0].lstrip())
            text = "if True:\n" + "\n".join(self.lines) if indent else "\n".join(self.lines)
            tree = ast.parse(text).body[0]
            tree = tree.body[0] if indent else tree
            ast.increment_lineno(tree, self.line - (2 if indent else 1))
        tree.decorator_list = []
        return cast("ast.FunctionDef", tree)

    # ---- finding loops
    def _statements(self, body: list[ast.stmt], variables: Variables, depth: int) -> list[ast.stmt]:
        result: list[ast.stmt] = []
        for statement in body:
            if isinstance(statement, ast.For | ast.While):
                if depth == 0 and self._may_lift(statement, variables):
                    result += self._call_of(statement, variables)
                    continue
                statement.body = self._statements(statement.body, variables, max(depth - 1, 0))
                statement.orelse = self._statements(statement.orelse, variables, depth)
            elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for field in ("body", "orelse", "finalbody"):
                    if getattr(statement, field, None):
                        setattr(statement, field, self._statements(getattr(statement, field), variables, depth))
                for handler in getattr(statement, "handlers", []):
                    handler.body = self._statements(handler.body, variables, depth)
            result.append(statement)
        return result

    def _may_lift(self, loop: Loop, variables: Variables) -> bool:
        if any(isinstance(node, _BARRIERS) for node in ast.walk(loop)):
            return False
        if self.place is not None and self.place.is_in(loop):
            return False
        before = variables.before(loop)
        if before is None or names_written(loop) & set(self.function.__code__.co_cellvars):
            return False
        if (variables.exposed(loop) & variables.locals) - before:
            return False  # a variable that may have no value yet
        return all(name in before or name in variables.sure(loop) for name in variables.live_after(loop))

    # ---- making a region
    def _call_of(self, loop: Loop, variables: Variables) -> list[ast.stmt]:
        """The statements that stand where the loop stood."""
        before = variables.before(loop) or set()
        live = sorted(variables.live_after(loop))
        own = variables.locals | set(self.function.__code__.co_freevars)
        inputs = sorted((variables.exposed(loop) & own) | {name for name in live if name in before})
        returns = _returns(loop)
        unsure = [name for name in live if name not in before]
        name = f"__hasten_region_{len(self.regions)}"
        self.regions[name] = self._region(loop, inputs, live, unsure, bool(returns))
        self.lifted_lines.update(range(loop.lineno, (loop.end_lineno or loop.lineno) + 1))
        lines = [f"{_OUT} = {name}({', '.join(inputs)})"]
        if returns:
            lines.append(f"if {_OUT}[0]: return {_OUT}[1]")
        for position, variable in enumerate(live):
            value = f"{_OUT}[{position + 3}]"
            lines.append(f"if {_OUT}[2]: {variable} = {value}" if variable in unsure else f"{variable} = {value}")
        statements = ast.parse("\n".join(lines)).body
        for statement in statements:
            for node in ast.walk(statement):
                ast.copy_location(node, loop)
        return statements

    def _region(
        self, loop: Loop, inputs: list[str], live: list[str], unsure: list[str], has_returns: bool
    ) -> FunctionType:
        """A function of `inputs` that runs the loop and returns (returned, value, ran, variables…)."""
        if has_returns:
            _rewrite_returns(loop, len(live))
        ran = _RAN if unsure else "True"
        end = f"return (False, None, {ran}, {', '.join(live)}{',' if live else ''})"
        tail = end
        if unsure:
            kept = ", ".join("None" if name in unsure else name for name in live)
            tail = f"if {_RAN}:\n  {end}\nreturn (False, None, {_RAN}, {kept},)"
            loop.body.insert(0, _located(ast.parse(f"{_RAN} = True").body, loop.body[0])[0])
        start = ast.parse(f"{_RAN} = False").body if unsure else []
        node = ast.parse(f"def {self.function.__name__}({', '.join(inputs)}): pass").body[0]
        assert isinstance(node, ast.FunctionDef)
        _located([node], loop)
        node.body = [*_located(start, loop), loop, *_located(ast.parse(tail).body, loop, at_end=True)]
        code = compile(ast.Module([node], []), self.file, "exec", dont_inherit=True)
        inner = next(c for c in code.co_consts if isinstance(c, CodeType))
        function = FunctionType(inner, self.function.__globals__, self.function.__name__)
        function.__qualname__ = self.function.__qualname__
        function.__module__ = self.function.__module__
        setattr(function, _DEPTH, 1)
        function.__dict__["__hasten_tree__"] = node
        _core.import_source(function, (node, (self.file, self.line, self.lines, None)))
        return function

    def _options_of(self, region: FunctionType) -> dict[str, Any]:
        """The options of the function, with the declared types of the variables that the region has."""
        code = region.__code__
        names = {*code.co_varnames, *code.co_cellvars}
        return {**self.options, "locals": {name: kind for name, kind in self.declared.items() if name in names}}

    # ---- making the function
    def _compiled(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Callable[..., Any]:
        from hasten._decorators import decorate

        cells = dict(zip(self.function.__code__.co_freevars, self.function.__closure__ or (), strict=True))
        for name, region in self.regions.items():
            cells[name] = CellType(decorate(region, self._options_of(region), dialect="python", always_gradual=True))
        outer = ast.parse(f"def __hasten_around({', '.join(cells)}): pass").body[0]
        assert isinstance(outer, ast.FunctionDef)
        outer.body = [node]
        ast.fix_missing_locations(outer)
        code = _code_named(compile(ast.Module([outer], []), self.file, "exec", dont_inherit=True), node.name)
        closure = tuple(cells[name] for name in code.co_freevars)
        made = FunctionType(
            code, self.function.__globals__, self.function.__name__, self.function.__defaults__, closure
        )
        made.__kwdefaults__ = self.function.__kwdefaults__
        lifted = functools.update_wrapper(made, self.function)
        del lifted.__wrapped__
        lifted.__dict__.clear()
        return lifted


def _code_named(code: CodeType, name: str) -> CodeType:
    around = next(c for c in code.co_consts if isinstance(c, CodeType))
    return next(c for c in around.co_consts if isinstance(c, CodeType) and c.co_name == name)


def _located(statements: list[ast.stmt], like: ast.stmt, *, at_end: bool = False) -> list[ast.stmt]:
    """Give all nodes the place of `like`, or of its last line."""
    for statement in statements:
        for node in ast.walk(statement):
            ast.copy_location(node, like)
            if at_end and hasattr(node, "lineno"):
                node.lineno = node.end_lineno = like.end_lineno  # type: ignore[attr-defined]
                node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    return statements


def _returns(loop: Loop) -> list[ast.Return]:
    return [node for node in ast.walk(loop) if isinstance(node, ast.Return)]


def _rewrite_returns(loop: Loop, outputs: int) -> None:
    """``return x`` in the loop becomes ``return (True, x, True, None, …)`` of the region."""
    for node in _returns(loop):
        value = node.value or ast.Constant(None)
        constants = [ast.Constant(True), value, ast.Constant(True), *(ast.Constant(None) for _ in range(outputs))]
        node.value = ast.Tuple(constants, ast.Load())
        for child in (node.value, *constants):
            if not hasattr(child, "lineno"):
                ast.copy_location(child, node)
