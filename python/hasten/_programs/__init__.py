"""Many external programs side by side: `run_all`, `iter_all`.

`server` talks to the process that runs the commands, `commands` says what a command is and how it ended, `runs` has
the calls.
"""

from hasten._programs.commands import Command, CompletedProgram
from hasten._programs.runs import iter_all, run_all

__all__ = ["Command", "CompletedProgram", "iter_all", "run_all"]
