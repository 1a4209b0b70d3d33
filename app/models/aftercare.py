"""What follows an order: the orders that never came, and what the comparisons with UTOPIA found."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, now
from app.models.states import RunState


class Reconciliation(Base):
    """One comparison of UTOPIA's orders with ours; `key` makes one of the schedule one of its kind.

    `found` is how many references UTOPIA's answer held; 0 of one that is completed means "can't tell". `is_first`: what
    was unknown then is older than the comparing itself, and counts as known. `claimed_at` is when a process last began
    with it: one that died is begun again.
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
