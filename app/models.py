"""Tables, states and unique keys. No queries, no I/O.

Times are stored in UTC and come back with their zone. The durable engine keeps tables of its own in the
same database; nothing here refers to them.
"""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, ForeignKey, Index, MetaData, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class OrderState(StrEnum):
    """Where an order stands."""

    RECEIVED = "received"
    RUNNING = "running"
    WAITING = "waiting"
    NEEDS_REVIEW = "needs_review"
    COMPLETED = "completed"
    EXISTS = "exists"
    NOT_OURS = "not_ours"
    DISMISSED = "dismissed"


ACTIVE_STATES = (OrderState.RECEIVED, OrderState.RUNNING, OrderState.WAITING)
"""An order in one of these goes on by itself."""


class StepState(StrEnum):
    """Where a step of an order stands. `running` after a crash means: begun, outcome not known."""

    RUNNING = "running"
    DONE = "done"
    NEVER_ARRIVED = "never_arrived"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class System(StrEnum):
    """The remote systems an order can wait for."""

    UTOPIA = "utopia"
    POWERCODE = "powercode"
    MAIL = "mail"


class CallbackOutcome(StrEnum):
    """What was done with a callback."""

    ORDER = "order"
    REPEAT = "repeat"
    TEST = "test"
    RECORDED = "recorded"
    REJECTED = "rejected"
    NOT_STORED = "not_stored"


class NoticeKind(StrEnum):
    """The mails to staff."""

    ACCOUNT_CREATED = "account_created"
    CUSTOMER_EXISTS = "customer_exists"
    NEEDS_YOU = "needs_you"
    TEST_CALLBACK = "test_callback"
    STILL_WAITING = "still_waiting"
    CONTRACT = "contract"
    DIGEST_REPORT = "digest_report"
    DIGEST_TROUBLE = "digest_trouble"


class RunState(StrEnum):
    """Where a run of the weekly digest stands."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"


class MessageState(StrEnum):
    """Where a customer's digest stands. `sending` after a crash becomes `unknown`, which is never sent again."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


class NoticeState(StrEnum):
    """Where a notice stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its zone, also on SQLite, which stores none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; without the zone where the database has none."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Back with UTC as its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """All tables of the service."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}


class Order(Base):
    """One UTOPIA order, from its first callback to its end.

    `run` counts how often its story was started; a run with another number than this has no say any more.
    `stage` is the workflow that the current run is in. `decision` holds what a person decided about it. `tries` counts
    the failures of the present wait, `restarts` how often its work broke off.
    """

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_state_next_try_at", "state", "next_try_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    orderref: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16), default=OrderState.RECEIVED)
    stage: Mapped[str] = mapped_column(String(16), default="order")
    run: Mapped[int] = mapped_column(default=1)
    problem: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(Text)
    actions: Mapped[list[Any]] = mapped_column(default=list)
    decision: Mapped[dict[str, Any]] = mapped_column(default=dict)
    contract: Mapped[dict[str, Any] | None]
    account: Mapped[dict[str, Any] | None]
    site_id: Mapped[str | None] = mapped_column(String(64), index=True)
    customer_id: Mapped[str | None] = mapped_column(String(32))
    ticket_id: Mapped[str | None] = mapped_column(String(32))
    remarks: Mapped[list[Any]] = mapped_column(default=list)
    waiting_for: Mapped[str | None] = mapped_column(String(16))
    waiting_since: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    restarts: Mapped[int] = mapped_column(default=0)
    told_of_wait_since: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    finished_at: Mapped[datetime | None]

    steps: Mapped[list["OrderStep"]] = relationship(order_by="OrderStep.id", viewonly=True)
    notices: Mapped[list["Notice"]] = relationship(order_by="Notice.id", viewonly=True)
    decisions: Mapped[list["OrderDecision"]] = relationship(order_by="OrderDecision.id", viewonly=True)


class OrderStep(Base):
    """A step of an order: the row is committed before the step acts, its outcome after.

    `sent_at` is set before a write to PowerCode is sent; while the state is `running` or `unknown`, such a
    write is in doubt.
    """

    __tablename__ = "order_steps"
    __table_args__ = (UniqueConstraint("order_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default=StepState.RUNNING)
    attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result: Mapped[Any] = mapped_column(JSON, nullable=True)
    error: Mapped[str | None] = mapped_column(Text)


class OrderDecision(Base):
    """What a person did with an order: who, when, what, and their note."""

    __tablename__ = "order_decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=now)
    made_by: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text)


class Callback(Base):
    """A callback as it came in, also one that was refused; its body is cut to 4 kB."""

    __tablename__ = "callbacks"

    id: Mapped[int] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(default=now, index=True)
    remote_address: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    status: Mapped[int]
    orderref: Mapped[str | None] = mapped_column(String(64), index=True)
    event: Mapped[str | None] = mapped_column(String(200))
    msg: Mapped[str | None] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)


