"""``hasten run`` against ``python``: the same program must see and do the same."""

import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

FACTS = """
import os, sys
print(sys.argv)
print(sys.path[0])
print(__name__, __package__, __doc__, globals().get("__file__"), globals().get("__cached__"))
print(__spec__ and __spec__.name, type(__loader__), sorted(globals()), __builtins__)
print(sys.modules["__main__"].__dict__ is globals())
"""


def python(*arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload]


def hasten(*arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return python("-m", "hasten", "run", *arguments, **options)


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return str(path)


@pytest.fixture
def program(tmp_path: Path) -> str:
    return write(tmp_path, "program.py", FACTS)


def assert_same(arguments: list[str], cwd: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    plain, ours = python(*arguments, cwd=cwd, **options), hasten(*arguments, cwd=cwd, **options)
    assert (ours.stdout, ours.stderr, ours.returncode) == (plain.stdout, plain.stderr, plain.returncode)
    return ours


@pytest.mark.parametrize("spelling", ["program.py", "./program.py", "../{}/program.py"])
def test_a_script_sees_what_python_shows_it(program: str, tmp_path: Path, spelling: str) -> None:
    result = assert_same([spelling.format(tmp_path.name), "one", "--help", "-m", "two words"], tmp_path)
    assert result.returncode == 0 and "--help" in result.stdout


def test_an_absolute_path_and_a_link(program: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link.py").symlink_to(program)
    assert_same([program], elsewhere)
    assert_same(["link.py"], elsewhere)


def test_a_module(program: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    write(package, "__init__.py", "")
    write(package, "__main__.py", FACTS)
    assert_same(["-m", "package", "-m", "x"], tmp_path)
    assert_same(["-m", "program"], tmp_path)
    assert_same(["-m", "no_such_module"], tmp_path)


def test_code_and_stdin(tmp_path: Path) -> None:
    assert_same(["-c", FACTS, "a"], tmp_path)
    assert_same(["-", "a", "b"], tmp_path, input=FACTS)
    assert_same(["-"], tmp_path, input="def f():\n  raise ValueError('x')\nf()\n")


def test_a_folder_a_zip_file_and_byte_code(tmp_path: Path, program: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder, "__main__.py", FACTS)
    assert_same(["folder", "a"], tmp_path)
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        archive.writestr("__main__.py", FACTS)
    assert_same(["program.zip", "a"], tmp_path)
    python("-c", "import py_compile; py_compile.compile('program.py', 'compiled.pyc')", cwd=tmp_path)
    assert_same(["compiled.pyc", "a"], tmp_path)


def test_safe_path_is_respected(program: str, tmp_path: Path) -> None:
    environment = dict(os.environ, PYTHONSAFEPATH="1")
    assert_same([program], tmp_path, env=environment)


@pytest.mark.parametrize(
    "body",
    [
        "def f():\n  return 1 / 0\nf()",
        "def broken(:\n  pass",
        "try:\n  {}['x']\nexcept KeyError as e:\n  raise RuntimeError('y') from e",
        "import sys\nsys.exit(7)",
        "raise SystemExit",
        "raise SystemExit('a message')",
        "raise KeyboardInterrupt",
        "import sys\nsys.excepthook = lambda *a: print(a[0], a[2].tb_lineno, sys.last_type)\nraise ValueError(1)",
        "import sys\ndef hook(*a):\n  raise TypeError('in hook')\nsys.excepthook = hook\nraise ValueError(1)",
        "import atexit\natexit.register(print, 'at exit')\nraise ValueError(1)",
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('t'))).start()\n1 / 0",
        "import threading\nthreading.Thread(target=lambda: 1 / 0, name='T').start()",
        "import no_such_module_anywhere",
        "import threading\nprint(threading.no_such_name)",
        "# coding: latin-1\nprint('\\xe9')",
        "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
        "import os\nos._exit(5)",
    ],
)
def test_endings(tmp_path: Path, body: str) -> None:
    (tmp_path / "ending.py").write_text(body, encoding="latin-1")
    result = assert_same(["ending.py"], tmp_path)
    assert "hasten" not in result.stderr


def test_a_missing_script(tmp_path: Path) -> None:
    result = hasten("missing.py", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == f"hasten: can't open file '{tmp_path}/missing.py': [Errno 2] No such file or directory\n"


def test_ctrl_c_ends_the_program_as_it_ends_python(tmp_path: Path) -> None:
    script = write(tmp_path, "wait.py", "import time\nprint('ready', flush=True)\ntime.sleep(60)")
    with subprocess.Popen(
        [sys.executable, "-m", "hasten", "run", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert errors.startswith("Traceback (most recent call last):\n  File ") and errors.endswith("\nKeyboardInterrupt\n")
    assert "hasten" not in errors


def test_the_drop_ins_are_in_place(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "modules.py",
        """
        import concurrent.futures, functools, multiprocessing, queue, subprocess, threading
        from concurrent import futures
        import multiprocessing.managers, multiprocessing.dummy.connection
        from multiprocessing.pool import ThreadPool
        for module in concurrent.futures, futures, functools, multiprocessing, queue, subprocess, threading:
            print(module.__name__)
        print(multiprocessing.managers.__name__)
        print(multiprocessing.dummy.connection.__name__)
        """,
    )
    names = "futures futures functools multiprocessing queue subprocess threading"
    expected = [
        *(f"hasten.{name}" for name in names.split()),
        "multiprocessing.managers",
        "multiprocessing.dummy.connection",
    ]
    assert hasten(script).stdout.splitlines() == expected


POOL = """
import concurrent.futures, multiprocessing, sys, threading

def work(x):
    return x * x, threading.__name__, __name__

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        print(pool.map(work, [1, 2]))
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        print(executor.submit(work, 3).result())
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("how", ["script", "module"])
def test_child_processes_have_the_drop_ins(tmp_path: Path, method: str, how: str) -> None:
    write(tmp_path, "pooled.py", POOL)
    result = hasten(*(["pooled.py"] if how == "script" else ["-m", "pooled"]), method, cwd=tmp_path)
    name = "__main__" if method == "fork" else "__mp_main__"
    expected = (
        f"[(1, 'hasten.threading', '{name}'), (4, 'hasten.threading', '{name}')]\n(9, 'hasten.threading', '{name}')\n"
    )
    assert (result.stdout, result.stderr, result.returncode) == (expected, "", 0)


NUMBA = """
import multiprocessing, sys
from numba import njit
import numba.core.types as types
from numba.core import types as again


@njit
def total(n):
    s = 0
    for i in range(n):
        s += i
    return s


def facts(n):
    return total(n), total.__module__, len(total.signatures), sys.modules["numba"].__name__


if __name__ == "__main__":
    print(facts(5), types is again, types.__name__)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(facts, [6]))
    try:
        import numba.no_such_part
    except ModuleNotFoundError as error:
        print(error.name)
"""


def test_numba_is_answered_where_it_is_not_installed(tmp_path: Path) -> None:
    write(tmp_path, "uses.py", NUMBA)
    result = hasten("uses.py", cwd=tmp_path)
    assert result.stdout.splitlines() == [
        "(10, '__main__', 1, 'hasten.numba') True hasten.numba.core.types",
        "(15, '__mp_main__', 1, 'hasten.numba')",
        "numba.no_such_part",
    ], result.stderr
