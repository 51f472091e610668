"""`concurrent.futures`; Hasten's parts are in it: ``from hasten import futures`` ports a program."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import *  # noqa: F403
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "concurrent.futures")
    del become_mirror, TYPE_CHECKING
