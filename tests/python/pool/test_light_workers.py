"""Workers of the template do without multiprocessing, and are what they would be had they imported it at once."""

import marshal
import os
import py_compile
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hasten._pool import template_code

ROOT = Path(__file__).parents[3]


def run_file(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(text))
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, cwd=ROOT)


def test_a_worker_has_imported_nothing_that_takes_long(tmp_path: Path) -> None:
    # A program of its own: the main module of the tests may import anything.
    ended = run_file(
        tmp_path,
        """
        import hasten
        if __name__ == "__main__":
            import sys
            late = {"multiprocessing", "typing", "pathlib", "traceback", "enum", "re", "socket", "pickle", "numpy"}
            late |= {"functools", "collections", "hasten._core"}
            with hasten.Pool(1) as pool:
                print(late.intersection(pool.apply(eval, ("[*__import__('sys').modules]",))))
        """,
    )
    assert ended.stdout == "set()\n", ended.stderr


def test_a_workers_functools_is_whole(tmp_path: Path) -> None:
    ended = run_file(
        tmp_path,
        """
        import hasten
        if __name__ == "__main__":
            import functools
            with hasten.Pool(1) as pool:
                print(pool.apply(functools.partial(max, 2), (3,)))
                print(pool.apply(eval, ("__import__('functools').reduce",)))
        """,
    )
    assert ended.stdout == "3\n<built-in function reduce>\n", ended.stderr


def test_all_that_a_template_imports_at_its_start_is_sent(tmp_path: Path) -> None:
    ended = run_file(
        tmp_path,
        """
        import hasten
        def read_from_files():
            import sys
            loaders = {name: type(getattr(module, "__loader__", None)) for name, module in sys.modules.items()}
            found = [name for name, loader in loaders.items() if loader.__name__ == "SourceFileLoader"]
            folder = sys.modules["hasten._pool"].__path__[0]
            return found + [name for name in sys.path_importer_cache if name in (folder, folder.rpartition("/")[0])]
        if __name__ == "__main__":
            import subprocess, sys
            bare = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], stdout=-1, text=True)
            with hasten.Pool(1) as pool:
                print({*pool.apply(read_from_files)} - {*bare.stdout.split()})
        """,
    )
    assert ended.stdout == "{'hasten'}\n", ended.stderr


def test_code_that_was_sent_is_found_in_its_file(tmp_path: Path) -> None:
    ended = run_file(
        tmp_path,
        """
        import hasten
        def show():
            import importlib, inspect
            from hasten._pool import child
            first = inspect.getsource(child).partition(chr(10))[0]
            return first, importlib.reload(child).__file__ == child.__file__, inspect.getsource(show)[:10]
        if __name__ == "__main__":
            with hasten.Pool(1) as pool:
                print(*pool.apply(show), sep=chr(10))
        """,
    )
    first, reloads, shown = ended.stdout.splitlines()
    assert first.startswith('"""What runs in a process that the template forked') and reloads == "True", ended.stderr
    assert shown == "def show()"


@pytest.mark.parametrize("is_hashed", [False, True])
def test_bytecode_is_sent_only_where_it_is_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_hashed: bool
) -> None:
    name = f"module_that_changes_{is_hashed}"
    source = tmp_path / f"{name}.py"
    source.write_text("value = 1")
    mode = py_compile.PycInvalidationMode.CHECKED_HASH if is_hashed else py_compile.PycInvalidationMode.TIMESTAMP
    os.utime(source, (1, 1))
    py_compile.compile(str(source), invalidation_mode=mode)
    monkeypatch.syspath_prepend(tmp_path)
    for text, value in (("value = 1", 1), ("value = 2  # longer", 2)):
        source.write_text(text)
        os.utime(source, (1, value))
        found = template_code._read(name)
        assert found is not None and found[0] == str(source)
        names: dict[str, object] = {}
        exec(marshal.loads(found[1]), names)
        assert names["value"] == value


def test_a_main_module_that_does_not_compile_any_more_is_reported(tmp_path: Path) -> None:
    ended = run_file(
        tmp_path,
        """
        import hasten
        if __name__ == "__main__":
            with open(__file__, "w") as file:
                file.write("this is no program")
            hasten.Pool(1)
        """,
    )
    assert "RuntimeError: A worker process can't import the program's main module" in ended.stderr
    assert "SyntaxError: " in ended.stderr


