"""The source of a function is found wherever Python had it from, and is refused where it isn't what runs."""

from __future__ import annotations

import gc
import os
import pty
import subprocess
import sys
import textwrap
import types
import weakref
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hasten import _core


def tree(function: Callable[..., Any], spans: bool = False) -> str:
    return _core.debug_syntax(function, spans).strip()


def define(path: Path, text: str, name: str = "f", encoding: str = "utf-8") -> Callable[..., Any]:
    """Write a module and run it."""
    path.write_bytes(textwrap.dedent(text).encode(encoding))
    names: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    function = names[name]
    assert isinstance(function, types.FunctionType)
    return function


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


def plain(x: int, y: int) -> int:
    return x + y


def decorator(*_: object) -> Callable[[Any], Any]:
    return lambda function: function


@decorator(
    1,
    2,
)
@decorator()
def decorated(x: int) -> int:
    # the first comment

    # the second
    return x


class Shape:
    __side = 3

    def area(self, scale: int) -> int:
        return self.__side * scale

    @staticmethod
    def one_line() -> int:
        return 1

    def factory(self, scale: int) -> Callable[[int], int]:
        def inner(x: int) -> int:
            return x * scale + self.__side

        return inner

    def super_factory(self) -> Callable[[], object]:
        def inner() -> object:
            return super().__init__()  # type: ignore[misc]

        return inner


def test_a_function_of_a_file() -> None:
    assert tree(plain) == "def plain(x y)\n  return (+ x y)"


def test_decorators_are_no_part_of_the_function() -> None:
    assert tree(decorated) == "def decorated(x)\n  return x"


def test_methods_and_closures() -> None:
    assert tree(Shape.area).endswith("return (* (.__side self) scale)")
    assert tree(Shape.one_line) == "def one_line()\n  return 1"
    assert tree(Shape().factory(2)).endswith("return (+ (* x scale) (.__side self))")
    assert tree(Shape().super_factory()).endswith("return (call (.__init__ (call super)))")


def test_closures_over_one_code_object_share_their_source() -> None:
    assert tree(Shape().factory(1)) == tree(Shape().factory(2))


TWO: Any = (lambda x: x + 1, lambda x: x + 2)
CONSTANTS: Any = [lambda: 1, lambda: 2, lambda: 1.0, lambda a: 2]
NESTED: Any = lambda x: lambda y: (x, y)  # noqa: E731
LONG: Any = [
    lambda x: x,
    (lambda é, x: "é" + é + x),
][1]
DEFAULT: Any = lambda a, b=(lambda c: c): b(a)  # noqa: E731


def test_lambdas_are_told_apart_by_their_columns() -> None:
    assert [tree(f) for f in TWO] == ["def <lambda>(x)\n  return (+ x 1)", "def <lambda>(x)\n  return (+ x 2)"]
    assert tree(NESTED) == "def <lambda>(x)\n  return (lambda (y) (tuple x y))"
    assert tree(NESTED(1)) == "def <lambda>(y)\n  return (tuple x y)"
    assert tree(DEFAULT).startswith("def <lambda>(a b)")
    assert tree(DEFAULT.__defaults__[0]) == "def <lambda>(c)\n  return c"


def test_lambdas_whose_bodies_are_constants() -> None:
    bodies = [tree(f).splitlines()[1].strip() for f in CONSTANTS]
    assert bodies == ["return 1", "return 2", "return float:1", "return 2"]
    assert tree(CONSTANTS[3]).startswith("def <lambda>(a)")


def test_a_lambda_over_several_lines() -> None:
    assert tree(LONG).endswith('return (+ (+ "é" é) x)')


def test_columns_are_characters_and_lines_are_the_files(tmp_path: Path) -> None:
    f = define(tmp_path / "m.py", "\n\ndef f(ä):\n    return ä + 'ö' + ä\n")
    assert tree(f, spans=True) == '3:0-4:22 def f(ä)\n  4:4-4:22 return (+ (+ ä "ö") ä)'


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("def f():\r\n\treturn 'x'\r\n", "utf-8"),
        ("# -*- coding: latin-1 -*-\ndef f():\n    return 'ä'\n", "latin-1"),
        ("\ufeffdef f():\n    return 1\n", "utf-8"),
        ("if True:\n\tif True:\n\t\tdef f():\n\t\t\treturn 1\n", "utf-8"),
        ("def f():\n    return '''a\nb\n'''\n", "utf-8"),
        ("def f():\n    return (1,\n  2)\n", "utf-8"),
        ("def f():\n    if 0:\n        return 3\n    yield 1\n    return\n    x = 1\n", "utf-8"),
        ("import math as m\ndef f(x):\n    return m.sqrt(x.real())\n", "utf-8"),
        ("try:\n    import math as m\nexcept ImportError:\n    m = 0\ndef f(x):\n    return m.sqrt(x)\n", "utf-8"),
        ("from __future__ import annotations\ndef f(x: y):\n    def g(z: u): return z\n    return g\n", "utf-8"),
        ("def f(): return 1", "utf-8"),
        ("def f():\n    return '\\d', 1 is 1\n", "utf-8"),
    ],
)
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_files_of_all_kinds(tmp_path: Path, text: str, encoding: str) -> None:
    assert " f(" in tree(define(tmp_path / "m.py", text, encoding=encoding))


