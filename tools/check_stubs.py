"""Compare the stubs in python/hasten with those that nanobind generates from the installed extensions."""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = ("hasten._core", "hasten._worker")
PATTERNS = ROOT / "tools" / "stub_patterns.txt"


def generate(module: str) -> str:
    """Return the stubs of an extension module that can be imported."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "stubs.pyi")
        stubgen = [sys.executable, "-m", "nanobind.stubgen", "--quiet", "--pattern-file", str(PATTERNS)]
        subprocess.run([*stubgen, "--module", module, "--output-file", str(output)], check=True)
        lines = output.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip() + "\n"


def differences(committed: str, generated: str) -> list[str]:
    """Return what differs, as lines of a unified diff."""
    return [
        line.rstrip("\n")
        for line in difflib.unified_diff(
            committed.splitlines(), generated.splitlines(), "committed", "generated", lineterm=""
        )
    ]


def main() -> int:
    """Compare, or write the stubs anew with --update."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the stubs instead of comparing them")
    is_update = parser.parse_args().update
    return max(check(module, is_update) for module in MODULES)


def check(module: str, is_update: bool) -> int:
    """Compare, or write, the stubs of one module."""
    generated = generate(module)
    stubs = ROOT / "python" / (module.replace(".", "/") + ".pyi")
    if is_update:
        stubs.write_text(generated, encoding="utf-8")
    committed = stubs.read_text(encoding="utf-8") if stubs.is_file() else ""
    if changes := differences(committed, generated):
        print("\n".join(changes))
        print(f"{stubs.relative_to(ROOT)} is not what the extension offers; ./dev lint --fix writes it anew.")
        return 1
    print(f"Stubs: {stubs.name} is what the extension offers.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
