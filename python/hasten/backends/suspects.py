"""Tasks that are suspected to kill their workers."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Suspects:
    """Tries tasks once more whose workers died, one after the other.

    A worker that dies may have had several tasks. The fault is that of one; the others are tried without it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_trying = False
        self._is_serving = False

    def add(self, send: Callable[[], None]) -> None:
        """Let `send` be called when it is its turn; `clear` must follow when what it sent is over."""
        with self._lock:
            self._waiting.append(send)
        self._serve()

    def clear(self) -> None:
        """Take note that the task that was tried is over."""
        with self._lock:
            self._is_trying = False
        self._serve()

    def _serve(self) -> None:
        with self._lock:
            if self._is_serving:
                return  # whoever serves sees it: a task may be over before `send` returns
            self._is_serving = True
        while True:
            with self._lock:
                if self._is_trying or not self._waiting:
                    self._is_serving = False
                    return
                self._is_trying = True
                send = self._waiting.popleft()
            send()
