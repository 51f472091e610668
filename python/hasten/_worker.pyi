from collections.abc import Callable, Sequence
from typing import Any

class PoolMemory:
    """Memory that a task's arguments or its result lie in."""

    def __len__(self) -> int: ...

class PoolWorker:
    """A worker's end of a pool: claims tasks and sends results."""

    def __init__(self, lane: int, bell: int, parent: int, most_tasks: int, dumps: Callable[[Any, list[Any]], bytes], describe: Callable[..., bytes]) -> None: ...

    def share(self, arguments: int, results: int, idle: Callable[[], object]) -> None:
        """
        Use the exchange's memory; take the descriptors over. `idle` is called now and then while there is nothing to do.
        """

    def open(self, payload: bytes, start: int, end: int, is_writable: bool = True) -> Any:
        """Return what a part of a payload means."""

    def may_keep(self, reference: bytes) -> bool:
        """Whether what was opened by a reference may still be kept."""

    def after_fork(self, end: Callable[[BaseException | None], object]) -> None:
        """
        Let a fork's child call this where its task ends, with what it raises or None.
        """

    def before_fork(self) -> None:
        """Tell the parent that a fork will have the arguments that are open now."""

    def serve(self, load: Callable[[bytes], Callable[..., Any]], run: Callable[[bytes], object]) -> None:
        """Run tasks until the worker is to leave."""

    def run(self, function: Callable[..., Any], items: Sequence[Any], is_starred: bool) -> None: ...

    def apply(self, function: Callable[..., Any], arguments: Sequence[Any], keywords: dict[str, Any]) -> None: ...

    def fail(self, failure: bytes) -> None: ...

    def interrupt(self) -> bool:
        """Note an interrupt; return whether a task runs that it ends."""
