"""The source of a Python function, found again and checked against the code that runs.

A function's text is captured when it is decorated, because the file may change afterwards, and looked at only when the
function is compiled for the first time. What is found then must compile to the very code object that Python runs: a
text that doesn't is no source but a trap, and is refused.

The module is imported before the first compilation of every program, so it imports nothing that takes time (`inspect`,
`ast`, `tokenize`); line and column numbers are kept right by padding the text instead of shifting the tree.
"""

from __future__ import annotations

import _ast
import os
import sys
import warnings
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

from hasten import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_NESTED = 0x10  # CO_NESTED
_FUTURES = 0x1FE0000  # the flags of `from __future__ import …`
_HISTORY_DEPTH = 200  # how far back a function is looked for in what was typed

_FunctionNode = _ast.FunctionDef | _ast.AsyncFunctionDef | _ast.Lambda


class SourceError(Exception):
    """The source of a function can't be had.

    Parameters
    ----------
    message : str
        What is wrong.
    way_out : str
        What to do about it.
    """

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message, way_out)


class Text:
    """A text that may hold the source of a function, as it was at one moment.

    Parameters
    ----------
    content : str or bytes
        Bytes are decoded when the text is looked at, by the rules of Python's source files.
    """

    __slots__ = ("_lines", "content")

    def __init__(self, content: str | bytes) -> None:
        self.content: str | bytes | None = content
        self._lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """The lines without their ends; lines[0] is line 1."""
        if self._lines is None:
            assert self.content is not None
            text = _decode(self.content) if isinstance(self.content, bytes) else self.content
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            self._lines = text.split("\n")
            self.content = None
        return self._lines


class Segment:
    """The text of one function, which can be pickled and parsed without the rest of its file.

    Parameters
    ----------
    file : str
        The file's name, for messages.
    line : int
        The number of the first of `lines` in the file.
    lines : tuple of str
        Whole lines, decorators first.
    span : tuple of int, or None
        Of a lambda: where it begins in the first line and ends in the last, in UTF-8 bytes.
    """

    __slots__ = ("file", "line", "lines", "span")

    def __init__(self, file: str, line: int, lines: tuple[str, ...], span: tuple[int, int] | None) -> None:
        self.file = file
        self.line = line
        self.lines = lines
        self.span = span

    def export(self) -> tuple[str, int, tuple[str, ...], tuple[int, int] | None]:
        """Return the parameters, from which `restore` makes the source again."""
        return self.file, self.line, self.lines, self.span


class Source:
    """Where the source of one code object is to be found, and the source once it is found.

    It is kept with the code object, so it must not refer to that.

    Parameters
    ----------
    texts : list of Text
        Texts that may hold it, the likeliest first.
    segment : Segment, optional
        The source itself, where it came with a pickled function.
    """

    __slots__ = ("segment", "texts")

    def __init__(self, texts: list[Text], segment: Segment | None = None) -> None:
        self.texts = texts
        self.segment = segment

    def parse(self, function: FunctionType) -> tuple[_FunctionNode, Segment]:
        """Find, check and parse the source.

        Parameters
        ----------
        function : FunctionType
            The function, or another of the same code object.

        Returns
        -------
        node : _ast.FunctionDef, _ast.AsyncFunctionDef or _ast.Lambda
            With lines and columns as in the file.
        segment : Segment
            The text.

        Raises
        ------
        SourceError
            Where there is no source, or it isn't what Python runs.
        """
        code = function.__code__
        if self.segment is not None:
            return _parse_segment(self.segment, code), self.segment
        for text in self.texts:
            node = _find_in_segment(text, function) or _find_in_whole(text, code)
            if node is not None:
                self.segment = _cut(text, node, code)
                self.texts = []
                return node, self.segment
        raise _no_source(code, found_text=bool(self.texts))


class TreeSource(Source):
    """The source of a function that Hasten made itself, from a part of a function of the user's.

    Parameters
    ----------
    node : _ast.FunctionDef
        What it was compiled from, with lines and columns of the user's file.
    segment : Segment
        The user's text.
    """

    __slots__ = ("node",)

    def __init__(self, node: _FunctionNode, segment: Segment) -> None:
        super().__init__([], segment)
        self.node = node

    def parse(self, function: FunctionType) -> tuple[_FunctionNode, Segment]:
        """Return the tree and the user's text."""
        assert self.segment is not None
        return self.node, self.segment


