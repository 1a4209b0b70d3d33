"""The durable engine, DBOS Transact: how steps are run, and by which process.

The web side only enqueues (`work_queue`), in the caller's transaction. One process executes (`Executor`): it holds
a lock for its executor id, recovers what a crash left behind, and drains on stop. Why each default of the library is
replaced is written in docs/decisions.md.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar

from dbos import DBOS
from sqlalchemy.exc import SQLAlchemyError

from app.durable.dispatching import Dispatcher, Queue
from app.durable.listening import listening
from app.durable.locks import CONFIRM_EVERY_SECONDS, LockMayBeLost, lock_for
from app.durable.work_queue import (
    APPLICATION,
    SERIALIZER,
    VERSION,
    EngineError,
    Standstill,
    WorkQueue,
    noted,
    unless_ended,
)
from app.storage.database import Database
from app.storage.engines import spare_pings

ADOPT_EVERY_SECONDS = 2.0
LOCK_EVERY_SECONDS = 0.5
LAUNCH_AGAIN_SECONDS = 5.0
LOOK_FOR_LOST_SECONDS = 10.0
"""A workflow that no thread runs at two looks in a row is lost. A single look may fall between its queue and its
thread, or between its thread's end and the engine's note of it."""
DRAIN_SECONDS = 170
"""Longer than the longest step, of four calls that each take 40 seconds. A step that ends later leaves no checkpoint:
after the next start, its outcome is looked up, or a person is asked."""

Result = TypeVar("Result")

log = logging.getLogger(__name__)
logging.getLogger("dbos").addHandler(logging.NullHandler())  # before DBOS(): it then adds no console handler


_stopping = threading.Event()
_attempt = threading.local()


class Suspended(BaseException):
    """The process is stopping: leave the workflow pending, the next start goes on at this step."""


class TryAgainError(Exception):
    """A step's call never arrived, or may be repeated: the engine repeats the step after a moment."""


def step(name: str, act: Callable[..., Result], *args: Any) -> Result:
    """Run `act(*args)` as a step whose (JSON) result the engine keeps: it is not run again after a crash.

    Raises `Suspended` instead of beginning a step while the process stops.
    """
    if _stopping.is_set():
        raise Suspended
    return DBOS.run_step({"name": name}, act, *args)


def attempt(act: Callable[..., Result], *args: Any, attempts: int = 1, pause: float = 1.0) -> Result:
    """Run `act(*args)`, which keeps its own result: the engine keeps none, and runs it again after a crash.

    `act` may raise `TryAgainError` on all but its last attempt (see `last_attempt`), and is then run again after
    `pause` seconds, the next time after twice as long. Raises `Suspended` instead of beginning while the process stops.
    """
    for number in range(1, attempts + 1):
        if _stopping.is_set():
            raise Suspended
        _attempt.is_last = number == attempts
        try:
            return act(*args)
        except TryAgainError:
            _stopping.wait(pause * 2 ** (number - 1))
    raise AssertionError("the last attempt asked for another one")


def is_stopping() -> bool:
    """Whether the process stops: a step that takes long ends as soon as it can."""
    return _stopping.is_set()


def last_attempt() -> bool:
    """Whether this is the last attempt: a `TryAgainError` now leads to no other."""
    return _attempt.is_last or _stopping.is_set()


def migrate(database: Database) -> None:
    """Create or upgrade the engine's tables; safe from several processes at once."""
    DBOS.migrate(database.url)


def _let_rest(dbos: DBOS) -> None:
    """End the library's threads for what is not used here.

    Those for its own queue, schedules, delays and deadlines query the database every second; those for its messages,
    events and streams wake up a hundred times a second on PostgreSQL, and hold a connection.
    """
    for stopping in (*dbos.background_thread_stop_events, dbos._background_jobs_stop_event):
        stopping.set()
    dbos._sys_db._run_background_processes = False
    dbos._sys_db._cleanup_connections()


