"""Running commands, saying what is done, and remembering by content what need not be done again."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".dev"


class Failed(Exception):
    """A step that can't go on; the message is for the person at the keyboard."""


def say(text: str) -> None:
    """Print one line about what happens next."""
    print(f"==> {text}", flush=True)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, quiet: bool = False) -> None:
    """Run a command with its output on ours, or without; raise Failed where it fails."""
    status = status_of(command, env=env, quiet=quiet)
    if status != 0:
        raise Failed(f"failed with status {status}: {shlex.join(command)}")


def status_of(command: Sequence[str], *, env: Mapping[str, str] | None = None, quiet: bool = False) -> int:
    """Run a command at the root of the repository, with no input, and return its exit status."""
    sys.stdout.flush()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if quiet else None,
        check=False,
    )
    return done.returncode


def run_captured(command: Sequence[str]) -> tuple[int, str]:
    """Run a command and return its exit status and all that it printed."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def output_of(command: Sequence[str]) -> str:
    """Return what a command prints, or an empty text where it fails or is not there."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def digest_of(files: Iterable[Path], *facts: str) -> str:
    """Return a digest of the names and contents of files, and of more facts."""
    sha = hashlib.blake2b(digest_size=16)
    for fact in facts:
        sha.update(f"{fact}\0".encode())
    for file in sorted(files):
        content = file.read_bytes()
        sha.update(f"{file.relative_to(ROOT)}\0{len(content)}\0".encode())
        sha.update(content)
    return sha.hexdigest()


class Stamp:
    """A file that remembers the digest of what a finished step was made from."""

    def __init__(self, path: Path, digest: str) -> None:
        self.path = path
        self.digest = digest

    def is_current(self) -> bool:
        """Return whether the step was finished with the same inputs."""
        return self.path.is_file() and self.path.read_text() == self.digest

    def write(self) -> None:
        """Remember that the step is finished."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.digest)
