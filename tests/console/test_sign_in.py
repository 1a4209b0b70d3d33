"""Signing in by the page: throttled, led back, safe cookies, and strict headers on everything."""

import pytest

from app import create_app
from app.console.browser_security import CONTENT_SECURITY_POLICY
from app.models import Role
from app.people import sign_ins
from tests.conftest import Service
from tests.console.persons import NAMES, PASSWORD, Person, add_user


def test_the_sign_in_leads_to_the_page_that_was_asked_for(service: Service, as_nobody: Person) -> None:
    name = add_user(service, Role.STAFF)
    asked = as_nobody.get("/console/people/me?from=notice")

    there = as_nobody.post(asked.headers["Location"], {"name": name, "password": PASSWORD})

    assert there.status_code == 303
    assert there.headers["Location"] == "/console/people/me?from=notice"


def test_a_failed_sign_in_tells_neither_which_names_exist_nor_the_password(service: Service, as_nobody: Person) -> None:
    add_user(service, Role.STAFF)

    wrong = as_nobody.sign_in(NAMES[Role.STAFF], "not this one")
    unknown = as_nobody.sign_in("Nobody", "not this one")

    assert wrong.status_code == unknown.status_code == 401
    assert "don&#39;t fit" in wrong.text
    assert "don&#39;t fit" in unknown.text
    assert "not this one" not in wrong.text


def test_guessing_is_throttled_with_a_clear_word(service: Service, as_nobody: Person) -> None:
    name = add_user(service, Role.STAFF)
    for _ in range(sign_ins.FAILURES_OF_A_NAME_AT_AN_ADDRESS):
        as_nobody.sign_in(name, "a guess of mine")

    answer = as_nobody.sign_in(name)

    assert answer.status_code == 429
    assert "Wait a quarter of an hour" in answer.text


def test_nobody_yet_is_told_how_the_first_person_gets_in(service: Service, as_nobody: Person) -> None:
    assert "users add" in as_nobody.get("/login").text
    add_user(service, Role.STAFF)
    assert "users add" not in as_nobody.get("/login").text


def test_signing_out_ends_it_for_a_copied_cookie_too(service: Service, as_staff: Person) -> None:
    cookie = as_staff._client.get_cookie("__Host-handler")
    assert cookie is not None

    as_staff.post("/console/sign-out")

    thief = service.app.test_client()
    thief.set_cookie("__Host-handler", cookie.value, secure=True)
    assert thief.get("/console").status_code == 303


def test_a_cookie_made_without_the_secret_key_lets_nobody_in(service: Service) -> None:
    forged = service.app.test_client()
    forged.set_cookie("__Host-handler", "eyJfdXNlcl9pZCI6ImFueSJ9.aSF0Zw.forged", secure=True)

    assert forged.get("/console").status_code == 303


def test_cookies_are_out_of_reach_for_scripts_other_sites_and_plain_http(as_nobody: Person) -> None:
    cookie = as_nobody.get("/login").headers["Set-Cookie"]

    assert cookie.startswith("__Host-handler=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


def test_without_https_the_cookie_still_works_on_the_machine_itself(service: Service) -> None:
    settings = service.services.settings.model_copy(update={"public_url": None})

    cookie = create_app(settings).test_client().get("/login").headers["Set-Cookie"]

    assert cookie.startswith("handler=")
    assert "Secure" not in cookie


@pytest.mark.parametrize("path", ["/console", "/console/nothing-here", "/login", "/static/console/console.css"])
def test_every_answer_carries_the_strict_policy(as_staff: Person, path: str) -> None:
    headers = as_staff.get(path).headers

    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_pages_with_customers_are_kept_by_no_browser(as_staff: Person) -> None:
    assert as_staff.get("/console").headers["Cache-Control"] == "no-store"


def test_a_fault_of_this_program_shows_a_page_without_its_insides(
    service: Service, as_staff: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("insides")

    monkeypatch.setitem(service.app.view_functions, "people.me", broken)
    broken.required_role = Role.READ_ONLY  # type: ignore[attr-defined]

    answer = as_staff.get("/console/people/me")

    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert "insides" not in answer.text


def test_a_page_that_does_not_exist_says_so_in_the_console_s_words(as_staff: Person) -> None:
    answer = as_staff.get("/console/nothing-here")

    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "There is no such page" in as_staff.get("/Console/nothing-here").text
    assert [as_staff.get(f"/{typed}").headers["Location"] for typed in ("console/", "Console")] == ["/console"] * 2
