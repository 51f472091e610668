"""`multiprocessing.queues`; Hasten's parts are in it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.queues import *  # noqa: F403
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "multiprocessing.queues")
    del become_mirror, TYPE_CHECKING
