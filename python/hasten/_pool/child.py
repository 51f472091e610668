"""What runs in a process that the template forked: it becomes what the parent described."""

from __future__ import annotations

import _pickle as pickle  # what pickle and signal import takes a new worker milliseconds
import _signal as signal  # type: ignore[import-not-found]
import builtins
import io
import marshal
import os
import sys

from hasten._pool.identity import identity, make_process

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import IO, Any

# What of the preparation that multiprocessing sends to new processes is about multiprocessing itself.
_SETTINGS = frozenset({"name", "authkey", "log_to_stderr", "log_level", "orig_dir", "start_method"})
_OWN = frozenset({"sys_path", "sys_argv", "dir", "init_main_from_path"})

_inherited: list[int] = []


class Inherited:
    """A descriptor on its way to a child.

    Parameters
    ----------
    index
        Which of those that the request came with.
    """

    def __init__(self, index: int) -> None:
        self.index = index

    def detach(self) -> int:
        """Return the descriptor, in the child."""
        return _inherited[self.index]


def run(data: int, parent: int, tracker: int, *descriptors: int) -> int:
    """Be the process that the data describe, and return its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _inherited[:] = descriptors
    _seed_numpy()
    with open(data, "rb") as file:
        prepare(file, tracker)
        described = identity.while_inheriting(lambda: pickle.load(file))
    if isinstance(described, dict):
        if not identity.is_needed():
            return _run_lightly(described, parent)
        described = make_process(described)
    return described._bootstrap(parent)  # type: ignore[no-any-return]


def _seed_numpy() -> None:
    """Let NumPy's global generator differ from other processes', as where each imports NumPy itself.

    What the main module has seeded stays as it is.
    """
    generator = getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    bits = getattr(generator, "_bit_generator", None)
    if type(bits).__name__ == "MT19937" and getattr(bits, "seed_seq", None) is not None:
        generator.seed()  # type: ignore[union-attr]


def prepare(file: IO[bytes], tracker: int, is_template: bool = False) -> None:
    """Take over what the file says of environment, paths and settings, and import the main module if it says so.

    What a template is sent ends with the code of the main module, if that could be compiled.
    """
    file.seek(0)
    environment = pickle.load(file)
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    identity.tracker = tracker
    preparation = pickle.load(file)
    main = file.read() if is_template else b""
    identity.while_inheriting(lambda: _prepare_modules(preparation, main))


def _prepare_modules(preparation: dict[str, Any], main: bytes) -> None:
    """Do what `spawn.prepare` does, where it can be without what takes milliseconds to import."""
    path = preparation.get("init_main_from_path") or ""
    is_source = path.endswith(".py") and os.path.isfile(path)
    if is_source:
        del preparation["init_main_from_path"]
    identity.settings = preparation
    if identity.is_needed():
        identity.settle()
    elif preparation.get("log_to_stderr") or not preparation.keys() <= _SETTINGS | _OWN:
        import multiprocessing  # noqa: F401, which does what the preparation says
    else:
        sys.path = preparation["sys_path"]
        sys.argv = preparation["sys_argv"]
        os.chdir(preparation["dir"])
        identity.settings = {name: preparation[name] for name in _SETTINGS & preparation.keys()}
    if is_source and getattr(sys.modules["__main__"], "__file__", None) != path:
        _import_main(path, main)


def _import_main(path: str, main: bytes) -> None:
    """Import a program's file as the main module, under the name that tells it that it is not the program."""
    module = type(sys)("__mp_main__")
    module.__dict__.update(__file__=path, __cached__=None, __package__="", __builtins__=builtins)
    code = marshal.loads(main) if main else _compile(path)
    sys.modules["__mp_main__"] = module
    exec(code, module.__dict__)
    sys.modules["__main__"] = module


def _compile(path: str) -> CodeType:
    with io.open_code(path) as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


def _run_lightly(state: dict[str, Any], parent: int) -> int:
    """Do what `BaseProcess._bootstrap` does, without multiprocessing while nothing needs it."""
    identity.state, identity.parent = state, parent
    target, args, keywords = state["_target"], state["_args"], state["_kwargs"]
    code = 1
    try:
        code = _exit_code_of(lambda: target and target(*args, **keywords))
    except BaseException:
        import traceback

        sys.stderr.write(f"Process {state['_name']}:\n")
        traceback.print_exc()
    finally:
        _call_if_imported("threading", "_shutdown")
        flush_streams()
    return code


def _exit_code_of(action: Callable[[], object]) -> int:
    try:
        try:
            action()
        finally:
            _call_if_imported("multiprocessing.util", "_exit_function")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    return 0


def _call_if_imported(module: str, function: str) -> None:
    if module in sys.modules:
        getattr(sys.modules[module], function)()


def flush_streams() -> None:
    """Write out what stdout and stderr hold."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError):
            continue  # it was set to None, or closed