def capture(function: FunctionType) -> Source:
    """Remember where the source of a function lies now.

    Parameters
    ----------
    function : FunctionType
        A Python function.

    Returns
    -------
    Source
        Nothing is parsed yet, and it is no error here that there is no source.
    """
    code = function.__code__
    name = code.co_filename
    texts: list[Text] = []
    snapshot = None if name.startswith("<") else _snapshot(name, function)
    if snapshot is not None:
        texts.append(snapshot)
    texts.extend(_listed_lines(name))
    if snapshot is None:
        texts.extend(_loader_text(name, function))
    word = "lambda" if code.co_name == "<lambda>" else code.co_name
    texts.extend(Text(text) for text in _core.remembered_texts(name, word))
    if name == "<string>":
        texts.extend(_command_text())
    elif _is_standard_input(name):
        texts.extend(_standard_input())
        texts.extend(_typed_texts(code, word))
    return Source(texts)


def restore(segment: tuple[Any, ...]) -> Source:
    """Give a function that was pickled with its source that source back.

    Parameters
    ----------
    segment : tuple
        What `Segment.export` returned in the other process; or the tree of a function that was made from a tree, and
        the segment that it was made from.

    Returns
    -------
    Source
        The source.
    """
    if isinstance(segment[0], _ast.AST):
        node, segment = segment
        return TreeSource(node, _segment(segment))
    return Source([], _segment(segment))


def _segment(exported: tuple[Any, ...]) -> Segment:
    file, line, lines, span = exported
    return Segment(file, line, tuple(lines), None if span is None else tuple(span))


# Where texts come from.

_snapshots: dict[str, tuple[tuple[int, int, int], Text]] = {}
_SNAPSHOTS = 16


def _snapshot(name: str, function: FunctionType) -> Text | None:
    """Read a file; once, as long as it doesn't change."""
    path = name
    try:
        if not os.path.exists(path) and not os.path.isabs(path):
            path = function.__globals__.get("__file__") or path
            if not path.endswith(os.path.basename(name)):
                return None
        status = os.stat(path)
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = _snapshots.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        with open(path, "rb") as file:
            text = Text(file.read())
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    while len(_snapshots) >= _SNAPSHOTS:
        del _snapshots[next(iter(_snapshots))]
    _snapshots[path] = (stamp, text)
    return text


def _listed_lines(name: str) -> Iterator[Text]:
    """Yield what IPython, doctest and others told `linecache`. An entry with a time is a copy of a file."""
    linecache = sys.modules.get("linecache")
    entry = linecache.cache.get(name) if linecache is not None else None
    if entry is not None and len(entry) == 4 and entry[1] is None:
        yield Text("".join(entry[2]))


def _loader_text(name: str, function: FunctionType) -> Iterator[Text]:
    """Yield what the loader of the function's module has: modules in zip files and the like."""
    module = function.__globals__
    spec = module.get("__spec__")
    get_source = getattr(getattr(spec, "loader", None) or module.get("__loader__"), "get_source", None)
    if get_source is None or name.startswith("<"):
        return
    try:
        text = get_source(getattr(spec, "name", None) or module.get("__name__"))
    except (ImportError, OSError, SyntaxError):
        return
    if isinstance(text, str):
        yield Text(text)


def _command_text() -> Iterator[Text]:
    """Yield the program of `python -c`, which was compiled before Hasten could remember it."""
    arguments = iter(sys.orig_argv[1:])
    for argument in arguments:
        if not argument.startswith("-") or argument == "-":
            return
        if argument.startswith("--"):
            if argument == "--check-hash-based-pycs":
                next(arguments, None)
            continue
        flags = argument[1:]
        for position, flag in enumerate(flags):
            rest = flags[position + 1 :]
            if flag == "c":
                yield Text(rest or next(arguments, ""))
                return
            if flag in "WX":
                if not rest:
                    next(arguments, None)
                break
            if flag == "m":
                return


def _standard_input() -> Iterator[Text]:
    """Yield the program of `python < script`, where standard input is a file that can be read again."""
    try:
        status = os.fstat(0)
        if status.st_mode & 0o170000 == 0o100000:
            yield Text(os.pread(0, status.st_size, 0))
    except OSError:
        return


def _is_standard_input(name: str) -> bool:
    """Return whether code of this file name was typed or piped; from Python 3.13 on, typed statements are numbered."""
    return name == "<stdin>" or name.startswith("<stdin>-")


def _typed_texts(code: CodeType, word: str) -> Iterator[Text]:
    """Yield what was typed at Python's own prompt, which only the history of the line editor still has."""
    history = sys.modules.get("readline")
    if history is None:
        return
    length = history.get_current_history_length()
    lines = [history.get_history_item(i) or "" for i in range(max(1, length - _HISTORY_DEPTH + 1), length + 1)]
    for index in range(len(lines) - 1, -1, -1):
        start = index - code.co_firstlineno + 1
        if start >= 0 and (word in lines[index] or lines[index].startswith("@")):
            yield Text("\n".join(lines[start : _last_line(code) + start + 1]))


