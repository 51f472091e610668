"""Workers that are killed at random under all kinds of calls: every task has one outcome."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from typing import Any

import pytest
from hasten._pool.errors import WorkerDied

import hasten
from tests.fuzz.settings import ROUNDS, SEED
from tests.python.pool import tasks

ITEMS = 60
SIGNALS = [signal.SIGKILL, signal.SIGTERM]


def kill_some(made: Any, chance: random.Random) -> int:
    """Kill up to three workers; return how many were tried."""
    count = chance.randint(1, 3)
    for _ in range(count):
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(chance.choice(list(made._pool)).pid, chance.choice(SIGNALS))
    return count


def call_and_kill(made: Any, chance: random.Random) -> tuple[list[Any], int]:
    """Return what a call of some kind gives while workers are killed, and how many were."""
    size = chance.choice([1, 4, 20])
    kind = chance.choice(["map", "imap", "apply"])
    if kind == "map":
        result = made.map_async(tasks.busy_identity, range(ITEMS), chunksize=size, on_error="return")
        killed = kill_some(made, chance)
        return result.get(120), killed
    if kind == "imap":
        iterator = made.imap(tasks.busy_identity, range(ITEMS), chunksize=size, on_error="return")
        killed = kill_some(made, chance)
        return list(iterator), killed
    results = [made.apply_async(tasks.busy_identity, (x,), on_error="return") for x in range(ITEMS)]
    killed = kill_some(made, chance)
    return [result.get(120) for result in results], killed


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver", "template"])
def test_every_task_has_one_outcome(method: str) -> None:
    chance = random.Random(SEED)
    with hasten.get_context(method).Pool(3) as made:
        for turn in range(max(ROUNDS // 20, 1)):
            results, killed = call_and_kill(made, chance)
            died = [x for x, one in enumerate(results) if isinstance(one, WorkerDied)]
            assert len(died) <= killed
            assert [one if x not in died else x for x, one in enumerate(results)] == list(range(ITEMS))
            assert made.apply(tasks.square, (turn,), retries=3) == turn * turn
