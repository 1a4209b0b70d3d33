"""Begins enqueued workflows: one thread for each of the engine's queues, which sleeps until its bell rings.

It replaces the library's own loop, `dbos._queue.queue_worker_thread`, which can't be woken, and which looks at more
than is used here. Names with an underscore are private to the library; its version is pinned because of them.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from dbos import DBOS
from dbos._core import WorkflowHandleFuture, execute_dequeued_workflow
from dbos._utils import generate_uuid
from sqlalchemy.exc import DBAPIError

from app.durable.bells import Bell
from app.durable.work_queue import WorkQueue

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queue:
    """How many of its workflows (by name) run at a time, in all processes together.

    A thread looks at the queue when its bell rings (`bells`): this process rings when it enqueues, a listener or the
    schedule when other processes did; otherwise every `polling_seconds`. `runs_dry` is called when a look leaves places
    free. A look is a transaction, and a place is empty until it has ended. So, where no other process works on the
    queue, up to `ahead` more workflows are taken from it at once, and wait in their threads for a place.
    """

    at_a_time: int
    workflows: tuple[str, ...]
    polling_seconds: float
    runs_dry: Callable[[], None] = lambda: None
    ahead: int = 0


class Dispatcher:
    """Begins the workflows of one queue, as long as there is room for them."""

    def __init__(self, name: str, queue: Queue, work_queue: WorkQueue, *, is_shared: bool) -> None:
        """`is_shared`: other processes begin workflows of the queue as well."""
        self.bell = Bell()
        self._name = name
        self._queue = queue
        self._work_queue = work_queue
        self._is_shared = is_shared
        self._ahead = 0 if is_shared else queue.ahead
        self.at_once = queue.at_a_time + self._ahead
        """How many workflows may be begun: those that run, and those that wait for a place."""
        self._places = threading.Semaphore(queue.at_a_time)
        self._begun: set[str] = set()
        self._more_may_wait = True
        self._thread = threading.Thread(target=self._run, name=f"queue {name}")
        self._dbos: Any = None

    @property
    def alive(self) -> bool:
        """Whether its thread works."""
        return self._thread.is_alive()

    def start(self, dbos: DBOS, executor_id: str) -> None:
        """Begin what is enqueued, from now on, under an executor id."""
        self._dbos, self._executor_id = dbos, executor_id
        self._thread.start()

    def stop(self) -> None:
        """Begin no more."""
        self.bell.stop()
        if self._thread.ident is not None:
            self._thread.join()

    @contextmanager
    def place(self, workflow_id: str) -> Iterator[None]:
        """A place for a workflow whose thread has begun: from now on, the library counts the workflow itself."""
        self._begun.discard(workflow_id)
        with self._places:
            yield

    def _run(self) -> None:
        while self.bell.wait(self._queue.polling_seconds):
            try:
                self._look()
            except DBAPIError as error:
                self._look_again_after(error)
            except Exception:
                log.exception("The queue %s could not be looked at; tried again with the next ring", self._name)

    def _look_again_after(self, error: DBAPIError) -> None:
        database = self._dbos._sys_db
        if database.is_lock_conflict(error) or database.is_serialization_conflict(error):  # another worker looks
            self.bell.ring()
        else:
            log.warning("The queue %s could not be looked at: %s", self._name, type(error).__name__)

    def _look(self) -> None:
        self._more_may_wait = True
        running = len(self._begun) + self._dbos._active_workflows_set.count_for_queue(self._name)
        room = self.at_once - running
        if room < max(self._ahead, 1):  # some wait for a place already; the next workflow that ends rings the bell
            return
        owner = generate_uuid()
        at_a_time = self._queue.at_a_time if self._is_shared else None
        claimed = self._work_queue.claim(self._name, room, self._executor_id, owner, at_a_time=at_a_time)
        statuses = claimed or []
        if claimed is not None and len(statuses) < room and not (self._is_shared and statuses):
            self._more_may_wait = False
        self._begin(statuses, owner)
        if len(statuses) < room:
            self._queue.runs_dry()

    def _begin(self, statuses: Sequence[Any], owner: str) -> None:
        for status in statuses:
            workflow_id = status["workflow_uuid"]
            self._begun.add(workflow_id)
            try:
                handle: Any = execute_dequeued_workflow(self._dbos, status, owner)
            except Exception:
                log.exception("%s could not be begun", workflow_id)
                handle = None
            if isinstance(handle, WorkflowHandleFuture):
                handle.future.add_done_callback(partial(self._ended, workflow_id))
            else:
                self._begun.discard(workflow_id)

    def _ended(self, workflow_id: str, _future: Any) -> None:
        """Free the workflow's place, now that the engine has noted its end."""
        self._begun.discard(workflow_id)
        if self._more_may_wait:
            self.bell.ring()
