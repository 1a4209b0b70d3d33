"""What became of the backups that are made into a folder."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LastBackup(Base):
    """One row: the last good backup and the last failure, and since when they are watched.

    A restored backup doesn't know of itself, so the row begins anew after a restore.
    """

    __tablename__ = "last_backup"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    watched_since: Mapped[datetime]
    made_at: Mapped[datetime | None]
    file: Mapped[str | None] = mapped_column(Text)
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
