"""One run of an order's story: the order and its steps as they were read, and the outcomes that wait for a commit.

The outcome of a step and the intent of the next go into one commit. Several steps that write to no remote system share
one commit, too. Each `Run.commit` writes the outcomes that wait; a run that ends leaves nothing unwritten, and what the
order is found by is written then, once.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Executable, Row, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.models import AT_WORK, Order, OrderStep, System
from app.provisioning import order_search_rows
from app.remote import breaker, exchanges
from app.services import Services
from app.storage.database import connection_of

log = logging.getLogger(__name__)

# Statements are built once, and on the tables: through the mapped classes, building each takes several times as long as
# SQLite needs to execute it.
ORDERS, STEPS = Order.__table__, OrderStep.__table__
STEP_KEY = ("order_id", "name")
STEP_COLUMNS = [column.name for column in STEPS.columns if column.name != "id"]


def _keeping_steps(insert: Callable[[Any], Any]) -> Executable:
    """Insert a step, or update it if it is the same try of it, or an earlier one."""
    there, keeping = STEPS.c, insert(STEPS)
    values = {column: keeping.excluded[column] for column in STEP_COLUMNS if column not in STEP_KEY}
    same, earlier = there.started_at == keeping.excluded.started_at, there.attempts < keeping.excluded.attempts
    statement = keeping.on_conflict_do_update(index_elements=STEP_KEY, set_=values, where=or_(same, earlier))
    counted: Executable = statement.execution_options(preserve_rowcount=True)
    return counted


KEEP_STEPS = {"sqlite": _keeping_steps(sqlite.insert), "postgresql": _keeping_steps(postgresql.insert)}
UPDATE_ORDER = update(ORDERS).where(ORDERS.c.id == bindparam("order_id"))  # type: ignore[arg-type]
WITH_STEPS = (
    select(breaker.IS_DOWN, *ORDERS.c, *(STEPS.c[column] for column in STEP_COLUMNS))
    .outerjoin_from(ORDERS, STEPS, STEPS.c.order_id == ORDERS.c.id)
    .where(ORDERS.c.orderref == bindparam("orderref"))
)
STANDING = select(breaker.IS_DOWN).where(
    ORDERS.c.id == bindparam("order_id"),
    ORDERS.c.run == bindparam("number"),
    or_(*(ORDERS.c.state == state for state in AT_WORK)),  # SQLAlchemy writes a statement with `IN` anew each time
)


class Replaced(Exception):
    """Another thread went on with this order's run, as this one's process stood still; this one must not go on."""


@dataclass(frozen=True)
class Outcome:
    """What a step brought: a JSON value, changes of the order's columns, and a remark for the notice.

    `afterwards` runs in the transaction that commits the outcome, on the order as the run knows it, with `changes`.
    It changes nothing of the order itself.
    """

    value: Any = None
    changes: dict[str, Any] = field(default_factory=dict)
    remark: str | None = None
    afterwards: Callable[[Session, Order], None] | None = None


@dataclass(frozen=True)
class Done:
    """A step that is done: its row, its outcome, all that changes in the order, and its exchanges with the remote
    systems."""

    step: OrderStep
    outcome: Outcome
    changes: Mapping[str, Any]
    said: Iterable[exchanges.Exchange]
    of_a_write: bool


class Run(AbstractContextManager["Run"]):
    """One run of an order's story, for a `with` block; at the end of the block, everything is committed."""

    def __init__(self, services: Services, orderref: str, number: int) -> None:
        self.services = services
        self.orderref = orderref
        self.number = number
        self.order: Order
        """The order as it was read, with the changes of the run's steps: nobody else changes an order that runs."""
        self.steps: dict[str, OrderStep]
        self._is_read = False
        self._just_read_up: System | None = None
        self._unwritten: list[Done] = []
        self._not_logged: list[str] = []

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        def write(session: Session) -> None:
            order_search_rows.keep(session, self.order)
            if error is None:
                self.services.work_queue.end(connection_of(session))

        self.log_done()
        if self._unwritten:
            self.commit(write, repeatable=True)

    def read(self, system: System | None) -> bool:
        """Read the order and its steps, once; returns whether this run may work on it. `system` is called first."""
        if not self._is_read:
            with self.services.database.read() as session:
                which = {"orderref": self.orderref, "system": system}
                rows = connection_of(session).execute(WITH_STEPS, which).all()
            if not rows:
                return False
            self.order = Order()
            is_down, *values = rows[0]
            set_on(self.order, zip(ORDERS.c.keys(), values, strict=False))
            self._is_read, self._just_read_up = True, None if is_down else system
            self.steps = {step.name: step for step in map(_step_in, rows) if step.name is not None}
        return self.order.run == self.number and self.order.state in AT_WORK

    def standing_now(self, system: System) -> bool | None:
        """`standing`; the statement that read the order a moment ago has asked for the first step."""
        just_read_up, self._just_read_up = self._just_read_up, None
        if just_read_up == system:
            return True
        with self.services.database.read() as session:
            return self.standing(session, system)

    def standing(self, session: Session, system: System) -> bool | None:
        """Whether the run may call the system now; None when a newer run has replaced it, or something ended it."""
        which = {"order_id": self.order.id, "number": self.number, "system": system}
        row = connection_of(session).execute(STANDING, which).first()
        return None if row is None else not row[0]

    def commit(self, work: Callable[[Session], None], *, repeatable: bool, waits_for: System | None = None) -> None:
        """Write the outcomes that wait, and do `work`, in one transaction; retried while the database is busy.

        `repeatable` as in `Database.write`; if a waiting outcome is that of a write, the commit always waits for the
        disk. `waits_for`: the system for which the order may begin to wait in this transaction.
        """

        def write(session: Session) -> None:
            if waits_for is not None:
                breaker.hold(session, waits_for)
            self._write_down(session)
            work(session)

        self._commit(write, repeatable=repeatable)

    def _commit(self, write: Callable[[Session], None], *, repeatable: bool) -> None:
        lasting = any(each.of_a_write for each in self._unwritten)
        try:
            self.services.database.insist(write, repeatable=repeatable and not lasting)
        except Replaced:
            log.warning("Another process went on with this order; what this one found out is not written")
            self._unwritten = []
            raise
        self._unwritten = []

    def new_step(self, name: str) -> OrderStep:
        """A step that never began, without a row."""
        step = OrderStep()
        set_on(step, {"order_id": self.order.id, "name": name, "attempts": 0})
        return step

    def begin(self, step: OrderStep, begun: Mapping[str, Any], system: System) -> bool | None:
        """Commit that a write is sent now, and the outcomes that wait; not that, unless the run may call the system.

        Returns `standing`.
        """
        standing: list[bool | None] = []

        def write(session: Session) -> None:
            standing[:] = [self.standing(session, system)]
            self._write_down(session, *([{**_row(step), **begun}] if standing == [True] else []))

        self._commit(write, repeatable=False)
        if standing == [True]:
            set_on(step, begun)
            self.steps[step.name] = step
        return standing[0]

    def keep(self, session: Session, step: OrderStep, **values: Any) -> None:
        """Set values on `step`, and write its row, made if there is none yet."""
        set_on(step, values)
        self.steps[step.name] = step
        _write_rows(session, [_row(step)])

    def done(self, done: Done) -> None:
        """Note that a step is done: the run knows it at once, and writes it with its next commit."""
        set_on(self.order, done.changes)
        self.steps[done.step.name] = done.step
        self._unwritten.append(done)
        self._not_logged.append(done.step.name)

    def log_done(self) -> None:
        """Log the steps that are done, in one line: each step's moment is in its row."""
        if self._not_logged:
            log.info("done: %s", ", ".join(self._not_logged))
            self._not_logged = []

    def _write_down(self, session: Session, *begun: Mapping[str, Any]) -> None:
        changes: dict[str, Any] = {}
        _write_rows(session, [*(_row(each.step) for each in self._unwritten), *begun])
        for each in self._unwritten:
            exchanges.store(session, each.step, each.said)
            changes |= each.changes
        if changes:
            connection_of(session).execute(UPDATE_ORDER, {"order_id": self.order.id, **changes})
        for each in self._unwritten:
            if each.outcome.afterwards:
                each.outcome.afterwards(session, self.order)


def _step_in(row: Row[Any]) -> OrderStep:
    """The step at the end of a row of `WITH_STEPS`, without a name where there is none."""
    step = OrderStep()
    set_on(step, zip(STEP_COLUMNS, row[-len(STEP_COLUMNS) :], strict=True))
    return step


def _row(step: OrderStep) -> dict[str, Any]:
    return {column: vars(step).get(column) for column in STEP_COLUMNS}


def _write_rows(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection = connection_of(session)
        if connection.execute(KEEP_STEPS[connection.dialect.name], rows).rowcount != len(rows):
            raise Replaced


def set_on(row: Order | OrderStep, values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
    """Set values on the row as the run knows it; statements on tables write them, so nothing has to note the change."""
    vars(row).update(values)
