"""Many external programs side by side: `run_all`, `iter_all`.

`server` talks to the process that runs the commands, `commands` says what a command is and how it ended, `inputs` where
commands come from, `run` has one call's state, `calls` the calls.
"""

from hasten._programs.calls import iter_all, run_all
from hasten._programs.commands import Command, CompletedProgram

__all__ = ["Command", "CompletedProgram", "iter_all", "run_all"]
