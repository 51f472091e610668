"""A pipeline `source | stage | sink`: threads for each stage, bounded hand-over, a clean stop, a live count."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from typing import Any

import hasten


class Stage:
    """A function that `n` threads apply to whatever arrives; None drops an item."""

    def __init__(self, function: Callable[[Any], Any], n: int = 1, waiting: int = 8) -> None:
        self.function = function
        self.inbox = hasten.Channel[Any](waiting)
        self.counts = [0] * n  # one for each thread, so that none is written by two
        self.name = function.__name__

    @property
    def count(self) -> int:
        """How many items it has dealt with up to now."""
        return sum(self.counts)

    def work(self, index: int, outbox: hasten.Channel[Any] | None) -> None:
        """Deal with items until there are no more; one thread of the stage runs this."""
        try:
            for item in self.inbox:
                result = self.function(item)
                self.counts[index] += 1
                if outbox is not None and result is not None:
                    outbox.put(result)
        except hasten.ChannelClosed:
            pass  # who reads our results has stopped
        finally:
            self.inbox.close(discard=True)  # an error here stops those before; at the end there is nothing left

    def start(self, outbox: hasten.Channel[Any] | None) -> list[hasten.Thread]:
        """Start the threads of the stage."""
        threads = [hasten.Thread(target=self.work, args=(index, outbox)) for index in range(len(self.counts))]
        for thread in threads:
            thread.start()
        return threads


class Pipeline:
    """A source and stages; the last one keeps what it makes to itself."""

    def __init__(self, source: Iterable[Any], stages: list[Stage] | None = None) -> None:
        self.source = source
        self.stages = stages or []

    def __or__(self, stage: Stage) -> Pipeline:
        return Pipeline(self.source, [*self.stages, stage])

    def run(self) -> dict[str, int]:
        """Run to the end; return how many items each stage dealt with. The first error of a stage is raised."""
        inboxes = [stage.inbox for stage in self.stages]
        started = [stage.start(out) for stage, out in zip(self.stages, [*inboxes[1:], None], strict=True)]
        try:
            for item in self.source:
                inboxes[0].put(item)
        except hasten.ChannelClosed:
            pass  # a stage has stopped; its error comes below
        try:
            for inbox, threads in zip(inboxes, started, strict=True):
                inbox.close()
                for thread in threads:
                    thread.result()
        finally:
            for inbox in inboxes:
                inbox.close()
        return self.counts()

    def stop(self) -> None:
        """Let nothing more in, from another thread; what is inside still goes through."""
        self.stages[0].inbox.close()

    def counts(self) -> dict[str, int]:
        """How many items each stage has dealt with up to now."""
        return {stage.name: stage.count for stage in self.stages}


def parse(line: str) -> int:
    return int(line)


def keep_even(number: int) -> int | None:
    return number if number % 2 == 0 else None


def main() -> None:
    found: list[int] = []
    lines = (str(number) for number in range(1000))
    counts = (Pipeline(lines) | Stage(parse, n=3) | Stage(keep_even, n=2) | Stage(found.append)).run()
    assert sorted(found) == list(range(0, 1000, 2))
    assert counts == {"parse": 1000, "keep_even": 1000, "append": 500}
    print(counts)

    endless = Pipeline(map(str, itertools.count())) | Stage(parse, n=3) | Stage(keep_even)
    running = hasten.Thread(target=endless.run)
    running.start()
    while endless.counts()["keep_even"] < 500:
        time.sleep(0.01)
    endless.stop()
    counts = running.result()
    assert counts["parse"] == counts["keep_even"] >= 500
    print(f"stopped after {counts['parse']}")


if __name__ == "__main__":
    main()
