"""``hasten.Pool``: the drop-in's pool with another default for how workers are started.

Whoever asks for it is about to make one, so the template starts while the rest is imported.
"""

from typing import Any

from hasten._pool.template import templates

templates.start_early()

from hasten._pool import pool  # noqa: E402
from hasten._pool.contexts import get_context  # noqa: E402


class Pool(pool.Pool):
    """A pool of worker processes, which are forked from a small clean process and so are safe with threads.

    All of `hasten.multiprocessing.Pool`, whose subclass it is; only the default of `context` differs.
    """

    @staticmethod
    def _default_context() -> Any:
        templates.start_early()  # while the pool lays out its memory
        return get_context("template")
