"""Many external programs side by side: which of them was the slowest, which one failed."""

import sys

import hasten

PROGRAMS = [[sys.executable, "-c", f"print(sum(range({number}_000_000)))"] for number in range(1, 5)]

results = hasten.run_all([*PROGRAMS, "echo 'this one fails' >&2; exit 3"], text=True, timeout=60)
for result in results[:-1]:
    print(f"{result.stdout.strip():>16}  {result.cpu_time:.2f} s, {result.peak_memory / 1e6:.0f} MB")
slowest = max(results, key=lambda result: result.wall_time)
print(f"the slowest was number {slowest.index}")
assert [result.returncode for result in results] == [0, 0, 0, 0, 3]
assert results[-1].stderr == "this one fails\n"
