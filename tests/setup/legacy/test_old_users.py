"""People who could sign in at the old script."""

from pathlib import Path

import pytest
from sqlalchemy import select

from app.models import AuditEntry, User
from app.people import passwords
from tests.conftest import Service
from tests.setup.legacy.reports import BCRYPT, HASH, PBKDF2, imported, leave, report, users
from tests.tools.command_runs import failed


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        ([{"username": "ada", "password": BCRYPT, "can_view_config": True}], {"ada": "administrator"}),
        ([{"username": "ada", "password": BCRYPT, "can_view_config": False}], {"ada": "staff"}),
        ([{"username": "ada", "password": BCRYPT}], {"ada": "staff"}),
        ([{"username": "ada", "password": BCRYPT, "can_view_config": "perhaps"}], {"ada": "staff"}),
        ({"ada": HASH}, {"ada": "staff"}),
        ({"ada": {"password_hash": PBKDF2, "role": "staff"}}, {"ada": "staff"}),
        ([{"username": "ada", "hash": HASH, "role": "Administrator"}], {"ada": "administrator"}),
        ({"users": [{"name": "ada", "password": HASH, "is_admin": True}]}, {"ada": "administrator"}),
        ({"users": {"ada": {"password": HASH, "role": "read only"}}}, {"ada": "read_only"}),
        ([{"username": "ada", "password": HASH, "role": "wizard"}], {"ada": "read_only"}),
        ({"username": "ada", "password": HASH}, {"ada": "staff"}),
    ],
)
def test_a_user_is_taken_with_their_hash_and_no_more_rights_than_are_known(
    service: Service, tmp_path: Path, content: object, taken: dict[str, str]
) -> None:
    assert imported(service, leave(tmp_path, users=content)).exit_code == 0

    assert users(service) == taken


def test_a_user_signs_in_with_the_password_they_had(service: Service, tmp_path: Path) -> None:
    imported(service, leave(tmp_path, users={"ada": {"password": HASH, "role": "staff"}, "ole": PBKDF2, "bo": BCRYPT}))

    hashes = service.rows(select(User.password_hash))
    assert [passwords.matches("fiber to every door", each) for each in hashes] == [True, True, True]


@pytest.mark.parametrize(
    "password",
    [
        "fiber to every door",
        "",
        None,
        17,
        "scrypt:1073741824:8:1$salt$" + "0" * 128,
        "scrypt:1000:8:1$salt$" + "0" * 128,
        "pbkdf2:sha256:99999999$salt$" + "0" * 64,
        "pbkdf2:sha256:1000$salt",
        "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$",
        "$2b$12$abcdefghijklmnopqrstuv",
        "5f4dcc3b5aa765d61d8327deb882cf99",
    ],
)
def test_a_password_in_plain_text_or_a_hash_that_harms_is_not_taken(
    service: Service, tmp_path: Path, password: object
) -> None:
    result = imported(service, leave(tmp_path, users={"ada": {"password": password, "role": "admin"}}))

    assert "1 of what is in" in failed(result)
    assert users(service) == {}
    assert "asks for a new one" in result.stdout
    assert "fiber to every door" not in result.output


def test_who_is_here_keeps_their_password_and_role(service: Service, tmp_path: Path) -> None:
    service.add(User(name="Ada", key="ada", password_hash="x", role="staff"))

    said = report(service, leave(tmp_path, users={"ADA": {"password": HASH, "role": "admin"}}))

    assert said["users.json"] == [("ADA", "here already")]
    with service.services.database.read() as session:
        assert session.execute(select(User.password_hash, User.role)).one() == ("x", "staff")


def test_a_name_that_can_be_nobodys_is_shown_in_one_line(service: Service, tmp_path: Path) -> None:
    result = imported(service, leave(tmp_path, users={"a\n\x1b[2J" + "b" * 4000: HASH}))

    assert "1 of what is in" in failed(result)
    assert "\x1b" not in result.output
    assert max(len(line) for line in result.stdout.splitlines()) < 300


def test_who_let_whom_in_is_kept(service: Service, tmp_path: Path) -> None:
    imported(service, leave(tmp_path, users={"ada": {"password": HASH, "role": "staff"}}))

    (entry,) = service.rows(select(AuditEntry))
    assert (entry.action, entry.subject, entry.note) == ("user added", "ada", "staff, from users.json")
