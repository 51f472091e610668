"""Run every benchmark in a process of its own, and print one table with the bound of each row.

python benchmarks/table.py [NAME ...] [--json FILE]
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from _measure import HERE, Row, header, verdict

# In the order of the table.
BENCHMARKS = (
    "import_time",
    "first_call",
    "cache_load",
    "call_overhead",
    "sum_by_loops",
    "random_sum",
    "index_checks",
    "array_statements",
    "thread_tasks",
    "thread_queues",
    "process_queues",
    "peak_memory",
    "caches",
    "cpp_library",
    "pool_start",
    "pool_tasks",
    "executors",
    "programs",
    "pool_arrays",
)


def run(name: str) -> list[Row]:
    """Run one benchmark; where it fails, its row says so."""
    command = [sys.executable, str(HERE / f"{name}.py"), "--json"]
    shown = subprocess.run(command, capture_output=True, text=True)
    if shown.returncode != 0:
        lines = shown.stderr.strip().splitlines() or ["without a word"]
        return [Row(name, {"failed": lines[-1]}, "", False, f"exit status {shown.returncode}")]
    return [Row(**one) for one in json.loads(shown.stdout.splitlines()[-1])]


def print_rows(rows: list[Row]) -> None:
    """Print the rows as they come."""
    for one in rows:
        print(f"\n{one.subject}\n  bound: {one.bound or 'none'}: {verdict(one)}")
        for name, figure in one.figures.items():
            print(f"  {name:<28} {figure}")
        for line in (*one.notes, one.conditions):
            print(f"  {line}")
    sys.stdout.flush()


def main() -> int:
    """Run them all; the status is 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON, too")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    print("\n".join(header()))
    rows: list[Row] = []
    for name in options.names or BENCHMARKS:
        found = run(name)
        print_rows(found)
        rows += found
    missed = [one.subject for one in rows if one.is_met is False]
    print(f"\n{len(rows)} rows, {len(missed)} missed: {'; '.join(missed) or 'none'}")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in rows], indent=1) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
