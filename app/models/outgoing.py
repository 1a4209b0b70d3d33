"""What goes out besides mails: events for a machine of the office's, and messages to its chat and push channels."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, now
from app.models.states import OutgoingState


class Outgoing(Base):
    """An event or a message, recorded with the change that it tells of. No customer's data is in it.

    `channel` is where it goes: `events`, or the name of a channel of NOTIFY_URLS. `key` is unique. `message_id` is the
    same at each try, so that a receiver recognises one that it had. `started_at` is when its tries began, or began
    anew. While it is being sent, `next_try_at` is when it counts as lost.

    `others_taken`: since this one last failed, its channel took another one. `is_refused`: this one failed although
    another one was taken just before, so that it keeps its own pauses when the next one is taken.
    """

    __tablename__ = "outgoing"
    __table_args__ = (
        Index("ix_outgoing_state_channel", "state", "channel"),
        Index("ix_outgoing_channel_id", "channel", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(200), unique=True)
    message_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(16), default=OutgoingState.PENDING)
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    others_taken: Mapped[bool] = mapped_column(default=False)
    is_refused: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
