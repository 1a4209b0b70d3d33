"""Orders, what was done for them, the callbacks that brought them and the notices that tell of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, now
from app.models.states import NoticeState, OrderState, StepState


def _index_where_set(column: str, name: str, *columns: str) -> Index:
    """An index of the rows that have a value in this column."""
    is_set = text(f"{column} IS NOT NULL")
    return Index(name, *columns, sqlite_where=is_set, postgresql_where=is_set)


class Order(Base):
    """One UTOPIA order, from its first callback to its end.

    `run` counts how often its story was started; only the run with this number may work on it.
    `stage` is the workflow that the current run is in. `decision` holds what a person decided about it. `tries` counts
    the failures of the present wait, `restarts` how often its work broke off. `corrections` are what a person wrote
    instead of values of UTOPIA's contract. `in_doubt_since` is set on an order from a backup: what was written to
    PowerCode for it before that moment is not known. `found_customers` are PowerCode's customers whom the person was
    compared with, where it matters (`provisioning.finding`). A finished order without a contract had its details
    removed (`safekeeping.pruning`). `cause` is what an order that stopped for a person shares with others
    (`provisioning.causes`), `stopped_at` is when it stopped.
    """

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_state_next_try_at", "state", "next_try_at"),
        Index("ix_orders_state_id", "state", "id"),
        _index_where_set("finished_at", "ix_orders_state_finished_at", "state", "finished_at"),
        _index_where_set("cause", "ix_orders_cause", "cause", "state", "id"),
        Index("ix_orders_received_at", "received_at", "state", "problem"),
        _index_where_set("problem", "ix_orders_problem", "problem"),
    )

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
    corrections: Mapped[dict[str, Any] | None]
    account: Mapped[dict[str, Any] | None]
    found_customers: Mapped[dict[str, Any] | None]
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
    in_doubt_since: Mapped[datetime | None]
    cause: Mapped[str | None] = mapped_column(Text)
    stopped_at: Mapped[datetime | None]

    steps: Mapped[list["OrderStep"]] = relationship(order_by="OrderStep.id", viewonly=True)
    notices: Mapped[list["Notice"]] = relationship(order_by="Notice.id", viewonly=True)
    decisions: Mapped[list["OrderDecision"]] = relationship(order_by="OrderDecision.id", viewonly=True)


HELD_BACK = (Order.state == OrderState.RECEIVED, Order.tried_at.is_(None))
"""For an order that waits for its turn, because too many came in at once."""


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
    """What a person did with an order: who, when, what, and their note; `joint_id` if they decided for many orders."""

    __tablename__ = "order_decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=now)
    made_by: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text)
    joint_id: Mapped[int | None] = mapped_column(index=True)


class OrderExchange(Base):
    """What was sent to a remote system for an order and what it answered, without secrets; it took `seconds`."""

    __tablename__ = "order_exchanges"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    step: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(default=now)
    system: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(80))
    outcome: Mapped[str] = mapped_column(String(16))
    seconds: Mapped[float]
    sent: Mapped[str] = mapped_column(Text)
    answered: Mapped[str] = mapped_column(Text)


class OrderSearch(Base):
    """What an order is found by, apart from its reference, and what a list shows of it.

    A table of its own: a search reads all of it, and an order's row holds its whole contract. `words` is everything
    that can be searched, in one line (`provisioning.order_search_words`); it ends with `notes`, from people's notes.
    The `pieces` have a bit for each three letters in a row that `words` has, so that comparing numbers rules out most
    orders. -1 has all bits, and rules out nothing.
    """

    __tablename__ = "order_search"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    person: Mapped[str] = mapped_column(Text, index=True)
    address: Mapped[str] = mapped_column(Text)
    plan: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    pieces_1: Mapped[int] = mapped_column(BigInteger, default=-1, server_default="-1")
    pieces_2: Mapped[int] = mapped_column(BigInteger, default=-1, server_default="-1")
    pieces_3: Mapped[int] = mapped_column(BigInteger, default=-1, server_default="-1")
    pieces_4: Mapped[int] = mapped_column(BigInteger, default=-1, server_default="-1")


class Callback(Base):
    """A callback as it came in, also one that was refused; its body is cut to 4 kB.

    A body that says only what `event`, `orderref` and `msg` say is kept as "".
    """

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
    """A mail to staff, recorded with the change that it tells of; `key` is unique.

    `claimed_by` is the workflow that delivers it now, `restarts` how often a delivery was begun and not ended.
    """

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_state_next_try_at", "state", "next_try_at"),
        Index("ix_notices_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[str] = mapped_column(String(24))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(16), default=NoticeState.PENDING)
    run: Mapped[int] = mapped_column(default=1)
    tries: Mapped[int] = mapped_column(default=0)
    restarts: Mapped[int] = mapped_column(default=0)
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    waiting_for: Mapped[str | None] = mapped_column(String(16))
    next_try_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]


class NoticeDelivery(Base):
    """What became of a notice to one recipient: `sent` or `refused`. There is no row while it is on its way."""

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

    `key` is the description without blanks and case; it begins with a blank for `additional` plans, which every new
    account gets.
    """

    __tablename__ = "service_plan_mappings"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    description: Mapped[str] = mapped_column(String(200))
    service_id: Mapped[int]
    additional: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class PlanSeen(Base):
    """A description that UTOPIA's monthly items had, and where it was seen last; `key` is as in the mappings."""

    __tablename__ = "plans_seen"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    description: Mapped[str] = mapped_column(String(200))
    first_seen_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    last_orderref: Mapped[str] = mapped_column(String(64))


class RemoteSystem(Base):
    """Whether a remote system answers: the breaker that every process shares.

    `up_since` is when it answered again after it had been down the last time.
    """

    __tablename__ = "remote_systems"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    down_since: Mapped[datetime | None]
    up_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    next_probe_at: Mapped[datetime | None]
    probe: Mapped[str | None] = mapped_column(String(160))
    error: Mapped[str | None] = mapped_column(Text)
