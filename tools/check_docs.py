"""Check the links of the README and the manual, and run their Python examples.

The blocks of one page that start with ```python run in order, in one process, as a script would; a block that can't run
stands behind a line <!-- not run: why -->.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")
SECONDS = 300


def pages(root: Path) -> list[Path]:
    """Return the pages of the manual."""
    return [
        *sorted(root.glob("*.md")),
        *(page for top in ("docs", "examples") for page in sorted((root / top).rglob("*.md"))),
    ]


def broken_links(page: Path) -> list[str]:
    """Return the links of a page to files that are not there."""
    found = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        for target in LINK.findall(line):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                found.append(f"{page}:{number}: links to {target}, which is not there")
    return found


def script_of(page: Path) -> str:
    """Return a page's examples as one script, each line where it stands in the page."""
    script: list[str] = []
    running = fenced = skipped = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            running = not fenced and line.strip() == "```python" and not skipped
            fenced = not fenced
            script.append("")
        else:
            script.append(line if running else "")
        if line.strip():
            skipped = line.startswith("<!-- not run: ")
    return "\n".join(script).rstrip() + "\n"


# As at the prompt, which is where examples without a main guard work.
_AS_TYPED = "with open({file!r}) as file: exec(compile(file.read(), {file!r}, 'exec'))"


def run_page(page: Path) -> str:
    """Run a page's examples in a folder of their own; return what went wrong, or an empty text."""
    script = script_of(page)
    if not script.strip():
        return ""
    with tempfile.TemporaryDirectory(prefix="hasten-docs-") as folder:
        file = Path(folder, f"{page.stem.replace('-', '_')}.py")
        file.write_text(script, encoding="utf-8")
        command = [sys.executable, "-c", _AS_TYPED.format(file=str(file))]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"{page}: its examples ran for more than {SECONDS} seconds"
    return "" if done.returncode == 0 else f"{page}: its examples failed\n{done.stdout}{done.stderr}"


def main() -> int:
    """Check all pages, or those named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path)
    chosen = parser.parse_args().pages or pages(ROOT)
    problems = [problem for page in chosen for problem in broken_links(page)]
    with ThreadPoolExecutor(2) as threads:
        problems += filter(None, threads.map(run_page, chosen))
    print("\n".join(problems) or f"Manual: the links and examples of {len(chosen)} pages are right.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
