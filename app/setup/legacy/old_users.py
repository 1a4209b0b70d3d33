"""The old script's `users.json`: who could sign in, with hashes of their passwords.

A password in plain text is not taken over: everybody who had the file knows it. Users who could open the settings
(`can_view_config`) become administrators; all others become staff, as they could do everything else. A role that
somebody wrote in by hand, and that is unknown here, becomes read-only.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.models import Role
from app.people import audit, passwords, users
from app.setup.legacy.findings import Became, Entry, key_of, shown, unwrapped, value_of
from config import PASSWORD_HASHES

WRAPPERS = ("users",)
NAME = ("name", "username", "user")
HASH = ("password", "passwordhash", "hash", "pwhash", "passhash")
HAD_THE_SETTINGS = ("canviewconfig", "isadmin", "admin")
ROLES: Mapping[str, Role] = {
    "administrator": Role.ADMINISTRATOR,
    "admin": Role.ADMINISTRATOR,
    "staff": Role.STAFF,
    "readonly": Role.READ_ONLY,
    "viewer": Role.READ_ONLY,
}


def take(session: Session, content: Any, by: str) -> Iterator[Entry]:
    """Add the file's users, in the caller's transaction; returns what became of each. Existing users are unchanged."""
    content = unwrapped(content, WRAPPERS)
    if isinstance(content, dict) and isinstance(value_of(content, NAME), str):
        content = [content]
    if isinstance(content, dict):
        yield from (_take(session, name, _record(value), by) for name, value in content.items())
    elif isinstance(content, list):
        for number, each in enumerate(content, 1):
            name = value_of(each, NAME) if isinstance(each, dict) else None
            if isinstance(name, str):
                yield _take(session, name, each, by)
            else:
                yield Entry(f"entry {number}", Became.NOT_TAKEN, "it has no name")
    else:
        yield Entry("the file", Became.NOT_TAKEN, "it is no list of users")


def _record(value: Any) -> dict[str, Any]:
    """A user's value in the file as a record; the value may be the password alone."""
    return value if isinstance(value, dict) else {"password": value}


def _take(session: Session, name: str, record: dict[str, Any], by: str) -> Entry:
    known = users.find(session, name)
    if known is not None:
        return Entry.about(name, Became.HERE, f"as {known.role}; nothing is changed")
    password_hash = value_of(record, HASH)
    if not isinstance(password_hash, str) or not password_hash:
        return _asks_for_password(name, "there is no password hash")
    if not password_hash.startswith(PASSWORD_HASHES):
        return _asks_for_password(name, "the password is not stored as a hash that can be checked here")
    if not passwords.is_usable_hash(password_hash):
        return _asks_for_password(name, "the password's hash is damaged, or takes too much memory or time")
    role, remark = _role(record)
    try:
        user = users.add_hashed(session, name, password_hash, role)
    except users.NotPossible as why:
        return Entry.about(name, Became.NOT_TAKEN, str(why))
    audit.record(session, by, "user added", user.name, f"{role}, from users.json")
    return Entry(user.name, Became.TAKEN, f"as {role}{remark}")


def _asks_for_password(name: str, why: str) -> Entry:
    return Entry.about(name, Became.NOT_TAKEN, f"{why}: utopia-handler users add NAME asks for a new one")


def _role(record: dict[str, Any]) -> tuple[Role, str]:
    """The role, and a remark about it."""
    written = value_of(record, ["role"])
    if isinstance(written, str) and key_of(written) in ROLES:
        return ROLES[key_of(written)], ""
    if written is not None:
        remark = f", as the role “{shown(written)}” is not known here"
        return Role.READ_ONLY, f"{remark}; change it with: utopia-handler users role NAME ROLE"
    if any(value_of(record, [name]) is True for name in HAD_THE_SETTINGS):
        return Role.ADMINISTRATOR, ", who could see and change the settings there"
    return Role.STAFF, ", who could do everything there but change the settings"