def test_warnings_of_a_text_are_shown_once(tmp_path: Path) -> None:
    with pytest.warns(SyntaxWarning):
        f = define(tmp_path / "m.py", "def f():\n    return 1 is 1\n")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tree(f).endswith("return (is 1 1)")


def test_dead_code_belongs_to_the_function(tmp_path: Path) -> None:
    f = define(tmp_path / "m.py", "def f(x):\n    return x\n    y = 1\n\n    # the end\ndef g(): pass\n")
    assert tree(f).splitlines() == ["def f(x)", "  return x", "  assign y = 1"]


def test_an_assert_that_pytest_rewrote_is_the_one_of_the_file() -> None:
    def checked(x: int) -> int:
        assert x > 0, "positive"
        return x

    assert tree(checked).splitlines()[1:] == ['  assert (> x 0) : "positive"', "  return x"]


def test_the_text_is_that_of_the_decoration(tmp_path: Path) -> None:
    f = define(tmp_path / "m.py", "def f(x):\n    return x\n")
    _core.capture_source(f)
    (tmp_path / "m.py").write_text("def f(x):\n    return x + 1\n")
    assert tree(f).endswith("return x")


@pytest.mark.parametrize(
    "later",
    ["def f(x):\n    return x + 2\n", "# moved\ndef f(x):\n    return x + 1\n", "def g(x):\n    return x + 1\n", ""],
)
def test_a_file_that_changed_before_is_refused(tmp_path: Path, later: str) -> None:
    f = define(tmp_path / "m.py", "def f(x):\n    return x + 1\n")
    (tmp_path / "m.py").write_text(later)
    with pytest.raises(
        Exception, match=r"the text of f in .*m\.py, line 1 is not what Python runs\n.*start Python anew"
    ):
        tree(f)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    f = define(tmp_path / "m.py", "def f(x):\n    return x\n")
    (tmp_path / "m.py").unlink()
    with pytest.raises(Exception, match=r"source of f can't be found: there is no file .*m\.py"):
        tree(f)


def test_texts_that_never_were_in_a_file_are_remembered() -> None:
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    exec("def f(x):\n  return x + 1", first)
    exec("def f(x):\n  return x + 2", second)
    assert tree(first["f"]).endswith("(+ x 1)")
    assert tree(second["f"]).endswith("(+ x 2)")
    assert tree(eval("lambda x: -x")).endswith("(- x)")
    exec(compile("\ndef f(x): return x", "<ipython-input-3>", "exec"), first)
    assert tree(first["f"], spans=True).startswith("2:0-2:18 def f(x)")


def test_texts_of_files_are_not_remembered(tmp_path: Path) -> None:
    define(tmp_path / "m.py", "def f(x):\n    return x\n")
    assert _core.remembered_texts(str(tmp_path / "m.py"), "f") == []
    assert _core.remembered_texts(__file__, "def") == []


def test_the_memory_of_texts_is_bounded() -> None:
    filler = "def filler(): pass\n#" + 1_000_000 * "x"
    compile("def the_oldest(): pass", "<filler>", "exec")
    for number in range(20):
        compile(filler + str(number), "<filler>", "exec")
    assert len(_core.remembered_texts("<filler>", "the_oldest")) == 1
    for number in range(20, 40):
        compile(filler + str(number), "<filler>", "exec")
    assert _core.remembered_texts("<filler>", "the_oldest") == []
    assert _core.remembered_texts("<filler>", "filler")[0] == filler + "39"


def test_texts_known_to_linecache_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import linecache

    text = "def f(x):\n    return x\n"
    names: dict[str, Any] = {}
    exec(compile(text, "<made>", "exec"), names)
    monkeypatch.setitem(
        linecache.cache, "<made elsewhere>", (len(text), None, text.splitlines(True), "<made elsewhere>")
    )
    code = names["f"].__code__.replace(co_filename="<made elsewhere>")
    assert tree(types.FunctionType(code, {})).endswith("return x")