def _decode(data: bytes) -> str:
    head = data.split(b"\n", 2)[:2]
    if data.startswith(b"\xef\xbb\xbf") or any(b"coding" in line for line in head):
        from importlib.util import decode_source

        return decode_source(data)
    return data.decode("utf-8", "replace")


# How the function is found in a text.


def _find_in_segment(text: Text, function: FunctionType) -> _FunctionNode | None:
    """Look at the function's own lines only, below stand-ins for the imports and the scopes that decide on its code."""
    code = function.__code__
    lines = text.lines
    first = code.co_firstlineno - 1
    if first >= len(lines):
        return None
    indent = _indent(lines[first])
    last = _last_line(code) if code.co_name == "<lambda>" else _block_end(lines, first, _last_line(code))
    scopes = _scopes(code) if indent else []
    frame = [indent[:depth] + scope for depth, scope in enumerate(scopes)]
    imports = _imported_names(code, function.__globals__)
    if imports:
        frame.insert(0, f"import {', '.join(sorted(imports))}")
    if len(scopes) > len(indent) or len(frame) > first:
        return None
    return _find("\n" * (first - len(frame)) + "\n".join([*frame, *lines[first : last + 1], ""]), code)


def _find_in_whole(text: Text, code: CodeType) -> _FunctionNode | None:
    return _find("\n".join(text.lines), code)


def _find(text: str, code: CodeType) -> _FunctionNode | None:
    flags = code.co_flags & _FUTURES
    try:
        with warnings.catch_warnings():  # Python has shown the warnings of this text already
            warnings.simplefilter("ignore")
            tree = compile(text, "<hasten>", "exec", flags | _ast.PyCF_ONLY_AST, True)
            if not _has_code(compile(text, "<hasten>", "exec", flags, True), code):
                return None
    except (SyntaxError, ValueError):
        return None
    return _node_of(tree, code)


def _has_code(outer: CodeType, wanted: CodeType) -> bool:
    for constant in outer.co_consts:
        if isinstance(constant, CodeType) and (_same(constant, wanted) or _has_code(constant, wanted)):
            return True
    return False


def _same(found: CodeType, wanted: CodeType) -> bool:
    if found.co_firstlineno != wanted.co_firstlineno or found.co_name != wanted.co_name:
        return False
    if found == wanted:
        return True
    # pytest rewrites `assert` in the modules that it collects; the names of its variables say so.
    if not any(name.startswith("@py") for name in wanted.co_names + wanted.co_varnames):
        return False
    count = wanted.co_argcount + wanted.co_kwonlyargcount
    return found.co_argcount == wanted.co_argcount and found.co_varnames[:count] == wanted.co_varnames[:count]


def _node_of(tree: _ast.AST, code: CodeType) -> _FunctionNode:
    nodes = list(_functions_at(tree, code.co_firstlineno, code.co_name))
    if len(nodes) == 1:
        return nodes[0]
    spans = [p for p in code.co_positions() if None not in p and p[2:] != (0, 0)]
    if spans:
        start = min((line, column) for line, _, column, _ in spans)
        end = max((line, column) for _, line, _, column in spans)
        # The innermost body that holds all of the code.
        return max((n for n in nodes if _holds(n, start, end)), key=lambda n: (n.lineno, n.col_offset))
    if all(column is None for _, _, column, _ in code.co_positions()):
        raise SourceError(
            "several functions begin in this line, and Python was started without columns to tell them apart",
            "Write one function a line, or start Python without -X no_debug_ranges and PYTHONNODEBUGRANGES.",
        )
    # Python 3.12 gives a body that is a constant no columns.
    return next(n for n in nodes if isinstance(n, _ast.Lambda) and _shape(_code_of(n)) == _shape(code))


def _functions_at(node: _ast.AST, line: int, name: str) -> Iterator[_FunctionNode]:
    for field in node._fields:
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else (value,):
            if not isinstance(child, _ast.AST):
                continue
            start = getattr(child, "lineno", line)
            decorators = getattr(child, "decorator_list", None)
            if decorators:
                start = decorators[0].lineno
            if not start <= line <= (getattr(child, "end_lineno", None) or line):
                continue
            if start == line and isinstance(child, _FunctionNode) and getattr(child, "name", "<lambda>") == name:
                yield child
            yield from _functions_at(child, line, name)


def _holds(node: _FunctionNode, start: tuple[Any, ...], end: tuple[Any, ...]) -> bool:
    first, last = (node.body[0], node.body[-1]) if isinstance(node.body, list) else (node.body, node.body)
    return (first.lineno, first.col_offset) <= start and end <= (last.end_lineno or 0, last.end_col_offset or 0)


