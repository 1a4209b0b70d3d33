"""How long a thread waits for a busy database: long for an order's work, shortly where somebody waits for an answer."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

BUSY_SECONDS = 30
BUSY_AGAIN_SECONDS = 0.2
"""How long a thread in a hurry waits for the database when the last wait for it was in vain."""


class _Hurry(threading.local):
    """How many more seconds this thread may wait for the database; None: no limit, as nobody waits for its answer."""

    left: float | None = None


hurry = _Hurry()


@contextmanager
def in_a_hurry(seconds: float) -> Iterator[None]:
    """During the block, this thread waits for a busy database for so many seconds in all.

    For work that somebody waits for, such as a request; an order's work waits for BUSY_SECONDS each time.
    """
    hurry.left = seconds
    try:
        yield
    finally:
        hurry.left = None


def patience() -> float:
    """How many seconds this thread may wait now."""
    return BUSY_SECONDS if hurry.left is None else min(hurry.left, BUSY_SECONDS)


class Waiting(AbstractContextManager[float]):
    """Gives how many seconds to wait, and takes the time that passed off the seconds that the thread has left."""

    def __enter__(self) -> float:
        self._began = time.monotonic()
        return patience()

    def __exit__(self, *_error: object) -> None:
        if hurry.left is not None:
            hurry.left = max(0.0, hurry.left - (time.monotonic() - self._began))
