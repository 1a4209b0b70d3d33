"""Workflows for the durable engine, DBOS Transact: enqueued in the caller's transaction; and which of them run."""

import re
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, wraps
from typing import Any, TypeVar

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from dbos import error as dbos_error
from dbos._schemas.system_database import SystemSchema
from dbos._serialization import serialize_args
from dbos._utils import generate_uuid
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.durable.bells import Bells, note
from app.storage.database import Database, connection_of, one_at_a_time

APPLICATION = "utopia-api-handler"
VERSION = "1"
"""The version of the workflows' steps. Raise it only when steps move: work of another version is never picked up."""

LONG_SECONDS = 45.0
GOING = ["ENQUEUED", "PENDING", "DELAYED"]
AT_ONCE = 500
"""Workflows in one look-up, under the limit of variables in a statement."""

FIRST, BEHIND = 0, 1
"""Priorities: a queue takes workflows of the first one as long as there are any."""

EngineError = dbos_error.DBOSException
"""The engine's own exceptions, raised for example when work can't be enqueued."""

SERIALIZER = DBOSPortableJSONSerializer()


def _of_both(statement: str) -> dict[str, str]:
    """A statement on the engine's tables as the driver takes it, by the database's kind."""
    return {"sqlite": statement.format(""), "postgresql": re.sub(r":(\w+)", r"%(\1)s", statement.format("dbos."))}


# The engine's own statements are built anew for each use, which takes several times as long as all that SQLite does for
# an order. Tests hold what these leave behind against what the library leaves.
ENQUEUE = _of_both("""
    INSERT INTO {0}workflow_status (workflow_uuid, status, name, queue_name, priority, application_version,
        application_name, recovery_attempts, serialization, creator_xid, is_debounced)
    VALUES (:workflow_id, 'ENQUEUED', :workflow, :queue, :priority, :version, :application, 0, :serialization, :creator,
        FALSE)
    ON CONFLICT (workflow_uuid) DO NOTHING
""")
GIVE_INPUT = _of_both("""
    INSERT INTO {0}workflow_input (workflow_uuid, inputs) VALUES (:workflow_id, :inputs)
    ON CONFLICT (workflow_uuid) DO NOTHING
""")
OURS = {"version": VERSION, "application": APPLICATION}
WITHDRAW = _of_both("DELETE FROM {0}workflow_status WHERE workflow_uuid = :workflow_id AND status = 'ENQUEUED'")
END = _of_both("DELETE FROM {0}workflow_status WHERE workflow_uuid = :workflow_id")
FORGET_INPUT = _of_both("DELETE FROM {0}workflow_input WHERE workflow_uuid = :workflow_id")

IN_FLIGHT = "status = 'ENQUEUED' AND status IN ('ENQUEUED', 'PENDING')"
AT_WORK = "status = 'PENDING' AND status IN ('ENQUEUED', 'PENDING')"
"""The second part is written exactly as in the library's index: SQLite uses the index only for this wording. If it came
first, SQLite would sort all that is enqueued, as if it had several states."""
ENQUEUED_IN = _of_both(f"SELECT DISTINCT queue_name FROM {{0}}workflow_status WHERE {IN_FLIGHT}")  # noqa: S608 - a constant
EXECUTORS_AT_WORK = _of_both(f"SELECT DISTINCT executor_id FROM {{0}}workflow_status WHERE {AT_WORK}")  # noqa: S608

OF_EACH = ("workflow_uuid", "name", "priority", "created_at", "recovery_attempts", "serialization")
OF_ALL = {
    **dict.fromkeys((*SystemSchema.workflow_status.columns.keys(), "app_id", "shard_key")),
    **{"status": "PENDING", "application_name": APPLICATION, "is_debounced": False},
    **dict.fromkeys(("application_version", "app_version"), VERSION),
}
"""What the library knows of a workflow that begins: of what `enqueue` enqueued, only `OF_EACH` has to be read."""
CLAIM = _of_both(f"""
    WITH chosen AS MATERIALIZED (
        SELECT workflow_uuid FROM {{0}}workflow_status
        WHERE {IN_FLIGHT} AND queue_name = :queue AND application_version = '{VERSION}'
        ORDER BY priority, created_at LIMIT :room
    )
    UPDATE {{0}}workflow_status
    SET status = 'PENDING', executor_id = :executor_id, owner_xid = :owner, recovery_attempts = recovery_attempts + 1,
        started_at_epoch_ms = :now_ms, updated_at = :now_ms
    WHERE status = 'ENQUEUED' AND workflow_uuid IN (SELECT workflow_uuid FROM chosen)
    RETURNING {", ".join(OF_EACH)},
        (SELECT inputs FROM {{0}}workflow_input AS given WHERE given.workflow_uuid = workflow_status.workflow_uuid)
""")  # noqa: S608 - constants
"""What the library does in five statements, most of which it builds anew each time."""
AT_WORK_IN = _of_both(f"SELECT count(*) FROM {{0}}workflow_status WHERE {AT_WORK} AND queue_name = :queue")  # noqa: S608
CLAIMING_LOCK = 5050_449

