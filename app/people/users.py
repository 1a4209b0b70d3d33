"""The people who may sign in: added, changed and removed, in the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.models import Role, SignIn, User
from app.people import passkeys, passwords
from config import USER_NAME, Settings


class NotPossible(Exception):
    """A change that can't be made; the text says why."""


def find(session: Session, name: str) -> User | None:
    """The user of that name; case and blanks around it do not count."""
    return session.scalar(select(User).filter_by(key=key_of(name)))


def named(session: Session, name: str) -> User:
    """The user of that name, or `NotPossible`."""
    user = find(session, name)
    if user is None:
        raise NotPossible(f'There is no user "{name}"')
    return user


def everybody(session: Session) -> Sequence[User]:
    """All users by name."""
    return session.scalars(select(User).order_by(User.key)).all()


def key_of(name: str) -> str:
    """The key of a name: the same for all its spellings."""
    return " ".join(name.split()).casefold()[:80]


def add(session: Session, name: str, password: str, role: Role) -> User:
    """Add a user. Raises `NotPossible`, `WeakPassword`."""
    user = _new(session, name, "", role)
    user.password_hash = passwords.hashed(password, user.name)
    return user


def add_hashed(session: Session, name: str, password_hash: str, role: Role) -> User:
    """Add a user with the hash of a password that they have elsewhere. Raises `NotPossible`."""
    if not passwords.is_usable_hash(password_hash):
        raise NotPossible("The password's hash is of a kind that can't be checked here")
    return _new(session, name, password_hash, role)


def _new(session: Session, name: str, password_hash: str, role: Role) -> User:
    shown = " ".join(name.split())
    if not USER_NAME.fullmatch(shown):
        raise NotPossible("A name has 1 to 80 letters, digits, blanks and . @ + - _")
    if find(session, shown) is not None:
        raise NotPossible(f'There is a user "{shown}" already')
    needs_passkey = role == Role.ADMINISTRATOR and passkeys.are_asked(session)
    user = User(name=shown, key=key_of(shown), password_hash=password_hash, role=role, needs_passkey=needs_passkey)
    session.add(user)
    session.flush()
    return user


def set_password(session: Session, user: User, password: str, *, staying: int | None = None) -> None:
    """Change the password, and end the user's sign-ins except `staying`. Raises `WeakPassword`."""
    user.password_hash = passwords.hashed(password, user.name)
    sign_out_everywhere(session, user, but=staying)


def set_role(session: Session, user: User, role: Role) -> None:
    """Change what the user may do. Raises `NotPossible` for the last administrator."""
    if role != Role.ADMINISTRATOR:
        _keep_an_administrator(session, user)
    user.needs_passkey = role == Role.ADMINISTRATOR and passkeys.are_asked(session)
    user.role = role


def remove(session: Session, user: User) -> None:
    """Remove the user. Raises `NotPossible` for the last administrator."""
    _keep_an_administrator(session, user)
    sign_out_everywhere(session, user)
    session.delete(user)


def sign_out_everywhere(session: Session, user: User, *, but: int | None = None) -> int:
    """End the user's sign-ins, except the one with the number `but`; returns how many."""
    those = (SignIn.user_id == user.id, SignIn.id != (but or 0))
    count = session.scalar(select(func.count()).select_from(SignIn).where(*those)) or 0
    session.execute(delete(SignIn).where(*those))
    return count


def end_sign_in(session: Session, user: User, place: int) -> bool:
    """End one of the user's sign-ins; returns whether it was there."""
    row = session.get(SignIn, place)
    if row is None or row.user_id != user.id:
        return False
    session.delete(row)
    return True


def _keep_an_administrator(session: Session, user: User) -> None:
    """Refuse to remove the last administrator. All are locked, so that two can't remove each other at the same time."""
    administrators = session.scalars(select(User).filter_by(role=Role.ADMINISTRATOR).with_for_update()).all()
    if [one.id for one in administrators] == [user.id]:
        raise NotPossible(f'"{user.name}" is the only administrator; make somebody else one first')


def seed(session: Session, settings: Settings) -> None:
    """Add `ADMIN_USER` while there is no user at all; later changes of the setting have no effect."""
    if settings.admin_user is None or session.scalar(select(User.id).limit(1)) is not None:
        return
    if settings.admin_pass_hash is not None:
        password_hash = settings.admin_pass_hash.get_secret_value()
    elif settings.admin_pass is not None:
        # No check of the password's strength: whoever can write .env controls the server anyway.
        password_hash = passwords.rehashed(settings.admin_pass.get_secret_value(), "")
    else:
        return
    _new(session, settings.admin_user, password_hash, Role.ADMINISTRATOR)
