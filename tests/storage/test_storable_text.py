"""Any text can be stored and looked for: a letter that the database can't hold is no error, and finds nobody."""

import pytest
from sqlalchemy import select

from app.models import User
from app.people import users
from app.storage.storable_text import storable
from tests.conftest import Service

UNSTORABLE = ["\0", "A\0B", "\ud800", "A\udcffB"]


@pytest.mark.parametrize("name", UNSTORABLE)
def test_a_name_that_no_database_holds_is_nobodys(service: Service, name: str) -> None:
    with service.services.database.read() as session:
        assert users.find(session, name) is None
        assert session.scalars(select(User).where(User.name.contains(name) | User.name.in_([name, "Ada"]))).all() == []


@pytest.mark.parametrize("name", UNSTORABLE)
def test_what_no_database_holds_is_stored_as_a_mark(service: Service, name: str) -> None:
    with service.services.database.write() as session:
        session.add(User(name=name, key=name, password_hash="", role="staff"))
    with service.services.database.read() as session:
        assert session.scalars(select(User.name).filter_by(key=name)).all() == [storable(name)]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Ada", "Ada"),
        ("Søren 🙂", "Søren 🙂"),
        ("A\0B", "A\ufffdB"),
        ("A\ud83d", "A\ufffd"),
        ("\ud83d\ude42", "🙂"),
    ],
)
def test_only_what_no_database_holds_is_changed(text: str, stored: str) -> None:
    assert storable(text) == stored
