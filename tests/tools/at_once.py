"""Several people, hosts or callbacks at the same instant."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Became = TypeVar("Became")


def at_once(*acts: Callable[[], Became]) -> list[Became]:
    """Do all of it at the same instant, each in a thread; what each returned."""
    start = threading.Barrier(len(acts))

    def do(act: Callable[[], Became]) -> Became:
        start.wait(10)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(do, acts))
