"""Joint decisions for all orders of a cause, plans that one order tries first, and who is on which order."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, now


class JointDecision(Base):
    """One decision for all orders of a cause that stood when a person saw them: those up to the id `newest`.

    `words` say what it is about. The row is committed before the first order is touched; `done_at` is set once no order
    is left.
    """

    __tablename__ = "joint_decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    cause: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text)
    newest: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime] = mapped_column(default=now)
    done_at: Mapped[datetime | None] = mapped_column(index=True)


class PlanTrial(Base):
    """A plan whose number a person gave, and PowerCode has not taken yet: one order goes first, the others follow.

    `key` and `description` are as in the plan table. There is no `first_order_id` as long as nobody ordered it.
    """

    __tablename__ = "plan_trials"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    description: Mapped[str] = mapped_column(String(200))
    service_id: Mapped[int]
    first_order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"), index=True)
    begun_by: Mapped[str] = mapped_column(String(80))
    begun_at: Mapped[datetime] = mapped_column(default=now)


class ToldCause(Base):
    """A cause that the office was told of by mail, and when last: orders that joined it since share one later mail."""

    __tablename__ = "told_causes"

    key: Mapped[str] = mapped_column(String(500), primary_key=True)
    told_at: Mapped[datetime] = mapped_column(default=now)


class OnIt(Base):
    """Who is on an order that needs somebody. It holds for the order's `run`, so it is over when the order goes on."""

    __tablename__ = "orders_on_it"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    run: Mapped[int]
    taken_by: Mapped[str] = mapped_column(String(80))
    taken_at: Mapped[datetime] = mapped_column(default=now)


class PutOff(Base):
    """An order that needs somebody, but not before `until`; like `OnIt`, it holds for the order's `run`."""

    __tablename__ = "orders_put_off"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    run: Mapped[int]
    until: Mapped[datetime]
    put_off_by: Mapped[str] = mapped_column(String(80))
    put_off_at: Mapped[datetime] = mapped_column(default=now)
    reason: Mapped[str | None] = mapped_column(Text)
