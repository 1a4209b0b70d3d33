"""Passwords: their hashes (argon2id), and which passwords are too weak.

A hash from elsewhere (`ADMIN_PASS_HASH`, an imported `users.json`) may also be bcrypt's (`$2b$...`), as the old scripts
wrote it, or one of werkzeug's (`scrypt:...`, `pbkdf2:...`), as Flask applications store them. It is replaced by one of
ours when its owner signs in.
"""

import re
import secrets
import threading
from functools import cache

import bcrypt
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

SHORTEST = 10
LONGEST = 200
COMMON = frozenset(
    {"1234567890", "12345678901", "123456789012", "password123", "password1234", "administrator", "qwertyuiop"}
    | {"iloveyou123", "letmein1234", "0123456789", "passwordpassword", "changeme123", "welcome123"}
)

MOST_KIBIBYTES = 256 * 1024
MOST_ROUNDS = 5_000_000
"""Most rounds of a hash from elsewhere: checking a costlier one would block the service at its owner's sign-in."""
MOST_BCRYPT_COST = 14
BCRYPT_BYTES = 72
"""bcrypt uses only these bytes of a password. The library refuses longer ones; older versions cut them off."""
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_SCRYPT = re.compile(r"scrypt:(\d{1,8}):(\d{1,3}):(\d{1,3})\$[^$\s]+\$[0-9a-f]{128}")
_PBKDF2 = re.compile(r"pbkdf2:sha(?:1|256|512):(\d{1,8})\$[^$\s]+\$[0-9a-f]{40,128}")

_HASHER = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
"""19 MiB a hash (OWASP's figures for argon2id); the library's 64 MiB would be a third of the whole process."""
_ONE_AT_A_TIME = threading.Lock()


class WeakPassword(Exception):
    """A password that is not taken; the text says why."""


def hashed(password: str, name: str = "") -> str:
    """The hash to store. Raises `WeakPassword`."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters")
    if password.casefold() in COMMON or len(set(password)) < 4:
        raise WeakPassword("This password is one of the first that anybody would try; take another")
    if name and name.casefold() in password.casefold():
        raise WeakPassword("The password has the name in it; take another")
    return _HASHER.hash(password)


@cache
def _nobodys() -> str:
    """A hash to check for unknown names, so that the time of an answer does not reveal which names exist."""
    return _HASHER.hash(secrets.token_hex(16))


def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is right; takes as long for a name that nobody has (None)."""
    if len(password) > LONGEST:
        return False
    try:
        with _ONE_AT_A_TIME:
            nobodys = _nobodys()  # for known names as well, as the first call after a start has to compute it
            if password_hash is not None and _BCRYPT.fullmatch(password_hash):
                return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], password_hash.encode())
            if password_hash is not None and not password_hash.startswith("$argon2"):
                return check_password_hash(password_hash, password)
            return _HASHER.verify(password_hash or nobodys, password) and password_hash is not None
    except (VerificationError, InvalidHashError, ValueError):
        return False


def is_usable_hash(password_hash: str) -> bool:
    """Whether a hash that was made elsewhere can be checked here, within reasonable memory and time."""
    if found := _BCRYPT.fullmatch(password_hash):
        return int(found[1]) <= MOST_BCRYPT_COST
    if found := _SCRYPT.fullmatch(password_hash):
        blocks, block_size, lanes = map(int, found.groups())
        power_of_two = blocks > 1 and blocks & (blocks - 1) == 0
        return power_of_two and 0 < blocks * block_size * lanes // 8 <= MOST_KIBIBYTES
    if found := _PBKDF2.fullmatch(password_hash):
        return 0 < int(found[1]) <= MOST_ROUNDS
    try:
        given = extract_parameters(password_hash)
    except InvalidHashError:
        return False
    return given.memory_cost <= MOST_KIBIBYTES and given.memory_cost * given.time_cost <= 16 * MOST_KIBIBYTES


def rehashed(password: str, password_hash: str) -> str:
    """The hash to store from now on: a new one if the old one was made by another method than today's.

    The new hash covers the whole password, also the part that bcrypt ignores.
    """
    if password_hash.startswith("$argon2") and not _HASHER.check_needs_rehash(password_hash):
        return password_hash
    return _HASHER.hash(password)
