"""``hasten doctor``: checks the installation."""

import argparse
import importlib
import importlib.util
import json
import os
import platform
import shutil
import sys
import textwrap
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from hasten._cache_directory import cache_directory
from hasten._cores import available_cores
from hasten._lazy import ADDED, FACES
from hasten._substitute import DROP_INS, available

DESCRIPTION = """\
Check the installation: versions, processor, threads, BLAS, the cache, and what each of Hasten's
names stands on.

Nothing is changed. The exit status is 0 where Hasten can do its work, and 1 where something that
it needs is missing; what to do about it is said beside it.
"""
EXAMPLES = """\
examples:
  hasten doctor
  hasten doctor --json     for bug reports and scripts
"""


class Finding(NamedTuple):
    """One line of the report."""

    topic: str
    value: str
    remedy: str = ""  # what to do; empty where all is well
    is_fatal: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--json", action="store_true", help="print a JSON list of objects with topic, value, remedy and is_fatal"
    )


def execute(options: argparse.Namespace) -> int:
    """Run ``hasten doctor``."""
    findings = examine()
    if options.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        width = max(len(finding.topic) for finding in findings)
        columns = max(shutil.get_terminal_size().columns, width + 40)
        for finding in findings:
            _print_wrapped(f"{finding.topic:<{width}}  ", finding.value, columns)
            if finding.remedy:
                _print_wrapped(f"{'':<{width}}  -> ", finding.remedy, columns)
    return 1 if any(finding.is_fatal for finding in findings) else 0


def examine() -> list[Finding]:
    """Return what was found, most important first."""
    parts: tuple[Callable[[], list[Finding]], ...] = (
        _versions,
        _engine,
        examine_processor,
        examine_threads,
        _blas,
        _cache,
        _faces,
        _optional,
    )
    return [finding for part in parts for finding in part()]


def _print_wrapped(head: str, text: str, columns: int) -> None:
    print(textwrap.fill(text, columns, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False))


