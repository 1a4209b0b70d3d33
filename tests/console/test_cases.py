"""What UTOPIA says and the cases: their pages, and what a person does there."""

from app.aftercare import messages
from tests.conftest import Service
from tests.console.made_aftercare import said
from tests.console.persons import Person

REF = "UIA202411-000720"


def test_a_text_gets_its_rule_on_the_page(service: Service, as_staff: Person) -> None:
    service.callback(REF, "Project Cancelled")
    assert "UTOPIA says something that nobody has decided about" in as_staff.get("/console").text
    page = as_staff.get("/console/aftercare/messages").text
    assert "nobody has decided" in page
    assert "Project New Order" in page

    rule = {"key": messages.key_of("Project Cancelled"), "rule": "case:cancel"}
    as_staff.post("/console/aftercare/messages/rule", rule)

    assert "chosen by Stan Staff" in as_staff.get("/console/aftercare/messages").text
    assert "nobody has decided about" not in as_staff.get("/console").text
    as_staff.post("/console/aftercare/messages/rule", {**rule, "rule": "burn it"})
    assert "Nothing was changed" in as_staff.get("/console/aftercare/messages").text
    as_staff.post("/console/aftercare/messages/new", {"tell": "no"})
    assert "The office is not told of it" in as_staff.get("/console/aftercare/messages").text


def test_who_may_only_look_changes_no_rule(service: Service, as_read_only: Person) -> None:
    made = said(service)

    assert as_read_only.post("/console/aftercare/messages/rule", {"key": "x", "rule": "tell"}).status_code == 403
    assert as_read_only.post(f"/console/aftercare/cases/{made['case']}/close", {"note": "x"}).status_code == 403
    page = as_read_only.get("/console/aftercare/messages").text
    assert "Needs somebody: a cancellation" in page
    assert "<select" not in page


def test_a_case_that_is_due_is_on_today_until_it_is_closed(service: Service, as_staff: Person) -> None:
    case = said(service)["case"]
    assert "1 case is due" in as_staff.get("/console").text
    page = as_staff.get(f"/console/aftercare/cases/{case}").text
    assert "UTOPIA says: Project Cancelled" in page
    assert f'href="/console/orders/{REF}"' in page

    as_staff.post(f"/console/aftercare/cases/{case}/close", {"note": " "})
    assert "write what was done" in as_staff.get(f"/console/aftercare/cases/{case}").text
    as_staff.post(f"/console/aftercare/cases/{case}/close", {"note": "Both ends are done"})

    assert "Both ends are done" in as_staff.get(f"/console/aftercare/cases/{case}").text
    assert "case is due" not in as_staff.get("/console").text
    assert "Closed lately: 2" in as_staff.get("/console/aftercare/cases").text