class Executor:
    """Runs enqueued workflows in threads of this process, as long as it holds the executor's lock.

    `workflows` are functions by name, `queues` what they wait in, by name.
    `name` is the executor id; `while_running` is entered when this process becomes the executor and left before it
    drains.
    """

    def __init__(
        self,
        database: Database,
        work_queue: WorkQueue,
        workflows: Mapping[str, Callable[..., Any]],
        queues: Mapping[str, Queue],
        *,
        name: str | None = None,
        while_running: Any = None,
    ) -> None:
        self._database = database
        self._work_queue = work_queue
        self._workflows = workflows
        self._queues = queues
        self._while_running = while_running
        self._lock = lock_for(database, name)
        self._thread = threading.Thread(target=self._run, name="executor", daemon=True)
        self.executing = threading.Event()
        self._dispatchers: list[Dispatcher] = []
        self._has_executed = False

    @property
    def alive(self) -> bool:
        """Whether this process executes, or stands by to execute."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to stand by; returns at once."""
        _stopping.clear()
        self._thread.start()

    def stop(self) -> None:
        """Let running steps end, begin none, and free the lock."""
        _stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = 0.0
        while not _stopping.wait(pause):
            pause = LOCK_EVERY_SECONDS
            if self._lock.acquire():
                pause = self._execute_until_it_ends()
        self._lock.release()

    def _execute_until_it_ends(self) -> float:
        """Returns after how many seconds to stand by again."""
        try:
            self._execute()
        except Exception:
            log.exception("The executor failed")
            if self._has_executed and not _stopping.is_set():
                os._exit(70)  # half stopped, the process would only look healthy; the supervisor restarts it
        finally:
            self._lock.release()
        return LAUNCH_AGAIN_SECONDS

    def _execute(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(self._confirming())
            stack.callback(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=DRAIN_SECONDS)
            dispatchers = {name: self._dispatcher(name, queue) for name, queue in self._queues.items()}
            stack.enter_context(self._dispatching(self._launch(dispatchers), dispatchers))
            if self._while_running is not None:
                stack.enter_context(self._while_running())
            self._has_executed = True
            self.executing.set()
            stack.callback(self.executing.clear)
            log.info("Process %d executes as %s", os.getpid(), self._lock.executor_id)
            self._take_over_until_stopped()
            log.info("Stopping: running steps end, no new ones begin")

    def _dispatcher(self, name: str, queue: Queue) -> Dispatcher:
        return Dispatcher(name, queue, self._work_queue, is_shared=self._lock.is_shared)

    def _launch(self, dispatchers: Mapping[str, Dispatcher]) -> DBOS:
        dbos = DBOS(
            config={
                "name": APPLICATION,
                "application_version": VERSION,
                "system_database_url": self._database.url,
                "executor_id": self._lock.executor_id,
                "serializer": SERIALIZER,
                "log_level": "WARNING",
                "sys_db_pool_size": 10,
                "db_engine_kwargs": {"connect_args": self._database.checkpoint_options},
                "run_migrations": False,
            }
        )
        DBOS.listen_queues([])  # our dispatchers listen to the queues
        for name, queue in self._queues.items():
            for workflow in queue.workflows:
                function = noted(self._workflows[workflow], dispatchers[name].place)
                DBOS.workflow(name=workflow, max_recovery_attempts=1_000_000)(function)
            self._work_queue.client.register_queue(
                name,
                worker_concurrency=dispatchers[name].at_once,
                global_concurrency=queue.at_a_time if self._lock.is_shared else None,
                polling_interval_sec=queue.polling_seconds,
                on_conflict="always_update",
            )
        DBOS.launch()
        _let_rest(dbos)
        dbos._sys_db.update_workflow_outcome = unless_ended(dbos._sys_db.update_workflow_outcome)  # type: ignore[method-assign]
        if not self._database.is_sqlite:
            spare_pings(dbos._sys_db.engine)
        return dbos

    @contextmanager
    def _dispatching(self, dbos: DBOS, dispatchers: Mapping[str, Dispatcher]) -> Iterator[None]:
        """Begin what is enqueued during the block."""
        self._dispatchers = list(dispatchers.values())
        for dispatcher in self._dispatchers:
            dispatcher.start(dbos, self._lock.executor_id)
        self._work_queue.bells.put_up({name: each.bell for name, each in dispatchers.items()})
        try:
            with listening(self._database, self._work_queue.bells):
                yield
        finally:
            self._work_queue.bells.put_up({})
            for dispatcher in self._dispatchers:
                dispatcher.stop()

    @contextmanager
    def _confirming(self) -> Iterator[None]:
        """Confirm the lock again and again during the block, also while running steps end."""
        ended = threading.Event()
        thread = threading.Thread(target=self._confirm_until, args=[ended], name="executor-lock", daemon=True)
        if self._lock.is_shared:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if thread.is_alive():
                thread.join()

    def _confirm_until(self, ended: threading.Event) -> None:
        """Runs in a thread of its own: whatever else hangs, a lock that may be lost ends the process in time."""
        while not ended.wait(CONFIRM_EVERY_SECONDS):
            try:
                self._lock.confirm()
            except LockMayBeLost:
                self._end_at_once()

    def _take_over_until_stopped(self) -> None:
        looked_at, missed = time.monotonic(), set[str]()
        while not _stopping.wait(ADOPT_EVERY_SECONDS):
            if not all(dispatcher.alive for dispatcher in self._dispatchers):
                raise RuntimeError("A queue's thread has ended")
            if time.monotonic() - looked_at >= LOOK_FOR_LOST_SECONDS:
                missed = self._take_up_lost(missed)
                looked_at = time.monotonic()
            if not self._lock.is_shared:
                continue
            try:
                adopted = self._take_over()
            except LockMayBeLost:
                self._end_at_once()
            except SQLAlchemyError:
                log.exception("Other hosts' work could not be looked at; tried again at the next beat")
                continue
            if adopted:
                log.warning("Took over %d workflows of a process that is gone", adopted)

    def _take_up_lost(self, missed: set[str]) -> set[str]:
        """Enqueue again what no thread ran at the last look (`missed`) and none runs now, as after a full disk that
        took no outcome; returns the workflows that are missed now for the first time."""
        try:
            rows = self._work_queue.lost(self._lock.executor_id)
            lost = [row for row in rows if row.workflow_id in missed]
            self._note_standstill(len(lost))
            for row in lost:
                log.warning("Nothing was working on %s; it is started again", row.workflow_id)
                self._work_queue.resume(row)
        except (SQLAlchemyError, EngineError):
            log.exception("Lost work could not be looked for or taken up; tried again at the next beat")
            return missed
        standstill = self._work_queue.standstill
        if standstill is not None:
            standstill.ended = standstill.ended or time.monotonic()
        return {row.workflow_id for row in rows} - {row.workflow_id for row in lost}

    def _note_standstill(self, workflows: int) -> None:
        known = self._work_queue.standstill
        if workflows and (known is None or known.ended):
            since = datetime.now(UTC) - timedelta(seconds=LOOK_FOR_LOST_SECONDS)
            self._work_queue.standstill = Standstill(since, time.monotonic() - LOOK_FOR_LOST_SECONDS, workflows)
        elif workflows and known is not None:
            known.workflows = workflows
        elif known is not None and not known.is_long:
            self._work_queue.standstill = None

    def _take_over(self) -> int:
        """Enqueue again the workflows that dead processes left behind; returns how many."""
        adopted = 0
        for other in sorted(self._work_queue.executors_at_work() - {self._lock.executor_id}):
            with self._lock.borrow(other) as is_gone:
                adopted += self._work_queue.start_again(other) if is_gone else 0
        return adopted

    def _end_at_once(self) -> NoReturn:
        log.critical("The executor's lock may be lost: stopping at once, before another process acts too")
        os._exit(70)
