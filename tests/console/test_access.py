"""Who sees and does what: every route of the console, walked as nobody, read-only, staff and administrator."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.console.access import OPEN_PAGES, requires, safe_address
from app.console.browser_security import OPEN_TO_MACHINES
from app.models import Role
from tests.conftest import Service
from tests.console.persons import Person

CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
OWN_MATTERS = {
    "sign_ins.sign_out",
    "people.set_own_password",
    "passkeys.add",
    "passkeys.remove",
    "people.sign_out_elsewhere",
    "people.end_own_sign_in",
}
"""What everybody may change: their own password and sign-ins."""


def guarded(app: Flask) -> Iterator[tuple[str, str, Rule, Role | None]]:
    """Every method of every route behind the sign-in: method, path, rule, and the role that it asks for."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.endpoint in OPEN_PAGES or rule.endpoint.split(".")[0] in OPEN_TO_MACHINES:
                continue
            path = rule.build(dict.fromkeys(rule.arguments, 1))[1]
            role = getattr(app.view_functions[rule.endpoint], "required_role", None)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path, rule, role


def test_every_route_says_what_role_it_needs(service: Service) -> None:
    assert [rule.endpoint for _, _, rule, role in guarded(service.app) if role is None] == []


def test_a_reader_may_change_nothing_but_their_own_sign_in(service: Service) -> None:
    changes = {
        rule.endpoint for method, _, rule, role in guarded(service.app) if method in CHANGES and role == Role.READ_ONLY
    }

    assert changes == OWN_MATTERS


def test_some_matters_are_for_administrators_alone(service: Service) -> None:
    alone = {rule.endpoint for _, _, rule, role in guarded(service.app) if role == Role.ADMINISTRATOR}

    assert {endpoint.split(".")[0] for endpoint in alone} == {
        "cases",
        "changes",
        "events",
        "log",
        "passkeys",
        "people",
        "settings",
    }
    assert alone >= {"changes.confirm", "log.download", "people.add", "settings.page", "cases.send"}


@pytest.mark.parametrize("old", ["/admin", "/admin/", "/admin/failed_orders?page=2"])
def test_an_old_address_leads_to_the_console(old: str, as_nobody: Person) -> None:
    answer = as_nobody.get(old)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/console")


def test_nobody_gets_anything_but_the_sign_in(service: Service, as_nobody: Person) -> None:
    for method, path, _, _ in guarded(service.app):
        answer = (as_nobody.get if method == "GET" else as_nobody.post)(path)

        assert answer.status_code == 303, f"{method} {path}"
        assert answer.headers["Location"].startswith("/login"), f"{method} {path}"


@pytest.mark.long
@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.STAFF, Role.ADMINISTRATOR])
def test_each_role_is_let_in_where_it_may_and_nowhere_else(
    service: Service, somebody: Callable[[Role | None], Person], role: Role
) -> None:
    person, order = somebody(role), list(Role)
    for method, path, rule, required in guarded(service.app):
        if method != "GET":
            continue
        status = person.get(path).status_code
        if required is not None and order.index(role) >= order.index(required):
            assert status != 403, f"{role} {path}"
        else:
            assert status == 403, f"{role} {rule.endpoint} answers {status}"


@pytest.mark.long
@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.STAFF])
def test_a_change_above_one_s_role_is_refused_before_anything_is_read(
    service: Service, somebody: Callable[[Role | None], Person], role: Role
) -> None:
    person, order = somebody(role), list(Role)
    for method, path, rule, required in guarded(service.app):
        if method == "POST" and (required is None or order.index(role) < order.index(required)):
            assert person.post(path).status_code == 403, rule.endpoint


def test_a_view_that_says_nothing_is_refused_to_the_administrator_too(
    service: Service, as_administrator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = service.app.view_functions["people.page"]
    monkeypatch.delattr(silent, "required_role")

    answer = as_administrator.get("/console/people")

    assert answer.status_code == 403


@pytest.mark.long
def test_every_change_needs_the_token_of_a_page(service: Service, as_administrator: Person) -> None:
    for method, path, rule, _ in guarded(service.app):
        if method == "POST":
            without = as_administrator.post(path, {"csrf_token": ""})
            assert without.status_code == 400, rule.endpoint
            assert "Nothing was changed" in without.text


def test_a_part_of_a_page_does_not_show_the_sign_in_in_its_place(as_nobody: Person) -> None:
    answer = as_nobody.get("/console/today", headers={"HX-Request": "true"})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/login")
    assert answer.text == ""


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.com/console",
        "//evil.example.com/console",
        "/\\evil.example.com",
        "javascript:alert(1)",
        "/console\n//x",
        "/consolex",
        "",
        "console",
        "/login",
        "http:/console",
        "\t//x",
        "/console/../../x\x00",
    ],
)
def test_the_sign_in_leads_nowhere_else(address: str) -> None:
    assert safe_address(address) is None


@pytest.mark.parametrize("address", ["//[/console", "/console\\[", "http://[::1/console"])
def test_an_address_that_is_none_does_not_break_the_sign_in(as_nobody: Person, address: str) -> None:
    assert safe_address(address) is None
    assert as_nobody.get("/login", query_string={"next": address}).status_code == 200


def test_the_sign_in_leads_back_to_a_page_with_a_blank_in_its_name(as_nobody: Person) -> None:
    back = as_nobody.get("/console/ticket-texts/new%20desc.txt?x=a%20b").headers["Location"]

    assert back == "/login?next=/console/ticket-texts/new%2520desc.txt?x%3Da%2520b"


def test_a_nul_character_in_an_address_or_a_form_is_refused(as_nobody: Person, as_staff: Person) -> None:
    for path in (
        "/login?next=%00",
        "/console/orders?q=%00",
        "/console/orders/UIA%00",
        "/console/orders/new?orderref=%00",
    ):
        assert as_staff.get(path).status_code == 400, path
    assert as_nobody.post("/login", {"name": "a\0", "password": "b"}).status_code == 400


@pytest.mark.parametrize("number", [2**31, 2**63, int("9" * 4000)])
def test_a_number_that_no_row_can_have_is_no_page(as_administrator: Person, number: int) -> None:
    for page in (
        "people",
        "look-up/changes/sent",
        "digest/runs",
        "ticket-texts/new_desc.txt/versions",
        "orders/A/exchanges",
    ):
        assert as_administrator.get(f"/console/{page}/{number}").status_code == 404, page
    assert as_administrator.get(f"/console/orders?before={number}").status_code == 200


@pytest.mark.parametrize("address", ["/console", "/console/orders?state=waiting&q=a%20b", "/console/orders/UIA1"])
def test_the_sign_in_leads_back_to_the_page_that_was_asked_for(address: str) -> None:
    assert safe_address(address) == address


def test_the_mark_of_a_role_stays_on_the_view() -> None:
    @requires(Role.STAFF)
    def view() -> str:
        return ""

    assert getattr(view, "required_role") == Role.STAFF  # noqa: B009 - what the guard asks
