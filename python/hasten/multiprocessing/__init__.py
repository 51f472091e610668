"""`multiprocessing`; Hasten's parts are in it: ``from hasten import multiprocessing`` ports a program."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing import *  # noqa: F403
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "multiprocessing")
    del become_mirror, TYPE_CHECKING
