"""`subprocess`; Hasten's parts are in it: ``from hasten import subprocess`` ports a program."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import *  # noqa: F403

else:
    from hasten._mirror import become_mirror

    become_mirror(__name__, "subprocess")
    del become_mirror, TYPE_CHECKING