def test_a_module_in_a_zip_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "library.zip", "w") as archive:
        archive.writestr("zipped_for_hasten.py", "def f(x):\n    return x * 2\n")
    monkeypatch.syspath_prepend(str(tmp_path / "library.zip"))
    import zipped_for_hasten  # type: ignore[import-not-found]

    assert tree(zipped_for_hasten.f).endswith("(* x 2)")


PROGRAM = """
from hasten import _core
def f(x):
    return x - 1
print(_core.debug_syntax(f, True))
"""


def test_the_command_line() -> None:
    for options in (["-c"], ["-Wignore", "-X", "utf8", "-Bc"], ["-W", "ignore", "-c"]):
        done = run(*options, PROGRAM)
        assert "3:0-4:16 def f(x)" in done.stdout, done.stderr
    assert "return (- x 1)" in run("-c" + PROGRAM).stdout


def test_standard_input(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    with open(tmp_path / "program.py") as file:
        assert "return (- x 1)" in run(stdin=file).stdout
    piped = run("-", input=PROGRAM)
    assert "typed or piped into Python's standard input" in piped.stderr
    assert "Write the program to a file" in piped.stderr


def test_the_prompt(tmp_path: Path) -> None:
    typed = "from hasten import _core\ndef f(x):\n    return x - 1\n\n_core.debug_syntax(f)\nexit()\n"
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "PYTHON_HISTORY": str(tmp_path / "history"), "HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-i", "-q"], stdin=follower, stdout=follower, stderr=follower, env=environment, close_fds=True
    ) as shell:
        os.close(follower)
        os.write(leader, typed.encode())
        shell.wait(timeout=60)
        shown = b""
        try:
            while piece := os.read(leader, 4096):
                shown += piece
        except OSError:  # the other end is closed
            pass
    os.close(leader)
    assert b"return (- x 1)" in shown, shown


def test_without_columns(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "from hasten import _core\n"
        "def f(x):\n    return x\n"
        "one = lambda x: x\n"
        "two = [lambda x: x + 1, lambda x: x - 1]\n"
        "print(_core.debug_syntax(f), _core.debug_syntax(one))\n"
        "_core.debug_syntax(two[1])\n"
    )
    done = run("-X", "no_debug_ranges", "m.py", cwd=tmp_path)
    assert done.stdout.split() == ["def", "f(x)", "return", "x", "def", "<lambda>(x)", "return", "x"]
    assert "several functions begin in this line" in done.stderr


def test_code_that_was_rewritten_is_refused(tmp_path: Path) -> None:
    f = define(tmp_path / "m.py", "def f(x):\n    return x + 1\n")
    code = f.__code__.replace(co_consts=tuple(2 if c == 1 else c for c in f.__code__.co_consts), co_names=("y",))
    with pytest.raises(Exception, match="not what Python runs"):
        tree(types.FunctionType(code, {}))


@pytest.mark.parametrize("value", [len, int, Shape, Shape().area, 3])
def test_only_python_functions_have_a_source(value: Any) -> None:
    with pytest.raises(Exception, match="only Python functions can be compiled"):
        tree(value)


def test_coroutines_are_refused() -> None:
    async def coroutine() -> int:
        return 1

    with pytest.raises(Exception, match=r"coroutine is a coroutine \(async def\)"):
        tree(coroutine)


@pytest.mark.parametrize(
    "function", [plain, decorated, Shape.area, Shape().factory(1), TWO[1], NESTED(1), LONG, DEFAULT]
)
def test_a_source_travels_with_a_pickled_function(function: types.FunctionType) -> None:
    exported = _core.export_source(function)
    code = function.__code__.replace(co_filename="/nowhere/at/all.py")
    elsewhere = types.FunctionType(code, {}, closure=function.__closure__)
    _core.import_source(elsewhere, exported)
    assert tree(elsewhere, spans=True) == tree(function, spans=True)
    assert _core.export_source(elsewhere) == exported


def test_a_source_dies_with_its_code(tmp_path: Path) -> None:
    f = define(tmp_path / "m.py", "def f(x):\n    return x\n")
    tree(f)
    code = weakref.ref(f.__code__)
    del f
    gc.collect()
    assert code() is None


def test_what_is_nested_too_deeply_is_refused() -> None:
    text = "def f(x):\n    return " + " + ".join(["x"] * 2000) + "\n"
    names: dict[str, Any] = {}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        exec(text, names)
        with pytest.raises(
            Exception, match=r"(?s)line 2, in f.*nested more than 1000 levels deep.*Split the expression"
        ):
            tree(names["f"])
    finally:
        sys.setrecursionlimit(limit)
