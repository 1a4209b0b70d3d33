"""Made-up people with each role, and what they do at a browser without a screen."""

import html
import re
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import Cookie, TestResponse

from app.models import AuditEntry, Role
from app.people import users
from tests.conftest import Service

CSRF = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')
PASSWORD = "fiber to every door"
NAMES = {Role.READ_ONLY: "Rita Reads", Role.STAFF: "Stan Staff", Role.ADMINISTRATOR: "Ada Administrator"}


def add_user(service: Service, role: Role) -> str:
    """The user with that role, made when there is none yet; returns the name."""
    with service.services.database.write() as session:
        if users.find(session, NAMES[role]) is None:
            users.add(session, NAMES[role], PASSWORD, role)
    return NAMES[role]


def somebody_with(service: Service, role: Role) -> "Person":
    """A person with the role, signed in."""
    person = Person(service.app.test_client())
    assert person.sign_in(add_user(service, role)).status_code == 303
    return person


class Person:
    """Somebody with a browser without a screen; posts forms as a page would, with the page's token."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._token: str | None = None

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        return self._client.get(path, **options)

    def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form with the token that a page of this session has."""
        return self._client.post(path, data={"csrf_token": self.token(), **(form or {})}, **options)

    def token(self) -> str:
        """The token of this session's forms, as a page has it; a sign-in begins another session."""
        if self._token is None:
            pages = (self._client.get(path).text for path in ("/login", "/console/people/me"))
            self._token = next(found[1] for page in pages if (found := CSRF.search(page)))
        return self._token

    def cookie(self) -> Cookie:
        """The sign-in's cookie."""
        (cookie,) = self._client._cookies.values()
        return cookie

    def sign_in(self, name: str, password: str = PASSWORD, **options: Any) -> TestResponse:
        """Fill in the sign-in."""
        answer = self.post("/login", {"name": name, "password": password}, **options)
        self._token = None
        return answer


def audited(service: Service) -> list[tuple[str, str, str, str | None]]:
    """Who did what with what, and the note, as the audit has it."""
    rows = service.rows(select(AuditEntry).order_by(AuditEntry.id))
    return [(row.made_by, row.action, row.subject, row.note) for row in rows]


def words_of(page: str) -> str:
    """What a person reads on a page: its text, without markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
