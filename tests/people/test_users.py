"""Who may sign in: names of their own, and always somebody who can change the rest."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import bcrypt
import pytest
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app.models import Base, Role, User
from app.people import passwords, users
from app.storage.database import Database
from config import Settings, load_settings

PASSWORD = "fiber to every door"
SALT = bcrypt.gensalt(4)
quick_scrypt = partial(generate_password_hash, method="scrypt:1024:8:1")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    database = Database(f"sqlite:///{tmp_path}/handler.db")
    Base.metadata.create_all(database.engine)
    with database.write() as session:
        yield session
    database.dispose()


def settings(**values: str) -> Settings:
    needed = dict.fromkeys(("utopia_url_endpoint", "pc_url"), "https://example.com")
    needed |= dict.fromkeys(("utopia_api_key", "pc_api_key", "secret_key", "mail_server"), "x")
    mails = {"email_sender": "a@example.com", "email_recipients": "b@example.com"}
    plans = dict.fromkeys(("service_plan_mapping", "additional_service_plan_mapping"), "{}")
    return load_settings(**needed, **mails, **plans, **values)


def test_two_people_can_not_have_one_name_in_two_spellings(session: Session) -> None:
    users.add(session, "Stan Staff", PASSWORD, Role.STAFF)

    with pytest.raises(users.NotPossible, match="already"):
        users.add(session, " stan  STAFF ", PASSWORD, Role.STAFF)


@pytest.mark.parametrize("name", ["", " ", "<script>", "x" * 81, "a/b", "-rf"])
def test_a_name_that_could_be_mistaken_for_something_else_is_refused(session: Session, name: str) -> None:
    with pytest.raises(users.NotPossible):
        users.add(session, name, PASSWORD, Role.STAFF)


def test_the_only_administrator_can_be_neither_removed_nor_made_less(session: Session) -> None:
    only = users.add(session, "Ada", PASSWORD, Role.ADMINISTRATOR)
    users.add(session, "Stan", PASSWORD, Role.STAFF)

    with pytest.raises(users.NotPossible, match="only administrator"):
        users.remove(session, only)
    with pytest.raises(users.NotPossible, match="only administrator"):
        users.set_role(session, only, Role.STAFF)

    users.add(session, "Bea", PASSWORD, Role.ADMINISTRATOR)
    users.remove(session, only)
    session.flush()
    assert users.find(session, "Ada") is None


def test_the_first_administrator_comes_from_the_settings_once(session: Session) -> None:
    users.seed(session, settings(admin_user="Ada", admin_pass="short"))
    users.seed(session, settings(admin_user="Eve", admin_pass="another one"))

    (ada,) = users.everybody(session)
    assert (ada.name, ada.role) == ("Ada", Role.ADMINISTRATOR)
    assert passwords.matches("short", ada.password_hash)


@pytest.mark.parametrize("made_by", [quick_scrypt, lambda text: bcrypt.hashpw(text.encode(), SALT).decode()])
def test_the_first_administrator_s_password_may_come_as_a_hash(session: Session, made_by: Callable[[str], str]) -> None:
    users.seed(session, settings(admin_user="Ada", admin_pass_hash=made_by(PASSWORD)))

    assert passwords.matches(PASSWORD, users.named(session, "ada").password_hash)


def test_nobody_is_let_in_without_a_setting(session: Session) -> None:
    users.seed(session, settings())

    assert session.query(User).count() == 0
