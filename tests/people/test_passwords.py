"""Passwords: hashed so that a stolen database tells nothing, and the guessable ones refused."""

import subprocess
import sys

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


@pytest.mark.parametrize("broken", ["", "$argon2id$", "scrypt:", "pbkdf2:nonsense:1$a$b", "plain text", "md5:1$2$3"])
def test_a_hash_that_can_not_be_read_lets_nobody_in(broken: str) -> None:
    assert not passwords.matches("fiber to every door", broken)
    assert not passwords.matches(broken, broken)


def test_a_password_of_a_megabyte_is_not_hashed() -> None:
    assert not passwords.matches("x" * 1_000_000, passwords.hashed("fiber to every door"))