class Notice(Base):
    """A mail to staff, recorded with the change that it tells of; `key` makes it one of its kind."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_state_next_try_at", "state", "next_try_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[str] = mapped_column(String(24))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(16), default=NoticeState.PENDING)
    run: Mapped[int] = mapped_column(default=1)
    tries: Mapped[int] = mapped_column(default=0)
    waiting_for: Mapped[str | None] = mapped_column(String(16))
    next_try_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]

    deliveries: Mapped[list["NoticeDelivery"]] = relationship(order_by="NoticeDelivery.id", viewonly=True)


class NoticeDelivery(Base):
    """A notice to one recipient; `sending` after a crash means that it may have arrived."""

    __tablename__ = "notice_deliveries"
    __table_args__ = (UniqueConstraint("notice_id", "recipient"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"))
    recipient: Mapped[str] = mapped_column(String(320))
    state: Mapped[str] = mapped_column(String(16))
    error: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class ServicePlanMapping(Base):
    """A plan's description at UTOPIA and the PowerCode service that it is sold as.

    `key` is the description without blanks and case; `additional` plans go on every new account.
    """

    __tablename__ = "service_plan_mappings"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    description: Mapped[str] = mapped_column(String(200))
    service_id: Mapped[int]
    additional: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class DigestWindow(Base):
    """The day from which closings are reported: one row, set once, by the first run or by an import."""

    __tablename__ = "digest_window"

    id: Mapped[int] = mapped_column(primary_key=True)
    starts_on: Mapped[date]
    set_by: Mapped[str] = mapped_column(String(80))
    set_at: Mapped[datetime] = mapped_column(default=now)


class ScheduleMark(Base):
    """Since when a schedule is kept: what was due before that is not made up."""

    __tablename__ = "schedule_marks"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    kept_since: Mapped[datetime] = mapped_column(default=now)


class DigestRun(Base):
    """One run of the digest. `key` makes a run of the schedule one of its kind, however many processes start it.

    `attempt` counts how often its work was started; an attempt with another number has no say any more.
    """

    __tablename__ = "digest_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    iso_week: Mapped[str] = mapped_column(String(8), index=True)
    started_by: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(Text)
    since: Mapped[date | None]
    window_starts_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(16), default=RunState.RUNNING)
    attempt: Mapped[int] = mapped_column(default=1)
    planned: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(Text)
    next_try_at: Mapped[datetime | None]
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    rows_read: Mapped[int] = mapped_column(default=0)
    already_reported: Mapped[int] = mapped_column(default=0)
    repeated: Mapped[int] = mapped_column(default=0)
    for_next_week: Mapped[int] = mapped_column(default=0)
    set_aside: Mapped[int] = mapped_column(default=0)


class DigestMessage(Base):
    """A customer's message in a run. `slot` is the ISO week and the address: one message a customer a week.

    A message that is known not to have gone out gives its slot back.
    """

    __tablename__ = "digest_messages"
    __table_args__ = (Index("ix_digest_messages_run_id_batch", "run_id", "batch"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("digest_runs.id", ondelete="CASCADE"))
    slot: Mapped[str | None] = mapped_column(String(340), unique=True)
    batch: Mapped[int]
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), index=True)
    full_name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default=MessageState.PLANNED)
    error: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]

    tickets: Mapped[list["ReportedTicket"]] = relationship(order_by="ReportedTicket.id", viewonly=True)


class ReportedTicket(Base):
    """A closing that a message tells of. `slot` is the ticket and the day: each closing is told once."""

    __tablename__ = "reported_tickets"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("digest_messages.id", ondelete="CASCADE"), index=True)
    slot: Mapped[str | None] = mapped_column(String(340), unique=True)
    ticket: Mapped[str] = mapped_column(String(120))
    ticket_key: Mapped[str] = mapped_column(String(320))
    closed_on: Mapped[date] = mapped_column(index=True)


class DigestSetAside(Base):
    """A row of the report that could not be used, with its number in the sheet and why."""

    __tablename__ = "digest_set_aside"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("digest_runs.id", ondelete="CASCADE"), index=True)
    row: Mapped[int]
    cause: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    ticket: Mapped[str] = mapped_column(Text)
    date: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)


class RemoteSystem(Base):
    """Whether a remote system answers: the breaker that every process shares."""

    __tablename__ = "remote_systems"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    down_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    next_probe_at: Mapped[datetime | None]
    probe: Mapped[str | None] = mapped_column(String(160))
    error: Mapped[str | None] = mapped_column(Text)