Result = TypeVar("Result")

_at_work: set[str] = set()
"""The workflows that threads of this process run now, whatever the rows say."""
_ended: set[str] = set()
"""Those of them that ended in a transaction of their own, if it was committed."""


def noted(
    workflow: Callable[..., Result], place: Callable[[str], AbstractContextManager[None]]
) -> Callable[..., Result]:
    """The workflow, noted as running while a thread runs it, or waits to be in its `place` (by the workflow's id)."""

    @wraps(workflow)
    def at_work(*args: Any) -> Result:
        workflow_id = str(DBOS.workflow_id)
        _at_work.add(workflow_id)
        try:
            with place(workflow_id):
                return workflow(*args)
        finally:
            _at_work.discard(workflow_id)

    at_work.__annotations__ = {}  # or the library looks at each start whether an argument is a date; none is
    return at_work


def unless_ended(record: Callable[..., bool]) -> Callable[..., bool]:
    """`record`, which commits the outcome of a workflow, but for those that returned after `WorkQueue.end`."""

    @wraps(record)
    def recorded(workflow_id: str, status: str, **outcome: Any) -> bool:
        has_ended = workflow_id in _ended
        _ended.discard(workflow_id)
        return (has_ended and status == "SUCCESS") or record(workflow_id, status, **outcome)

    return recorded


@dataclass
class Standstill:
    """Workflows that no thread was running: since when, how many, and until when (by the monotonic clock)."""

    since: datetime
    began: float
    workflows: int
    ended: float | None = None

    @property
    def is_long(self) -> bool:
        """Whether it lasted longer than it takes to notice and to take the work up."""
        return (self.ended or time.monotonic()) - self.began > LONG_SECONDS