IDENTITY = """
import hasten
{imports}
def describe():
    import multiprocessing.context
    import os
    from multiprocessing import current_process, get_start_method, parent_process
    me, parent = current_process(), parent_process()
    facts = [me.name.partition("PoolWorker")[2], me.daemon, me.pid == os.getpid(), bytes(me.authkey), me.is_alive()]
    return [*facts, parent.pid, parent.name, parent.is_alive(), get_start_method(), hasattr(me, "_inheriting")]
if __name__ == "__main__":
    import multiprocessing
    multiprocessing.set_start_method("spawn")
    multiprocessing.current_process().authkey = b"secret"
    found = []
    for method in ("template", "spawn"):
        with hasten.Pool(1, context=method) as pool:
            found.append(pool.apply(describe))
    print(*found[0][:5])
    print([ours == theirs for ours, theirs in zip(*found)].count(False))
"""


@pytest.mark.parametrize("imports", ["", "import multiprocessing", "from hasten import Pool"])
def test_a_worker_finds_itself_in_multiprocessing(tmp_path: Path, imports: str) -> None:
    ended = run_file(tmp_path, IDENTITY.format(imports=imports))
    name_and_rest = ended.stdout.splitlines()
    assert name_and_rest[0].split() == ["-1", "True", "True", "b'secret'", "True"], ended.stderr
    assert name_and_rest[1].strip() == "1"  # the number in the name


def test_what_a_process_ends_with(tmp_path: Path) -> None:
    ended = run_file(
        tmp_path,
        """
        import atexit, sys, hasten
        def say_goodbye():
            from multiprocessing import util
            util.Finalize(None, print, ("finalized",), exitpriority=1)
            sys.exit("goodbye")
        def fail():
            print("not flushed", end=" ")
            raise LookupError("nothing here")
        def work_on():
            import threading, time
            threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
        if __name__ == "__main__":
            for target in (say_goodbye, fail, work_on, sys.exit):
                process = hasten.get_context("template").Process(target=target, name=target.__name__)
                process.start()
                process.join()
                print(process.exitcode, flush=True)
        """,
    )
    assert ended.stdout == "finalized\n1\nnot flushed 1\nthread\n0\n0\n", ended.stderr
    assert ended.stderr.startswith("goodbye\nProcess fail:\nTraceback")
    assert ended.stderr.endswith("LookupError: nothing here\n")


def test_results_that_only_multiprocessing_can_pickle(tmp_path: Path) -> None:
    ended = run_file(
        tmp_path,
        """
        import hasten
        def connect():
            import socket
            return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if __name__ == "__main__":
            with hasten.Pool(1) as pool:
                print(pool.apply(connect).type.name)
                print(pool.apply(dict, (), {"a": {1}}))
        """,
    )
    assert ended.stdout == "SOCK_DGRAM\n{'a': {1}}\n", ended.stderr


SHARED = """
import os, sys
import hasten
def make():
    from multiprocessing import shared_memory
    block = shared_memory.SharedMemory(create=True, size=100)
    block.buf[0] = 7
    block.close()
    return block.name
def children():
    with open(f"/proc/{{os.getppid()}}/task/{{os.getppid()}}/children") as file:
        return len(file.read().split())
if __name__ == "__main__":
    from multiprocessing import shared_memory
    with hasten.Pool(1) as pool:
        print(pool.apply(children))
        name = pool.apply(make)
    with hasten.Pool(1) as pool:
        print(pool.apply(children))
    block = shared_memory.SharedMemory(name)
    print(block.buf[0], name)
    block.close()
    {end}
"""


@pytest.mark.parametrize("is_unlinked", [True, False])
def test_the_resource_tracker_is_started_by_its_first_use(tmp_path: Path, is_unlinked: bool) -> None:
    ended = run_file(tmp_path, SHARED.format(end="block.unlink()" if is_unlinked else ""))
    # The worker alone; the worker and the tracker, by which the block has outlived the worker that made it.
    assert ended.stdout.startswith("1\n2\n7 "), ended.stderr
    assert ("leaked shared_memory" in ended.stderr) is not is_unlinked
    assert ended.stdout.split()[-1] not in os.listdir("/dev/shm")


@pytest.mark.parametrize(("seed", "different"), [("", 2), ("numpy.random.seed(3)", 1)])
def test_random_numbers_differ_unless_the_main_module_seeds_them(tmp_path: Path, seed: str, different: int) -> None:
    ended = run_file(
        tmp_path,
        f"""
        import hasten, numpy.random
        {seed}
        def draw():
            return numpy.random.random()
        if __name__ == "__main__":
            with hasten.Pool(1) as one, hasten.Pool(1) as other:
                print(len({{one.apply(draw), other.apply(draw)}}))
        """,
    )
    assert ended.stdout == f"{different}\n", ended.stderr
