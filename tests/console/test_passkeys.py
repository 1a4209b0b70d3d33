"""Passkeys in a real browser, with its virtual authenticator; and the rule that asks them of administrators."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from app.models import Passkey, Role, User
from app.people import passkeys
from sandbox import Sandbox
from sandbox.ports import bind
from tests.conftest import Service, settings_for
from tests.console.browsers import Browsing, axe, browsing
from tests.console.persons import NAMES, PASSWORD, Person, add_user
from tests.tools.loopback import serving

AUTHENTICATOR = {
    **{"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True},
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def localhost(sandbox: Sandbox, tmp_path: Any) -> Iterator[tuple[Service, str]]:
    """A service at an address where browsers use passkeys without https."""
    reserved = bind("127.0.0.1", 0)
    address = f"http://localhost:{reserved.getsockname()[1]}"
    reserved.close()
    made = Service(sandbox, settings_for(sandbox, tmp_path, public_url=address))
    server = make_server("127.0.0.1", int(address.rpartition(":")[2]), made.app, threaded=True)
    with serving(server):
        yield made, address


@contextmanager
def a_person_with_a_device(chromium: Browser, url: str) -> Iterator[Browsing]:
    with browsing(chromium, url) as person:
        device = person.page.context.new_cdp_session(person.page)
        device.send("WebAuthn.enable")
        device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        yield person


@pytest.mark.sweep
def test_a_passkey_is_added_asked_for_at_the_sign_in_and_taken_away_on_the_server(
    localhost: tuple[Service, str], chromium: Browser
) -> None:
    service, url = localhost
    name = add_user(service, Role.ADMINISTRATOR)
    with a_person_with_a_device(chromium, url) as person:
        person.sign_in(name)
        page = person.goto("/console/people/me/passkeys")
        axe(page)
        page.get_by_label("Name of the passkey").fill("my phone")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_text("“my phone” is added")).to_be_visible()

        page.get_by_role("button", name="Sign out").first.click()
        page.get_by_text("You are signed out.").wait_for()
        person.goto("/login")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your passkey")
        axe(page)
        page.get_by_role("button", name="Use my passkey").click()
        page.wait_for_url("**/console")

    done = service.app.test_cli_runner().invoke(args=["users", "forget-passkeys", name])
    assert "(1 removed)" in done.output
    assert service.rows(select(Passkey)) == []
    assert Person(service.app.test_client()).sign_in(name).headers["Location"] == "/console"


def a_passkey(service: Service, role: Role) -> None:
    with service.services.database.write() as session:
        user = session.scalars(select(User).filter_by(name=NAMES[role])).one()
        kept = {"credential_id": "a2V5", "public_key": "AA", "sign_count": 0, "name": "a key"}
        session.add(Passkey(user_id=user.id, **kept))


def test_who_has_a_passkey_is_not_signed_in_by_the_password_alone(service: Service, as_nobody: Person) -> None:
    add_user(service, Role.STAFF)
    a_passkey(service, Role.STAFF)

    answer = as_nobody.sign_in(NAMES[Role.STAFF])

    assert (answer.status_code, answer.headers["Location"]) == (303, "/login/passkey")
    assert as_nobody.get("/console").status_code == 303
    assert "Use my passkey" in as_nobody.get("/login/passkey").text


@pytest.mark.parametrize("answer", ["{}", "no JSON", '{"id": "a2V5", "rawId": "a2V5", "response": {}, "type": "x"}'])
def test_an_answer_that_does_not_fit_is_refused_and_counted(service: Service, as_nobody: Person, answer: str) -> None:
    add_user(service, Role.STAFF)
    a_passkey(service, Role.STAFF)
    as_nobody.sign_in(NAMES[Role.STAFF])

    refused = as_nobody.post("/login/passkey", {"answer": answer})

    assert refused.status_code == 401
    assert as_nobody.get("/console").status_code == 303


def test_without_the_password_there_is_no_passkey_to_ask_for(service: Service, as_nobody: Person) -> None:
    assert as_nobody.get("/login/passkey").headers["Location"] == "/login"


def test_administrators_who_are_asked_for_a_passkey_may_not_administer_without(
    service: Service, somebody: Callable[[Role | None], Person]
) -> None:
    administrator = somebody(Role.ADMINISTRATOR)
    assert (
        "Add a passkey of your own first"
        in administrator.post("/console/people/passkeys", {"needed": "yes"}, follow_redirects=True).text
    )
    service.write(passkeys.ask_of_administrators, True)

    refused = administrator.get("/console/people")

    assert (refused.status_code, refused.headers["Location"]) == (303, "/console/people/me/passkeys")
    assert administrator.get("/console").status_code == 200


def test_who_becomes_an_administrator_is_asked_as_well(service: Service) -> None:
    add_user(service, Role.ADMINISTRATOR)
    service.write(passkeys.ask_of_administrators, True)
    assert service.read(passkeys.are_asked)

    add_user(service, Role.STAFF)
    with service.services.database.write() as session:
        from app.people import users

        staff = users.named(session, NAMES[Role.STAFF])
        assert not staff.needs_passkey
        users.set_role(session, staff, Role.ADMINISTRATOR)
        assert staff.needs_passkey


def test_without_https_the_page_says_why_there_is_no_passkey(as_staff: Person, service: Service) -> None:
    place = passkeys.Place.of("http://orders.example.com:5050")

    assert (place.host, place.is_safe) == ("orders.example.com", False)
    assert "Add a passkey" in as_staff.get("/console/people/me/passkeys").text
