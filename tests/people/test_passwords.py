"""Passwords: hashed so that a stolen database tells nothing, and the guessable ones refused."""

import subprocess
import sys

import bcrypt
import pytest
from werkzeug.security import generate_password_hash

from app.people import passwords
from config import PROJECT


def test_a_hash_is_argon2id_and_never_the_same_twice() -> None:
    first, second = passwords.hashed("fiber to every door"), passwords.hashed("fiber to every door")

    assert first.startswith("$argon2id$")
    assert first != second
    assert passwords.matches("fiber to every door", first)
    assert not passwords.matches("fiber to every Door", first)


@pytest.mark.sweep
def test_a_hash_costs_a_thief_what_owasp_asks_for() -> None:
    made_by_the_service = "from app.people import passwords; print(passwords.hashed('fiber to every door'))"
    run = subprocess.run(
        [sys.executable, "-c", made_by_the_service], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert run.stdout.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("weak", ["", "short", "a" * 9, "aaaaaaaaaaaa", "Password123", "1234567890", "x" * 201])
def test_a_password_that_anybody_would_guess_is_refused(weak: str) -> None:
    with pytest.raises(passwords.WeakPassword):
        passwords.hashed(weak)


def test_a_password_with_the_name_in_it_is_refused() -> None:
    with pytest.raises(passwords.WeakPassword, match="name"):
        passwords.hashed("Stanley-2026", "stanley")


def test_a_name_that_nobody_has_fits_no_password() -> None:
    assert not passwords.matches("fiber to every door", None)


@pytest.mark.parametrize("method", ["scrypt", "pbkdf2:sha256:1000"])
def test_a_hash_made_by_flask_applications_lets_its_owner_in_and_is_replaced(method: str) -> None:
    made_elsewhere = generate_password_hash("fiber to every door", method=method)

    assert passwords.matches("fiber to every door", made_elsewhere)
    assert not passwords.matches("something else", made_elsewhere)
    assert passwords.rehashed("fiber to every door", made_elsewhere).startswith("$argon2id$")


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_a_bcrypt_hash_of_the_old_scripts_lets_its_owner_in_and_is_replaced(prefix: str) -> None:
    made_there = prefix + of_the_old_scripts("pass word").removeprefix("$2b$")

    assert passwords.is_usable_hash(made_there)
    assert passwords.matches("pass word", made_there)
    assert not passwords.matches("pass wor", made_there)
    replaced = passwords.rehashed("pass word", made_there)
    assert replaced.startswith("$argon2id$")
    assert passwords.matches("pass word", replaced)


@pytest.mark.parametrize("long", ["x1" * 50, "ä€" * 40, "a" * 71 + "€uro"], ids=["ascii", "unicode", "cut letter"])
def test_a_password_longer_than_bcrypt_looks_at_lets_its_owner_in_and_counts_whole_from_then_on(long: str) -> None:
    made_there = of_the_old_scripts(long)

    assert passwords.matches(long, made_there)
    assert not passwords.matches("y" + long[1:], made_there)
    assert not passwords.matches(f"{long}!", passwords.rehashed(long, made_there))


@pytest.mark.parametrize("cost", ["03", "15", "31", "99"])
def test_a_bcrypt_hash_that_would_hold_the_service_up_is_not_taken(cost: str) -> None:
    assert not passwords.is_usable_hash(of_the_old_scripts("pass word").replace("$04$", f"${cost}$"))


def of_the_old_scripts(password: str) -> str:
    """As bcrypt 3 hashed for them: without a word, of the first 72 bytes."""
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()


@pytest.mark.parametrize(
    "broken",
    [
        "$2b$12$short",
        "$2b$04$" + "!" * 53,
        "",
        "$argon2id$",
        "scrypt:",
        "pbkdf2:nonsense:1$a$b",
        "plain text",
        "md5:1$2$3",
    ],
)
def test_a_hash_that_can_not_be_read_lets_nobody_in(broken: str) -> None:
    assert not passwords.matches("fiber to every door", broken)
    assert not passwords.matches(broken, broken)


def test_a_password_of_a_megabyte_is_not_hashed() -> None:
    assert not passwords.matches("x" * 1_000_000, passwords.hashed("fiber to every door"))