class WorkQueue:
    """Enqueues workflows from any process; executes none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.bells = Bells()
        self.bells.listen_to(database)
        self.standstill: Standstill | None = None
        """Set by the executor while work stands still, and until an alert told of it or it proved too short for one."""

    @cached_property
    def client(self) -> DBOSClient:
        """The library's client, on the service's own connections."""
        return DBOSClient(
            system_database_engine=self._database.engine,  # what is enqueued goes with the caller's commit
            application_name=APPLICATION,
            serializer=SERIALIZER,
            retry_connection_errors=False,
            lazy=True,  # first used inside a transaction, where a second connection would wait for the first
        )

    def enqueue(
        self,
        writing: Session | Connection,
        workflow: str,
        workflow_id: str,
        queue: str,
        *args: Any,
        priority: int = FIRST,
    ) -> None:
        """Start a workflow when the caller's transaction commits; an id that is in use changes nothing."""
        connection = connection_of(writing) if isinstance(writing, Session) else writing
        note(connection.info, queue)
        inputs, serialization = serialize_args(args, {}, None, SERIALIZER)
        what = {"workflow": workflow, "queue": queue, "priority": priority, "serialization": serialization}
        kind, named = connection.dialect.name, {"workflow_id": workflow_id}
        connection.exec_driver_sql(ENQUEUE[kind], {**named, **what, **OURS, "creator": generate_uuid()})
        connection.exec_driver_sql(GIVE_INPUT[kind], {**named, "inputs": inputs})

    def claim(
        self, queue: str, room: int, executor_id: str, owner: str, *, at_a_time: int | None = None
    ) -> list[Any] | None:
        """Begin to run up to `room` workflows of a queue: their statuses, as the library has them.

        `at_a_time`: how many may run in all processes together, where others claim, too; None when so many run already.
        """
        now_ms = int(1000 * time.time())
        which = {"queue": queue, "executor_id": executor_id, "owner": owner, "now_ms": now_ms}
        of_these: dict[str, Any] = {"queue_name": queue, "executor_id": executor_id}
        of_these |= {"started_at_epoch_ms": now_ms, "updated_at": now_ms}
        with self._database.write(repeatable=True) as session:
            connection = connection_of(session)
            kind = connection.dialect.name
            if at_a_time is not None:
                one_at_a_time(session, CLAIMING_LOCK)  # the next statement sees what those before committed
                at_work = connection.exec_driver_sql(AT_WORK_IN[kind], {"queue": queue}).scalar() or 0
                room = min(room, at_a_time - at_work)
                if room <= 0:
                    return None
            rows = connection.exec_driver_sql(CLAIM[kind], {"room": room, **which}).all()
        begun = [OF_ALL | of_these | dict(zip((*OF_EACH, "inputs"), row, strict=True)) for row in rows]
        return sorted(begun, key=lambda status: (status["priority"], status["created_at"]))

    def withdraw(self, connection: Connection, workflow_id: str) -> None:
        """Cancel a workflow that has not begun when the caller's transaction commits; one that has begun goes on."""
        kind, named = connection.dialect.name, {"workflow_id": workflow_id}
        if connection.exec_driver_sql(WITHDRAW[kind], named).rowcount:
            connection.exec_driver_sql(FORGET_INPUT[kind], named)

    def end(self, connection: Connection) -> None:
        """End the workflow that this thread runs when the caller's transaction commits, and keep no record of it.

        For the last transaction of a workflow whose result nobody reads: the engine then need not commit its outcome
        in a transaction of its own, and nothing is left to be pruned. Outside a workflow it does nothing.
        """
        workflow_id = DBOS.workflow_id
        if workflow_id is None:
            return
        kind, named = connection.dialect.name, {"workflow_id": workflow_id}
        connection.exec_driver_sql(END[kind], named)
        connection.exec_driver_sql(FORGET_INPUT[kind], named)
        _ended.add(workflow_id)

    def enqueued(self, connection: Connection) -> set[str]:
        """The queues in which something waits, in one narrow statement."""
        return set(connection.exec_driver_sql(ENQUEUED_IN[connection.dialect.name]).scalars())

    def is_going(self, workflow_id: str) -> bool:
        """Whether a workflow is enqueued or running."""
        return bool(self.going([workflow_id]))

    def going(self, workflow_ids: Collection[str]) -> set[str]:
        """Those of the workflows that are enqueued or running."""
        ids, found = list(workflow_ids), set()
        for begin in range(0, len(ids), AT_ONCE):
            some = ids[begin : begin + AT_ONCE]
            rows = self.client.list_workflows(workflow_ids=some, status=GOING, load_input=False, load_output=False)
            found |= {row.workflow_id for row in rows}
        return found

    def is_empty(self, queue: str) -> bool:
        """Whether nothing is enqueued or running in a queue."""
        return not self.client.list_workflows(
            queue_name=queue, status=GOING, limit=1, load_input=False, load_output=False
        )

    def executors_at_work(self) -> set[str]:
        """The executor ids under which workflows run, also those of processes that are gone; a narrow statement."""
        with self._database.read() as session:
            connection = connection_of(session)
            return set(map(str, connection.exec_driver_sql(EXECUTORS_AT_WORK[connection.dialect.name]).scalars()))

    def pending(self) -> dict[str, list[Any]]:
        """The running workflows, by the executor id that they run under."""
        rows: dict[str, list[Any]] = {}
        for row in self.client.list_workflows(status="PENDING", load_input=False, load_output=False):
            rows.setdefault(str(row.executor_id), []).append(row)
        return rows

    def lost(self, executor_id: str) -> list[Any]:
        """The workflows that this executor should be running, but that no thread of this process runs."""
        if executor_id not in self.executors_at_work():
            return []
        return [row for row in self.pending().get(executor_id, []) if row.workflow_id not in _at_work]

    def start_again(self, executor_id: str) -> int:
        """Enqueue again the workflows of an executor id whose process is gone; returns how many."""
        rows = self.pending().get(executor_id, [])
        for row in rows:
            self.resume(row)
        return len(rows)

    def resume(self, row: Any) -> None:
        """Enqueue a running workflow again, which nothing runs."""
        self.client.resume_workflows([row.workflow_id], queue_name=row.queue_name)
        self.bells.ring(row.queue_name)

    def forget(self, workflow_ids: list[str]) -> None:
        """Delete the engine's record of finished workflows."""
        if workflow_ids:
            with self._database.turn():
                self.client.delete_workflows(workflow_ids)

    def finished_before(self, moment: str, limit: int = 500) -> list[str]:
        """Ids of workflows that finished before an ISO 8601 moment."""
        rows = self.client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
            completed_before=moment,
            limit=limit,
            load_input=False,
            load_output=False,
        )
        return [row.workflow_id for row in rows]
