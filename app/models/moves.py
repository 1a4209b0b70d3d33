"""Where a SQLite database was moved to, and where a PostgreSQL database came from."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, now


class DatabaseMove(Base):
    """A move of everything from SQLite to PostgreSQL, in both databases under the same `key`.

    A SQLite database with such a row must not be used any more. While `arrived_at` is None, its content may not have
    arrived in PostgreSQL yet.
    `content` is the checksum of what arrived. `address` is without a password.
    """

    __tablename__ = "database_moves"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime] = mapped_column(default=now)
    arrived_at: Mapped[datetime | None]
