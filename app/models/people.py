"""Who uses the console, where they are signed in, and what they changed."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, now


class User(Base):
    """A person who may sign in. `key` is the name without regard to case; `role` is one of `Role`.

    `signed_in_from` is the IPv4 address, or the IPv6 network, of the last sign-in. `needs_passkey`: an administrator's
    rights need a sign-in with a passkey.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=now)
    signed_in_at: Mapped[datetime | None]
    signed_in_from: Mapped[str | None] = mapped_column(String(64))
    needs_passkey: Mapped[bool] = mapped_column(default=False, server_default=false())


class SignIn(Base):
    """A browser in which somebody is signed in. The browser has the token, the database only its hash."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    began_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    remote_address: Mapped[str | None] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))
    with_passkey: Mapped[bool] = mapped_column(default=False, server_default=false())


class Passkey(Base):
    """A passkey of a user: its id and public key (both base64url), and how often it says that it was used."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[str] = mapped_column(Text)
    sign_count: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]


class FailedSignIn(Base):
    """A sign-in that failed: counted by name and by address, so that nobody guesses passwords at leisure."""

    __tablename__ = "failed_sign_ins"
    __table_args__ = (Index("ix_failed_sign_ins_failed_at", "failed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80))
    remote_address: Mapped[str | None] = mapped_column(String(64))
    failed_at: Mapped[datetime] = mapped_column(default=now)


class AuditEntry(Base):
    """What a person changed, other than an order: who, when, what, and how it was before.

    A change of a remote system has a unique `key`, and an `outcome` (a `StepState`): the row is committed before the
    call, its outcome after.
    """

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(default=now, index=True)
    made_by: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(String(64), unique=True)
    outcome: Mapped[str | None] = mapped_column(String(16))


class TicketTextVersion(Base):
    """A ticket's text as its file had it from `seen_at` on; `saved_by` is None if it was not saved in the console."""

    __tablename__ = "ticket_text_versions"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[str] = mapped_column(String(200), index=True)
    text: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    saved_by: Mapped[str | None] = mapped_column(String(80))
