"""Signing in: guessing is slow, a stolen database holds no token, and every sign-in ends."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import bcrypt
import pytest
from sqlalchemy import select, update

from app.models import Base, FailedSignIn, Role, SignIn, now
from app.people import sign_ins, users
from app.storage.database import Database

PASSWORD = "fiber to every door"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/handler.db")
    Base.metadata.create_all(database.engine)
    with database.write() as session:
        users.add(session, "Stan", PASSWORD, Role.STAFF)
        users.add(session, "Ada", PASSWORD, Role.ADMINISTRATOR)
    yield database
    database.dispose()


def sign_in(database: Database, name: str = "Stan", password: str = PASSWORD, address: str = "192.0.2.1") -> str:
    return sign_ins.sign_in(database, name, password, address, "a browser")


def is_in(database: Database, token: str) -> bool:
    with database.read() as session:
        return sign_ins.find(session, token) is not None


def fail(database: Database, times: int, **who: str) -> None:
    for _ in range(times):
        with pytest.raises(sign_ins.SignInRefused) as refused:
            sign_in(database, **{"password": "wrong", **who})
        assert not refused.value.throttled


def test_the_database_holds_no_token_that_could_be_used(database: Database) -> None:
    token = sign_in(database)

    with database.read() as session:
        place = session.scalars(select(SignIn)).one()
    assert token not in (place.token_hash, place.browser)
    assert is_in(database, token)
    assert not is_in(database, place.token_hash)


def test_a_bcrypt_hash_is_replaced_by_argon2id_at_the_sign_in(database: Database) -> None:
    with database.write() as session:
        users.add_hashed(session, "Olga", bcrypt.hashpw(b"old pass", bcrypt.gensalt(4)).decode(), Role.STAFF)

    with pytest.raises(sign_ins.SignInRefused):
        sign_in(database, "olga", "other pass")
    assert is_in(database, sign_in(database, "olga", "old pass"))

    with database.read() as session:
        assert users.named(session, "Olga").password_hash.startswith("$argon2id$")
    assert is_in(database, sign_in(database, "olga", "old pass"))


def test_a_wrong_password_and_an_unknown_name_are_told_alike(database: Database) -> None:
    texts = set()
    for name in ("Stan", "Nobody"):
        with pytest.raises(sign_ins.SignInRefused) as refused:
            sign_in(database, name, "wrong")
        texts.add(str(refused.value))

    assert len(texts) == 1


def test_after_many_failures_even_the_right_password_has_to_wait(database: Database) -> None:
    fail(database, sign_ins.FAILURES_OF_A_NAME_AT_AN_ADDRESS)

    with pytest.raises(sign_ins.SignInRefused) as refused:
        sign_in(database)
    assert refused.value.throttled

    with database.write() as session:
        session.execute(update(FailedSignIn).values(failed_at=now() - sign_ins.COUNTED_FOR))
    assert is_in(database, sign_in(database))


def test_a_stranger_s_failures_do_not_keep_a_colleague_out(database: Database) -> None:
    fail(database, sign_ins.FAILURES_OF_A_NAME_AT_AN_ADDRESS, address="203.0.113.9")

    assert is_in(database, sign_in(database))


def test_one_address_can_not_try_many_names(database: Database) -> None:
    for number in range(sign_ins.FAILURES_OF_AN_ADDRESS):
        fail(database, 1, name=f"guess {number}")

    with pytest.raises(sign_ins.SignInRefused) as refused:
        sign_in(database)
    assert refused.value.throttled
    assert is_in(database, sign_in(database, address="192.0.2.2"))


def test_forty_guesses_at_once_are_as_few_as_one_after_the_other(database: Database) -> None:
    def guess(number: int) -> bool:
        """Whether the password was looked at."""
        try:
            sign_in(database, password=f"guess {number}")
        except sign_ins.SignInRefused as refused:
            return not refused.throttled
        return True

    with ThreadPoolExecutor(40) as threads:
        looked_at = sum(threads.map(guess, range(40)))

    assert 0 < looked_at <= sign_ins.FAILURES_OF_A_NAME_AT_AN_ADDRESS


def test_a_network_of_version_6_is_one_sender(database: Database) -> None:
    for number in range(sign_ins.FAILURES_OF_A_NAME_AT_AN_ADDRESS):
        fail(database, 1, address=f"2001:db8:1:2::{number:x}")

    with pytest.raises(sign_ins.SignInRefused) as refused:
        sign_in(database, address="2001:db8:1:2:ffff::1")
    assert refused.value.throttled
    assert is_in(database, sign_in(database, address="2001:db8:1:3::1"))


@pytest.mark.long
def test_a_flood_from_everywhere_keeps_out_all_but_who_comes_from_where_they_were(database: Database) -> None:
    sign_in(database, address="192.0.2.7")
    for number in range(sign_ins.FAILURES_OF_A_NAME):
        fail(database, 1, address=f"203.0.113.{number}")

    with pytest.raises(sign_ins.SignInRefused) as refused:
        sign_in(database, address="198.51.100.1")
    assert refused.value.throttled
    assert is_in(database, sign_in(database, address="192.0.2.7"))


@pytest.mark.parametrize(
    ("column", "age"), [("last_seen_at", sign_ins.IDLE), ("began_at", sign_ins.LONGEST)], ids=["idle", "old"]
)
def test_a_sign_in_ends_by_itself(database: Database, column: str, age: timedelta) -> None:
    token = sign_in(database)
    with database.write() as session:
        session.execute(update(SignIn).values({column: now() - age - timedelta(seconds=1)}))

    assert not is_in(database, token)


def test_a_new_password_ends_all_sign_ins_but_the_own(database: Database) -> None:
    here, elsewhere, somebody_else = sign_in(database), sign_in(database), sign_in(database, "Ada")
    with database.write() as session:
        found = sign_ins.find(session, here)
        assert found is not None
        users.set_password(session, found[0], "another good one", staying=found[1].id)

    assert [is_in(database, token) for token in (here, elsewhere, somebody_else)] == [True, False, True]
