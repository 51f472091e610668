"""`functools`; Hasten's parts are in it: ``from hasten import functools`` ports a program."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import *  # noqa: F403
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "functools")
    del become_mirror, TYPE_CHECKING
