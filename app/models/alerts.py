"""What is wrong with the system itself, and what is known of the PowerCode server's certificate."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, now


class Alert(Base):
    """Something that is wrong, from the first sign of it until it is over.

    `slot` is the kind and the subject until the alert is over: a subject has one alert of a kind at a time. While
    `opened_at` is None, the trouble is only suspected. `began_at` is since when it is wrong, `gone_since` since when an
    open alert shows no sign any more, `looked_at` when it was looked at last. `told`: staff had a mail when it opened.
    """

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[str | None] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(24))
    subject: Mapped[str] = mapped_column(String(160))
    began_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    gone_since: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    looked_at: Mapped[datetime] = mapped_column(default=now)
    told: Mapped[bool] = mapped_column(default=False)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)


class KnownCertificate(Base):
    """The certificate that a server is known to show (SHA-256), and when it was looked at last.

    `fingerprint` is None until the first look.
    """

    __tablename__ = "known_certificates"

    server: Mapped[str] = mapped_column(String(300), primary_key=True)
    fingerprint: Mapped[str | None] = mapped_column(String(95))
    looked_at: Mapped[datetime]
