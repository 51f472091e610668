"""Building the engine with CMake, and installing the package into the environment."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

import environment
import machine
from shell import ROOT, Stamp, cores, digest_of, run, say

PRESET = "release"


def build_folder(preset: str) -> Path:
    """Return where a preset is built for this Python."""
    return ROOT / "build" / f"{preset}-{environment.VERSION}"


def definition() -> list[Path]:
    """Return the files that CMake's own rules don't watch."""
    return [ROOT / "pyproject.toml", ROOT / "CMakePresets.json"]


def configure(preset: str, *, tests: bool) -> None:
    """Run CMake where it never ran with these inputs; of changes to its own files ninja takes care."""
    folder = build_folder(preset)
    packages = (environment.VENV / "stamp-build").read_text()
    digest = digest_of(definition(), packages, str(ROOT))
    with_tests = Stamp(folder / "stamp-with-tests", digest)
    without_tests = Stamp(folder / "stamp-without-tests", digest)
    if with_tests.is_current() or (without_tests.is_current() and not tests):
        return
    say(f"Configuring {folder.relative_to(ROOT)}")
    command = [environment.tool("cmake"), "--preset", preset, "-B", str(folder)]
    command += [f"-DPython_EXECUTABLE={environment.PYTHON}", f"-DCMAKE_MAKE_PROGRAM={environment.tool('ninja')}"]
    run([*command, f"-DHASTEN_TESTS={'ON' if tests else 'OFF'}"])
    (with_tests if tests else without_tests).write()


def compile_targets(preset: str, *targets: str) -> None:
    """Bring targets of a configured build up to date."""
    run([environment.tool("ninja"), "-C", str(build_folder(preset)), f"-j{cores()}", *targets])


def install() -> None:
    """Install the package: with pip where its metadata changed, else by bringing the installed files up to date."""
    files = [ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE"]
    stamp = Stamp(environment.VENV / "stamp-installed", digest_of(files, str(ROOT)))
    package = environment.PACKAGES / "hasten"
    if not (stamp.is_current() and package.is_dir()):
        say("pip install .")
        folder = build_folder(PRESET).relative_to(ROOT)
        command = [environment.PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-build-isolation", f"--config-settings=build-dir={folder}", "."]
        run(command, env={"PATH": environment.search_path()})
        stamp.write()
    command = [environment.tool("cmake"), "--install", str(build_folder(PRESET)), "--component", "engine"]
    run([*command, "--prefix", str(environment.PACKAGES)], quiet=True)
    bring_up_to_date(ROOT / "python" / "hasten", package)
    # As pip does: where PYTHONDONTWRITEBYTECODE is set, every process would compile what is newer than its bytecode.
    run([environment.PYTHON, "-m", "compileall", "-q", str(package)])


def bring_up_to_date(source: Path, target: Path) -> None:
    """Make a package in the environment equal to its source, extension modules aside."""
    wanted = {file.relative_to(source) for file in source.rglob("*") if file.is_file() and is_part_of_package(file)}
    for name in wanted:
        if not (target / name).is_file() or not filecmp.cmp(source / name, target / name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    for file in target.rglob("*"):
        if file.is_file() and is_part_of_package(file) and file.relative_to(target) not in wanted:
            file.unlink()


def is_part_of_package(file: Path) -> bool:
    """Return whether a file is source of the package, not something that was built or cached."""
    return "__pycache__" not in file.parts and file.suffix != ".so" and file.name != "hasten-programs"


def build(*, tests: bool = False) -> None:
    """Leave an environment with Hasten installed; with `tests`, the C++ tests are built too."""
    machine.provide(machine.lacking_for_tests() if tests else machine.lacking_for_build())
    environment.provide("build", *(["test", "demo"] if tests else []))
    configure(PRESET, tests=tests)
    compile_targets(PRESET, "_core", *(["cpp_tests"] if tests else []))
    install()
    environment.point_here()