def _code_of(node: _ast.Lambda) -> CodeType:
    compiled: CodeType = compile(_ast.Expression(node), "<hasten>", "eval", 0, True)
    return next(constant for constant in compiled.co_consts if isinstance(constant, CodeType))


def _shape(code: CodeType) -> tuple[object, ...]:
    constants = [(type(constant), constant) for constant in code.co_consts]
    return code.co_code, constants, code.co_varnames, code.co_argcount, code.co_posonlyargcount


def _scopes(code: CodeType) -> list[str]:
    """Return headings of blocks below which the function's lines compile to the same code: scopes decide on names."""
    names = code.co_qualname.split(".")[:-1]
    function = f"def _({', '.join(name for name in code.co_freevars if not name.startswith('.'))}):"
    nested = code.co_flags & _NESTED
    for index in range(len(names) - 1, -1, -1):
        if names[index] != "<locals>" and names[index + 1 : index + 2] != ["<locals>"]:
            scope = f"class {names[index]}:"
            if index != len(names) - 1:
                return [scope, function]
            return [function, scope] if nested else [scope]
    return [function] if nested else ["if 1:"]


def _imported_names(code: CodeType, names: dict[str, Any]) -> set[str]:
    """Return the globals that were probably imported: Python compiles calls of their attributes differently."""
    found = set()
    for name in code.co_names:
        value = names.get(name)
        if isinstance(value, ModuleType) or (
            isinstance(value, (type, FunctionType, BuiltinFunctionType)) and value.__module__ != names.get("__name__")
        ):
            found.add(name)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _imported_names(constant, names)
    return found


def _last_line(code: CodeType) -> int:
    """Return the index of the last line that an instruction of the function begins in."""
    return max(line or 1 for _, _, line in code.co_lines()) - 1


def _block_end(lines: list[str], first: int, last: int) -> int:
    """Return the last line that is indented deeper than the first; dead code has no instructions to tell of it."""
    depth = len(_indent(lines[first]).expandtabs())
    for index in range(last + 1, len(lines)):
        indent = _indent(lines[index])
        if len(indent) == len(lines[index]) or lines[index][len(indent)] == "#":
            continue
        if len(indent.expandtabs()) <= depth:
            break
        last = index
    return last


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t\f"))]


def _cut(text: Text, node: _FunctionNode, code: CodeType) -> Segment:
    first = code.co_firstlineno
    last = node.end_lineno or first
    span = (node.col_offset, node.end_col_offset or 0) if isinstance(node, _ast.Lambda) else None
    return Segment(code.co_filename, first, tuple(text.lines[first - 1 : last]), span)


def _parse_segment(segment: Segment, code: CodeType) -> _FunctionNode:
    flags = code.co_flags & _FUTURES | _ast.PyCF_ONLY_AST
    lines = list(segment.lines)
    if segment.span is None:
        above = ["if 1:"] if _indent(lines[0]) else []
        text = "\n" * (segment.line - 1 - len(above)) + "\n".join([*above, *lines, ""])
        tree: _ast.AST = compile(text, "<hasten>", "exec", flags, True)
    else:
        start, end = segment.span
        lines[-1] = lines[-1].encode()[:end].decode()
        lines[0] = " " * start + lines[0].encode()[start:].decode()
        # The bracket stands in front of the lambda, wherever there is room, so that breaks and indents mean nothing.
        text = "\n" * (segment.line - 1) + "\n".join(lines)
        if text[0] in " \n":
            text = "(" + (text if text[0] == "\n" else text[1:]) + "\n)"
        tree = compile(text, "<hasten>", "eval", flags, True)
    return next(_functions_at(tree, segment.line, code.co_name))


def _no_source(code: CodeType, *, found_text: bool) -> SourceError:
    name = code.co_qualname
    place = f"{code.co_filename}, line {code.co_firstlineno}"
    if found_text:
        return SourceError(
            f"the text of {name} in {place} is not what Python runs",
            "The file was changed after Python loaded it, or a tool rewrote the code: start Python anew.",
        )
    if _is_standard_input(code.co_filename):
        return SourceError(
            f"the source of {name} was typed or piped into Python's standard input, and is gone",
            "Write the program to a file, or use `python -c`, IPython or a notebook, whose cells Hasten remembers.",
        )
    why = f"there is no file {code.co_filename!r}"
    if code.co_filename.startswith("<"):
        why = f"it was compiled from a text, {code.co_filename}, that Hasten doesn't remember"
    return SourceError(
        f"the source of {name} can't be found: {why}",
        "Import hasten before the text is compiled, or put the function into a file.",
    )