def version_of(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _versions() -> list[Finding]:
    hasten = version_of("hasten")
    build = platform.python_implementation() + " " + platform.python_version()
    # Only builds without the GIL have the function.
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return [
        Finding("hasten", hasten or "not installed as a package", "" if hasten else "pip install hasten"),
        Finding("Python", f"{build}, {'with' if gil else 'without'} the GIL, {sys.executable}"),
        Finding("system", f"{platform.platform()}, {' '.join(platform.libc_ver())}"),
        *(_needed(package) for package in ("numpy", "cloudpickle", "tqdm", "rich")),
    ]


def _needed(package: str) -> Finding:
    found = version_of(package)
    return Finding(package, found or "missing", "" if found else f"pip install {package}", is_fatal=found is None)


def _engine() -> list[Finding]:
    try:
        core = importlib.import_module("hasten._core")
    except ImportError as error:
        remedy = "install Hasten with pip in this environment; a source folder alone has no compiled engine"
        return [Finding("engine", f"missing: {error}", remedy, is_fatal=True)]
    return [Finding("engine", f"{core.__file__}"), *_first_compilation()]


def _first_compilation() -> list[Finding]:
    from time import perf_counter

    njit = importlib.import_module("hasten").njit
    start = perf_counter()
    try:
        result = njit(_twice)(1.5)
    except Exception as error:
        text = f"a function of one line fails: {type(error).__name__}: {error}"
        return [Finding("compiler", text, "please report this with the whole output of hasten doctor", is_fatal=True)]
    took = 1e3 * (perf_counter() - start)
    right = result == 3.0
    text = f"a function of one line compiled and called in {took:.0f} ms" if right else f"1.5 + 1.5 gave {result!r}"
    return [Finding("compiler", text, "" if right else "please report this", is_fatal=not right)]


def _twice(x: float) -> float:
    return x + x


def examine_processor() -> list[Finding]:
    """Return the processor's name and its vector units."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass  # not Linux: the platform's own word has to do
    return [Finding("processor", model), Finding("vector units", _vector_units())]


def _vector_units() -> str:
    try:
        features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    except ImportError:
        return "unknown without NumPy"
    interesting = ("SSE42", "AVX", "FMA3", "AVX2", "AVX512F", "AVX512_SKX", "AVX512_ICL", "NEON", "SVE")
    return " ".join(name for name in interesting if features.get(name)) or "none"


def examine_threads() -> list[Finding]:
    """Return the cores that may be used, and what limits them."""
    usable = available_cores()
    findings = [Finding("cores", f"{usable} of {os.cpu_count()} usable by this process")]
    quota = _core_quota()
    if quota is not None and quota < usable:
        remedy = "more threads than that only wait; set_num_threads, or ask for more cores for the container"
        findings.append(Finding("core quota", f"the control group grants {quota:.1f} cores", remedy))
    for name in ("HASTEN_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        if name in os.environ:
            findings.append(Finding(name, os.environ[name]))
    return findings


def _core_quota() -> float | None:
    try:
        granted, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if granted == "max" else int(granted) / int(period)
    except (OSError, ValueError):
        return None


def _blas() -> list[Finding]:
    try:
        numpy = importlib.import_module("numpy")
        importlib.import_module("numpy.linalg")
    except ImportError:
        return []
    built_with = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    text = f"NumPy's: {built_with.get('name', 'unknown')} {built_with.get('version', '')}".rstrip()
    loaded = _loaded_libraries("blas", "mkl", "blis")
    findings = [Finding("BLAS", f"{text}; loaded: {', '.join(loaded) or 'nothing by a known name'}")]
    if any(name.startswith("libblas.so") for name in loaded):
        findings.append(
            Finding(
                "BLAS",
                "the reference library, which is slow",
                "pip install numpy brings OpenBLAS; or install libopenblas",
            )
        )
    forced = os.environ.get("OPENBLAS_CORETYPE")
    if forced:
        remedy = "unset it unless you know why it is set: it can keep OpenBLAS from this processor's fast kernels"
        findings.append(Finding("OPENBLAS_CORETYPE", forced, remedy))
    return findings


def _loaded_libraries(*parts: str) -> list[str]:
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    names = {os.path.basename(line.split(maxsplit=5)[5]) for line in lines if "/" in line}
    return sorted(
        name for name in names if ".so" in name and name.startswith("lib") and any(part in name for part in parts)
    )


def _cache() -> list[Finding]:
    from hasten.cli.cache import entries, human_bytes

    directory = cache_directory()
    existing = next(folder for folder in (directory, *directory.parents) if folder.exists())
    found = entries(directory)
    text = f"{directory}: {len(found)} entries, {human_bytes(sum(entry.bytes for entry in found))}"
    if os.access(existing, os.W_OK | os.X_OK):
        return [Finding("cache", text)]
    return [
        Finding(
            "cache",
            f"{text}, not writable",
            "set HASTEN_CACHE_DIR to a directory of your own, or live with compiling at each start",
        )
    ]


def _faces() -> list[Finding]:
    own = sorted({*ADDED, *(name for name, face in FACES.items() if face.is_own)})
    standard = sorted(name for name, face in FACES.items() if not face.is_own)
    findings = [Finding("own names", " ".join(own))]
    if standard:
        findings.append(Finding("stdlib's for now", " ".join(standard)))
    there = available()
    findings.append(Finding("drop-ins", " ".join(sorted(there))))
    missing = sorted(set(DROP_INS) - set(there))
    if missing:
        findings.append(
            Finding("missing", " ".join(missing), "this installation is not complete; install Hasten again")
        )
    return findings


def _optional() -> list[Finding]:
    demo = "pip install 'hasten[demo]'"
    uses = {
        "matplotlib": ("draws the chart of hasten demo", demo),
        "pillow": ("reads the photograph of hasten demo", demo),
        "scipy": ("is a peer in hasten demo", demo),
        "numba": ("is a peer in hasten demo and hasten bench; programs that use it run without it, by hasten run", ""),
    }
    findings = []
    for package, (use, command) in uses.items():
        found = version_of(package)
        findings.append(Finding(package, found or f"not installed; it {use}", "" if found else command))
    return findings
