"""`multiprocessing.dummy`; Hasten's parts are in it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.dummy import *  # noqa: F403
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "multiprocessing.dummy")
    del become_mirror, TYPE_CHECKING
