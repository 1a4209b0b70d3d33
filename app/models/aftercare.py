"""What follows an order: orders that never came, customers who are not active yet, and what people had written."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, now
from app.models.states import Billing, RouterSeen, RunState, StepState


class Reconciliation(Base):
    """One comparison of UTOPIA's orders with ours; a unique `key` lets the schedule make each one once.

    `found` is how many references UTOPIA's answer held; 0 in a completed comparison means "can't tell". `is_first`:
    orders that were unknown then are older than the comparing itself, and count as known. `claimed_at` is when a
    process last began it: if that process died, another one begins it again.
    """

    __tablename__ = "reconciliations"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    started_by: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime] = mapped_column(default=now)
    claimed_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(16), default=RunState.RUNNING)
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    found: Mapped[int] = mapped_column(default=0)
    is_first: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(Text)


class MissingOrder(Base):
    """An order that UTOPIA names and that never called back here.

    `is_older`: it was there at the first comparison. `answer` is what UTOPIA's contract came to, `said` the same in
    words; `person`, `address`, `plan` and `status` are the contract's. The row goes when the order is taken in.
    """

    __tablename__ = "missing_orders"

    orderref: Mapped[str] = mapped_column(String(64), primary_key=True)
    found_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    is_older: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(16))
    said: Mapped[str] = mapped_column(Text, default="")
    person: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(Text, default="")
    plan: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(80), default="")
    told_at: Mapped[datetime | None]
    put_aside_at: Mapped[datetime | None]
    put_aside_by: Mapped[str | None] = mapped_column(String(80))


class CustomerStatus(Base):
    """A completed order's customer as PowerCode had them at `read_at`: read again until they have been active once.

    `status` is PowerCode's word. `error` is why the last reading came to nothing. `router` is about UTOPIA's access
    portal at the order's site.
    """

    __tablename__ = "customer_statuses"
    __table_args__ = (Index("ix_customer_statuses_billing_next_read_at", "billing", "next_read_at"),)

    customer_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    billing: Mapped[str] = mapped_column(String(16), default=Billing.UNREAD)
    status: Mapped[str] = mapped_column(String(40), default="")
    read_at: Mapped[datetime | None]
    next_read_at: Mapped[datetime | None] = mapped_column(default=now)
    error: Mapped[str | None] = mapped_column(Text)
    router: Mapped[str] = mapped_column(String(16), default=RouterSeen.CANT_TELL)
    router_mac: Mapped[str | None] = mapped_column(String(17))
    put_aside_at: Mapped[datetime | None]
    put_aside_by: Mapped[str | None] = mapped_column(String(80))


class CustomerWrite(Base):
    """What a person had written to a remote system after the account: the row is committed before it is sent.

    `key` is unique. `state` is its outcome, as of an order's step. `content` is what it says, `said` what the system
    answered. A write with an unknown outcome is looked up (at `next_look_at`) where that can be done; otherwise it
    `asks` a person, whose name `settled_by` then holds.
    """

    __tablename__ = "customer_writes"
    __table_args__ = (Index("ix_customer_writes_state_id", "state", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(24))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    customer_id: Mapped[str | None] = mapped_column(String(32), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    made_by: Mapped[str] = mapped_column(String(80))
    sent_at: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(String(16), default=StepState.RUNNING)
    finished_at: Mapped[datetime | None]
    said: Mapped[str] = mapped_column(Text, default="")
    asks: Mapped[bool] = mapped_column(default=False)
    looks: Mapped[int] = mapped_column(default=0)
    next_look_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(80))


class CallbackMessage(Base):
    """A `msg` that callbacks brought, other than a new order's and a test's, and what is to be done with it.

    `key` is the text without case and surplus blanks, with each order reference and number taken out. `rule` is a
    `MessageRule`.
    """

    __tablename__ = "callback_messages"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    msg: Mapped[str] = mapped_column(String(200))
    rule: Mapped[str] = mapped_column(String(24))
    count: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime] = mapped_column(default=now)
    last_at: Mapped[datetime] = mapped_column(default=now)
    last_orderref: Mapped[str | None] = mapped_column(String(64))
    last_event: Mapped[str | None] = mapped_column(String(200))
    decided_by: Mapped[str | None] = mapped_column(String(80))


class Case(Base):
    """Something to be done at UTOPIA and in PowerCode by a day, or a callback's message that somebody has to read.

    `slot` is unique among open cases. `entries` are what UTOPIA's call needs. A half is done when its `_at` is set.
    `status` is PowerCode's word for the customer at the time when somebody said that PowerCode's half is done.
    """

    __tablename__ = "cases"
    __table_args__ = (Index("ix_cases_closed_at_due_on", "closed_at", "due_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    slot: Mapped[str | None] = mapped_column(String(120), unique=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    orderref: Mapped[str | None] = mapped_column(String(64))
    customer_id: Mapped[str | None] = mapped_column(String(32), index=True)
    entries: Mapped[dict[str, Any]] = mapped_column(default=dict)
    note: Mapped[str] = mapped_column(Text, default="")
    due_on: Mapped[date]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    opened_by: Mapped[str] = mapped_column(String(80))
    utopia_at: Mapped[datetime | None]
    utopia_by: Mapped[str | None] = mapped_column(String(80))
    powercode_at: Mapped[datetime | None]
    powercode_by: Mapped[str | None] = mapped_column(String(80))
    status: Mapped[str | None] = mapped_column(String(40))
    status_read_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(80))
    closing_note: Mapped[str] = mapped_column(Text, default="")
