"""`subprocess`; Hasten's parts are in it: ``from hasten import subprocess`` ports a program."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import *  # noqa: F403

    from hasten._programs import Command as Command
    from hasten._programs import CompletedProgram as CompletedProgram
    from hasten._programs import iter_all as iter_all
    from hasten._programs import run_all as run_all
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "subprocess")
    del become_mirror, TYPE_CHECKING
