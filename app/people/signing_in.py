"""Signing in and out: throttled in the database, so that it holds for all processes together.

The browser's cookie holds a random token; the database holds its hash. A sign-in ends when it was idle for IDLE, after
LONGEST in any case, and with a change of the password.
"""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.database import Database
from app.models import FailedSignIn, SignIn, User, now
from app.people import passwords, users

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)

COUNTED_FOR = timedelta(minutes=15)
FAILURES_OF_A_NAME_AT_AN_ADDRESS = 10
FAILURES_OF_AN_ADDRESS = 30
FAILURES_OF_A_NAME = 60
"""Higher than the others: whoever knows a colleague's name should not easily keep them out."""
FAILURES_KEPT = timedelta(days=30)


class SignInRefused(Exception):
    """Nobody was signed in; the text is for the person who tried. `throttled`: too many failures before."""

    def __init__(self, text: str, *, throttled: bool = False) -> None:
        self.throttled = throttled
        super().__init__(text)


def sign_in(database: Database, name: str, password: str, address: str | None, browser: str) -> str:
    """The new sign-in's token. Raises `SignInRefused` when name and password don't fit, or too many failed lately.

    The password is checked while no transaction is open: that takes its time on purpose.
    """
    with database.read() as session:
        _throttle(session, users.key_of(name), address)
        user = users.find(session, name)
    if not passwords.matches(password, user.password_hash if user else None):
        with database.write() as session:
            session.add(FailedSignIn(key=users.key_of(name), remote_address=address))
        raise SignInRefused("Name and password don't fit")
    with database.write() as session:
        user = users.find(session, name)
        if user is None:
            raise SignInRefused("Name and password don't fit")
        user.password_hash = passwords.rehashed(password, user.password_hash)
        user.signed_in_at = now()
        session.execute(delete(FailedSignIn).where(FailedSignIn.key == user.key))
        _forget_old(session)
        token = secrets.token_urlsafe(32)
        session.add(SignIn(user_id=user.id, token_hash=_hash(token), remote_address=address, browser=browser[:200]))
        return token


def _throttle(session: Session, key: str, address: str | None) -> None:
    of_name, of_address = FailedSignIn.key == key, FailedSignIn.remote_address == address
    for those, limit in (
        ((of_name, of_address), FAILURES_OF_A_NAME_AT_AN_ADDRESS),
        ((of_address,), FAILURES_OF_AN_ADDRESS),
        ((of_name,), FAILURES_OF_A_NAME),
    ):
        lately = FailedSignIn.failed_at > now() - COUNTED_FOR
        if (session.scalar(select(func.count()).select_from(FailedSignIn).where(lately, *those)) or 0) >= limit:
            raise SignInRefused("Too many sign-ins failed. Wait a quarter of an hour, then try again", throttled=True)


def _forget_old(session: Session) -> None:
    session.execute(delete(SignIn).where(SignIn.last_seen_at < now() - IDLE))
    session.execute(delete(SignIn).where(SignIn.began_at < now() - LONGEST))
    session.execute(delete(FailedSignIn).where(FailedSignIn.failed_at < now() - FAILURES_KEPT))


def find(session: Session, token: str) -> tuple[User, SignIn] | None:
    """Whose token it is, while the sign-in has not ended."""
    found = session.execute(
        select(User, SignIn).join(SignIn, SignIn.user_id == User.id).where(SignIn.token_hash == _hash(token))
    ).first()
    if found is None:
        return None
    user, place = found
    moment = now()
    if place.last_seen_at < moment - IDLE or place.began_at < moment - LONGEST:
        return None
    return user, place


def is_due(place: SignIn) -> bool:
    """Whether `seen` should be told: not with each page, since that would be a write with each page."""
    return place.last_seen_at < now() - SEEN_EVERY


def seen(session: Session, place_id: int) -> None:
    """The user did something just now."""
    place = session.get(SignIn, place_id)
    if place is not None:
        place.last_seen_at = now()


def sign_out(session: Session, token: str) -> None:
    """End the sign-in."""
    session.execute(delete(SignIn).where(SignIn.token_hash == _hash(token)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
