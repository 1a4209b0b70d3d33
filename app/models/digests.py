"""The weekly digest: its runs, whom they told of what, and the rows of the report that could not be used."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, now
from app.models.states import MessageState, PreviewState, RunState


class DigestWindow(Base):
    """The day from which closings are reported: one row, set once, by the first run or by an import."""

    __tablename__ = "digest_window"

    id: Mapped[int] = mapped_column(primary_key=True)
    starts_on: Mapped[date]
    set_by: Mapped[str] = mapped_column(String(80))
    set_at: Mapped[datetime] = mapped_column(default=now)


class ScheduleMark(Base):
    """Since when a schedule is kept: work that was due before is not made up."""

    __tablename__ = "schedule_marks"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    kept_since: Mapped[datetime] = mapped_column(default=now)


class DigestRun(Base):
    """One run of the digest. `key` is unique: the schedule makes each run once, however many processes start it.

    `attempt` counts how often its work was started; only the attempt with this number may work. `tries` counts attempts
    in a row in which nothing went out. Each of the `rows_read` is counted once: due, for next week, reported before,
    repeated, not closed, too old or set aside.
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
    tries: Mapped[int] = mapped_column(default=0)
    planned: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(Text)
    next_try_at: Mapped[datetime | None]
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    rows_read: Mapped[int] = mapped_column(default=0)
    rows_due: Mapped[int] = mapped_column(default=0)
    rows_for_next_week: Mapped[int] = mapped_column(default=0)
    already_reported: Mapped[int] = mapped_column(default=0)
    repeated: Mapped[int] = mapped_column(default=0)
    not_closed: Mapped[int] = mapped_column(default=0)
    too_old: Mapped[int] = mapped_column(default=0)
    for_next_week: Mapped[int] = mapped_column(default=0)
    set_aside: Mapped[int] = mapped_column(default=0)


class DigestMessage(Base):
    """A customer's message in a run. `slot` is the ISO week and the address: one message a customer a week.

    A message that is known not to have gone out gives its slot back.
    """

    __tablename__ = "digest_messages"
    __table_args__ = (
        Index("ix_digest_messages_run_id_batch", "run_id", "batch"),
        Index("ix_digest_messages_state_run_id", "state", "run_id"),
    )

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
    """A row of the report that could not be used, with its number in the sheet, the reason, and its content."""

    __tablename__ = "digest_set_aside"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("digest_runs.id", ondelete="CASCADE"), index=True)
    row: Mapped[int]
    cause: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    written: Mapped[str] = mapped_column(Text, default="")
    ticket: Mapped[str] = mapped_column(Text)
    date: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)


class DigestPreview(Base):
    """What the next digest would send, for the person who asked: only the newest one is kept."""

    __tablename__ = "digest_previews"

    id: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    asked_by: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(16), default=PreviewState.RUNNING)
    progress: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str | None] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]
