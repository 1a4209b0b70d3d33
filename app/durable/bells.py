"""Wakes the engine's queues: who enqueues rings, and nobody has to look again and again whether something has come."""

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

LOOK_AGAIN_SECONDS = (0.02, 0.1)
"""After the end of a workflow beside others: its place is free as soon as the engine has noted the end."""
REST_SECONDS = 0.03
"""Between two looks. In a burst, one look finds what several rang for."""


class Bell:
    """What one of the engine's queue threads waits for. It takes the place of the thread's stop event, an
    `Event` whose `wait` then also ends, with False, when it is time for a look at the queue."""

    def __init__(self, at_a_time: int, has_any: Callable[[], bool] = lambda: True) -> None:
        """`has_any` tells at a tenth of a look's cost whether something is in the queue."""
        self._at_a_time = at_a_time
        self._has_any = has_any
        self._at_work = 0
        self._looks: list[float] = []
        self._looked_at = 0.0
        self._stopped = False
        self._condition = threading.Condition()

    def ring(self, *after: float) -> None:
        """Let the queue be looked at, after so many seconds each; at once when none are given."""
        with self._condition:
            earliest = self._looked_at + REST_SECONDS
            looks = [max(time.monotonic() + seconds, earliest) for seconds in after or (0.0,)]
            self._looks = sorted({*self._looks, *looks})[: len(LOOK_AGAIN_SECONDS) + 1]
            self._condition.notify_all()

    def begins(self) -> None:
        """A workflow of the queue is at work."""
        with self._condition:
            self._at_work += 1

    def ends(self) -> None:
        """It is no more, and another one may have waited for its place."""
        with self._condition:
            self._at_work -= 1
            may_have_been_full = self._at_work > 0 or self._at_a_time == 1
        if may_have_been_full:
            self.ring(*LOOK_AGAIN_SECONDS)

    def set(self) -> None:
        """Stop the thread."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def is_set(self) -> bool:
        """Whether the thread is to stop."""
        return self._stopped

    def wait(self, timeout: float) -> bool:
        """Wait until it is time for a look and something may be found; whether the thread is to stop."""
        while not self._until_a_look(timeout):
            if self._has_any():
                return False
        return True

    def _until_a_look(self, timeout: float) -> bool:
        """For `timeout` seconds at most; whether the thread is to stop."""
        last = time.monotonic() + timeout
        with self._condition:
            while not self._stopped and (left := min([last, *self._looks]) - time.monotonic()) > 0:
                self._condition.wait(left)
            self._looked_at = time.monotonic()
            self._looks = [each for each in self._looks if each > self._looked_at]
            return self._stopped


class Bells:
    """The bells of the queues that this process executes, by the queues' names; none in a process that doesn't."""

    def __init__(self) -> None:
        self._bells: dict[str, Bell] = {}

    def put_up(self, bells: dict[str, Bell]) -> None:
        """From now on, these are rung."""
        self._bells = bells

    def ring(self, queue: str) -> None:
        """Something was enqueued."""
        if bell := self._bells.get(queue):
            bell.ring()

    def listen_to(self, engine: Engine) -> None:
        """Ring whenever a transaction is over in which something was enqueued (`note`)."""

        @event.listens_for(engine, "checkin")
        def _ring(_connection: Any, record: Any) -> None:
            for queue in record.info.pop("enqueued", ()):
                self.ring(queue)


def note(info: dict[Any, Any], queue: str) -> None:
    """Remember with a connection (its `info`) what is enqueued in its transaction."""
    info.setdefault("enqueued", set()).add(queue)
