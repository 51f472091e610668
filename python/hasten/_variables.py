"""Which variables of a function have a value where, and which are still wanted.

A forward walk over the statements that knows, at each loop, the names that are surely assigned before it (definite
assignment), and for each loop the names that it reads before it assigns them itself.
"""

from __future__ import annotations

import ast


def names_read(node: ast.AST) -> set[str]:
    """All names that a node or anything inside it loads or deletes."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)}


def names_written(node: ast.AST) -> set[str]:
    """All names that a node or anything inside it stores."""
    written = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    written |= {n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)}
    return written


class Variables:
    """The variables of one function.

    Parameters
    ----------
    function : ast.FunctionDef or ast.AsyncFunctionDef
        Unchanged by this class; it may be changed afterwards, for the answers are computed here.
    """

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        parameters = {a.arg for a in every if a is not None}
        self.locals = parameters | {name for statement in function.body for name in names_written(statement)}
        self._before: dict[ast.stmt, set[str]] = {}
        self._live: dict[ast.stmt, set[str]] = {}
        self._sure: dict[ast.stmt, set[str]] = {}
        self._exposed: dict[ast.stmt, set[str]] = {}
        _Walk(self._before).block(function.body, set(parameters))
        loops = [n for n in ast.walk(function) if isinstance(n, ast.For | ast.While)]
        total = _count_reads(function)
        for loop in loops:
            walk = _Walk({})
            walk.statement(loop, set())
            self._exposed[loop] = walk.exposed
            target = names_written(loop.target) if isinstance(loop, ast.For) else set()
            self._sure[loop] = _Walk({}).block(loop.body, set(target)) or set(target)
            if _may_continue(loop):
                self._sure[loop] = target
            inside = _count_reads(loop)
            outside = {name for name, count in total.items() if count > inside.get(name, 0)}
            around = any(loop is not other and any(n is loop for n in ast.walk(other)) for other in loops)
            later = outside | (walk.exposed if around else set())
            self._live[loop] = names_written(loop) & later & self.locals

    def before(self, loop: ast.stmt) -> set[str] | None:
        """Names that surely have a value when the loop starts; None where it is never reached."""
        return self._before.get(loop)

    def exposed(self, loop: ast.stmt) -> set[str]:
        """Names that the loop may read before it assigns them."""
        return self._exposed[loop]

    def sure(self, loop: ast.stmt) -> set[str]:
        """Names that one whole iteration surely assigns."""
        return self._sure[loop]

    def live_after(self, loop: ast.stmt) -> set[str]:
        """Names that the loop assigns and that something outside of it, or a later run of it, may read."""
        return self._live[loop]


def _count_reads(node: ast.AST) -> dict[str, int]:
    counts: dict[str, int] = {}
    for n in ast.walk(node):
        if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store):
            counts[n.id] = counts.get(n.id, 0) + 1
        elif isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name):
            counts[n.target.id] = counts.get(n.target.id, 0) + 1
    return counts


def _may_continue(loop: ast.stmt) -> bool:
    return any(isinstance(n, ast.Continue | ast.Break) for n in ast.walk(loop))


class _Walk:
    """One walk in the order of execution. `assigned`: what surely has a value; None where a statement never goes on."""

    def __init__(self, before: dict[ast.stmt, set[str]]) -> None:
        self.before = before
        self.exposed: set[str] = set()

    def block(self, body: list[ast.stmt], assigned: set[str]) -> set[str] | None:
        state: set[str] | None = assigned
        for statement in body:
            if state is None:
                return None
            state = self.statement(statement, state)
        return state

    def statement(self, node: ast.stmt, assigned: set[str]) -> set[str] | None:
        match node:
            case ast.For() | ast.While():
                return self._loop(node, assigned)
            case ast.If():
                self._read(node.test, assigned)
                start = assigned | names_written(node.test)
                return _meet([self.block(node.body, set(start)), self.block(node.orelse, set(start))])
            case ast.Try() | ast.TryStar():
                return self._try(node, assigned)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._read(item.context_expr, assigned)
                    assigned = assigned | (names_written(item.optional_vars) if item.optional_vars else set())
                return self.block(node.body, assigned)
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                self._read(node, assigned)
                return None
            case ast.AugAssign():
                self._read(node.value, assigned)
                self._read(node.target, assigned, augmented=True)
                return assigned | names_written(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._read(node, assigned)
                return assigned | {node.name}
            case ast.Import() | ast.ImportFrom():
                return assigned | {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            case ast.Delete():
                return assigned - names_read(node)
            case ast.Match() | ast.AsyncFor():
                self._read(node, assigned)
                return assigned
            case _:
                value = getattr(node, "value", None)
                self._read(value if isinstance(value, ast.AST) else node, assigned)
                for target in [*getattr(node, "targets", []), getattr(node, "target", None)]:
                    if isinstance(target, ast.AST):
                        self._read(target, assigned)
                if isinstance(node, ast.AnnAssign) and node.value is None:
                    return assigned
                return assigned | names_written(node)

    def _loop(self, node: ast.For | ast.While, assigned: set[str]) -> set[str]:
        self.before[node] = set(assigned)
        if isinstance(node, ast.For):
            self._read(node.iter, assigned)
            inside = assigned | names_written(node.target)
            self._read(node.target, inside)
        else:
            self._read(node.test, assigned)
            inside = assigned | names_written(node.test)
        self.block(node.body, set(inside))
        self.block(node.orelse, set(assigned))
        return assigned

    def _try(self, node: ast.Try | ast.TryStar, assigned: set[str]) -> set[str] | None:
        ends = [self.block([*node.body, *node.orelse], set(assigned))]
        for handler in node.handlers:
            if handler.type is not None:
                self._read(handler.type, assigned)
            ends.append(self.block(handler.body, assigned | ({handler.name} if handler.name else set())))
        after = _meet(ends)
        final = self.block(node.finalbody, set(assigned))
        return None if after is None or final is None else after | final

    def _read(self, node: ast.AST, assigned: set[str], *, augmented: bool = False) -> None:
        names = names_read(node)
        if augmented and isinstance(node, ast.Name):
            names.add(node.id)
        self.exposed |= names - assigned


def _meet(ends: list[set[str] | None]) -> set[str] | None:
    going_on = [end for end in ends if end is not None]
    return set.intersection(*going_on) if going_on else None
