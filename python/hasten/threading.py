"""`threading`; Hasten's parts are in it: ``from hasten import threading`` ports a program."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import *  # noqa: F403
else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "threading")
    del become_mirror, TYPE_CHECKING
