"""`multiprocessing.pool`; ``Pool`` and what it returns are Hasten's."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.pool import *  # noqa: F403
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "multiprocessing.pool")
    del become_mirror, TYPE_CHECKING
