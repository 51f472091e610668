"""The virtual environment of one Python version, with the packages that pyproject.toml names."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import machine
from shell import ROOT, STATE, Failed, Stamp, digest_of, run, say

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
VENV = STATE / f"venv-{VERSION}"
PYTHON = str(VENV / "bin" / "python")
PACKAGES = VENV / "lib" / f"python{VERSION}" / "site-packages"


def tool(name: str) -> str:
    """Return the path of a program of the environment."""
    return str(VENV / "bin" / name)


def requirements(group: str) -> list[str]:
    """Return the packages of one group: build, demo, test, dev or lint."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    if group == "build":
        return [
            *project["build-system"]["requires"],
            *project["project"]["dependencies"],
            *project["dependency-groups"]["dev"],
        ]
    groups: dict[str, list[str]] = {**project["project"]["optional-dependencies"], **project["dependency-groups"]}
    return groups[group]


def create() -> None:
    """Make the environment where there is none, or where its Python is gone or another one."""
    made_by = Stamp(VENV / "stamp-python", digest_of([], sys.version, sys.base_prefix))
    if not (made_by.is_current() and Path(PYTHON).exists()):
        machine.provide(machine.lacking_for_python())
        say(f"Making the environment {VENV.relative_to(ROOT)} with Python {sys.version.split()[0]}")
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        made_by.write()


def point_here() -> None:
    """Let .dev/venv name this environment."""
    link = STATE / "venv"
    if not (link.is_symlink() and link.readlink() == Path(VENV.name)):
        link.unlink(missing_ok=True)
        link.symlink_to(VENV.name)


def provide(*groups: str) -> None:
    """Install the packages of some groups, all those at once whose lists changed."""
    create()
    stamps = {group: Stamp(VENV / f"stamp-{group}", digest_of([], *requirements(group))) for group in groups}
    stale = [group for group, stamp in stamps.items() if not stamp.is_current()]
    if not stale:
        return
    wanted = [package for group in stale for package in requirements(group)]
    say(f"pip install {' '.join(wanted)}")
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
    for group in stale:
        stamps[group].write()


def provide_if_possible(group: str) -> None:
    """Install the packages of a group that things go without where they can't be had for this Python."""
    try:
        provide(group)
    except Failed:
        say(f"Going on without: {', '.join(requirements(group))}")


def search_path() -> str:
    """Return a PATH on which the environment's programs come first."""
    return f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
