"""Signing in and out: failures are counted in the database, so that the limits hold for all processes together.

The browser's cookie holds a random token; the database holds its hash. A sign-in ends after IDLE without activity,
after LONGEST in any case, and when the password is changed.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from app.models import FailedSignIn, SignIn, User, now
from app.people import passkeys, passwords, users
from app.storage.database import Database

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)

COUNTED_FOR = timedelta(minutes=15)
FAILURES_OF_A_NAME_AT_AN_ADDRESS = 10
FAILURES_OF_AN_ADDRESS = 30
FAILURES_OF_A_NAME = 60
"""Higher than the other limits, and not applied to the address where the person last signed in, so that nobody can
lock a colleague out by knowing their name."""
IPV6_PREFIX = 64
"""A provider's customer gets at least an IPv6 network of this prefix; its addresses count as one sender."""
FAILURES_KEPT = timedelta(days=30)


class SignInRefused(Exception):
    """Nobody was signed in; the text is for the person who tried. `throttled`: too many failures before."""

    def __init__(self, text: str, *, throttled: bool = False) -> None:
        self.throttled = throttled
        super().__init__(text)


class PasskeyNeeded(Exception):
    """The password is right, and the user has a passkey: it is asked for as well."""

    def __init__(self, user_id: int, name: str) -> None:
        self.user_id, self.name = user_id, name
        super().__init__(name)


def sign_in(database: Database, name: str, password: str, address: str | None, browser: str) -> str:
    """The new sign-in's token. Raises `SignInRefused` for a wrong name or password, or after too many failures.

    Raises `PasskeyNeeded` when both are right and the user has a passkey: then `sign_in_with_passkey` follows.

    The password is checked while no transaction is open, as hashing is slow on purpose. An attempt counts as failed
    before it is checked, so that attempts at the same time don't get past the limit.
    """
    network = _network(address)
    attempt = _admit(database, name, network)
    with database.read() as session:
        user = users.find(session, name)
    if not passwords.matches(password, user.password_hash if user else None):
        raise SignInRefused("Name and password don't fit")
    with database.write() as session:
        user = users.find(session, name)
        if user is None:
            raise SignInRefused("Name and password don't fit")
        user.password_hash = passwords.rehashed(password, user.password_hash)
        if not passkeys.of_user(session, user.id):
            return _begin(session, user, address, browser, with_passkey=False)
        session.execute(delete(FailedSignIn).where(FailedSignIn.id == attempt))
    raise PasskeyNeeded(user.id, user.name)


def sign_in_with_passkey(
    database: Database, user_id: int, check: Callable[[Session], None], address: str | None, browser: str
) -> str:
    """The new sign-in's token, after a right password. If `check` raises `PasskeyRefused`, that counts as a failure.

    Raises `SignInRefused` after too many failures.
    """
    network = _network(address)
    with database.read() as session:
        user = session.get(User, user_id)
        if user is None:
            raise SignInRefused("Name and password don't fit")
    _admit(database, user.name, network)
    with database.write() as session:
        check(session)
        return _begin(session, session.get_one(User, user_id), address, browser, with_passkey=True)


def _begin(session: Session, user: User, address: str | None, browser: str, *, with_passkey: bool) -> str:
    user.signed_in_at, user.signed_in_from = now(), _network(address)
    session.execute(delete(FailedSignIn).where(FailedSignIn.key == user.key))
    _forget_old(session)
    token = secrets.token_urlsafe(32)
    place = {"remote_address": address, "browser": browser[:200], "with_passkey": with_passkey}
    session.add(SignIn(user_id=user.id, token_hash=_hash(token), **place))
    return token


def _admit(database: Database, name: str, network: str | None) -> int:
    """Count the attempt as failed, and return its number; raises `SignInRefused` when there were too many."""
    attempt = _count_as_failed(database, name, network)
    with database.read() as session:
        is_too_many = _is_too_many(session, users.key_of(name), network, users.find(session, name))
    if is_too_many:
        with database.write() as session:
            session.execute(delete(FailedSignIn).where(FailedSignIn.id == attempt))
        raise SignInRefused("Too many sign-ins failed. Wait a quarter of an hour, then try again", throttled=True)
    return attempt


def _network(address: str | None) -> str | None:
    """What counts as one sender: an IPv4 address, or the network of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))


def _count_as_failed(database: Database, name: str, network: str | None) -> int:
    with database.write() as session:
        attempt = FailedSignIn(key=users.key_of(name), remote_address=network)
        session.add(attempt)
        session.flush()
        return attempt.id


def _is_too_many(session: Session, key: str, network: str | None, user: User | None) -> bool:
    """Whether there were too many failures lately, including the present attempt."""
    of_name, of_network = FailedSignIn.key == key, FailedSignIn.remote_address == network
    limits: list[tuple[tuple[ColumnElement[bool], ...], int]] = [
        ((of_name, of_network), FAILURES_OF_A_NAME_AT_AN_ADDRESS),
        ((of_network,), FAILURES_OF_AN_ADDRESS),
    ]
    if user is None or network is None or user.signed_in_from != network:
        limits.append(((of_name,), FAILURES_OF_A_NAME))
    lately = FailedSignIn.failed_at > now() - COUNTED_FOR
    counts = [(session.scalar(select(func.count()).where(lately, *those)) or 0, limit) for those, limit in limits]
    return any(count > limit for count, limit in counts)


def _forget_old(session: Session) -> None:
    session.execute(delete(SignIn).where(or_(SignIn.last_seen_at < now() - IDLE, SignIn.began_at < now() - LONGEST)))
    session.execute(delete(FailedSignIn).where(FailedSignIn.failed_at < now() - FAILURES_KEPT))


def find(session: Session, token: str) -> tuple[User, SignIn] | None:
    """The token's user and sign-in; None when the sign-in has ended."""
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
    """Whether `seen` should be called: not for each page, as each call writes to the database."""
    return place.last_seen_at < now() - SEEN_EVERY


def seen(session: Session, place_id: int) -> None:
    """Record that the user was active just now."""
    place = session.get(SignIn, place_id)
    if place is not None:
        place.last_seen_at = now()


def sign_out(session: Session, token: str) -> None:
    """End the sign-in."""
    session.execute(delete(SignIn).where(SignIn.token_hash == _hash(token)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
