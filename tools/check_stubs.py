"""Compare python/hasten/_core.pyi with the stubs that nanobind generates from the installed extension."""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULE = "hasten._core"
STUBS = ROOT / "python" / "hasten" / "_core.pyi"
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
    generated = generate(MODULE)
    if parser.parse_args().update:
        STUBS.write_text(generated, encoding="utf-8")
    committed = STUBS.read_text(encoding="utf-8") if STUBS.is_file() else ""
    if changes := differences(committed, generated):
        print("\n".join(changes))
        print(f"{STUBS.relative_to(ROOT)} is not what the extension offers; ./dev lint --fix writes it anew.")
        return 1
    print("Stubs: _core.pyi is what the extension offers.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
