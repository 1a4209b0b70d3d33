"""What UTOPIA says and the cases: their pages, and what a person does there."""

from datetime import date

import pytest

from app.aftercare import callback_messages, cases
from app.aftercare.case_kinds import CANCEL
from app.console import cases as pages
from tests.conftest import Service
from tests.console.made_aftercare import said
from tests.console.persons import Person

REF = "UIA202411-000720"


@pytest.mark.long
def test_a_text_gets_its_rule_on_the_page(service: Service, as_staff: Person) -> None:
    service.callback(REF, "Project Cancelled")
    assert "UTOPIA says something that nobody has decided about" in as_staff.get("/console").text
    page = as_staff.get("/console/aftercare/messages").text
    assert "nobody has decided" in page
    assert "Project New Order" in page

    rule = {"key": callback_messages.key_of("Project Cancelled"), "rule": "case:cancel"}
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


@pytest.mark.long
def test_a_case_that_is_due_is_on_today_until_it_is_closed(service: Service, as_staff: Person) -> None:
    case = said(service)["case"]
    today = as_staff.get("/console").text
    assert "1 case is due" in today
    assert "No order needs you" in today
    assert "Nothing needs you" not in today
    page = as_staff.get(f"/console/aftercare/cases/{case}").text
    assert "UTOPIA says: Project Cancelled" in page
    assert f'href="/console/orders/{REF}"' in page

    as_staff.post(f"/console/aftercare/cases/{case}/close", {"note": " "})
    assert "write what was done" in as_staff.get(f"/console/aftercare/cases/{case}").text
    as_staff.post(f"/console/aftercare/cases/{case}/close", {"note": "Both ends are done"})

    assert "Both ends are done" in as_staff.get(f"/console/aftercare/cases/{case}").text
    assert "case is due" not in as_staff.get("/console").text
    assert "Nothing needs you" in as_staff.get("/console").text
    assert "Closed lately: 2" in as_staff.get("/console/aftercare/cases").text


def test_cases_that_find_no_room_on_the_page_are_counted(
    service: Service, as_read_only: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_OPEN", 2)
    with service.services.database.write() as session:
        for number in range(3):
            about = {"by": "Stan Staff", "slot": str(number), "customer_id": f"100{number}"}
            cases.open_case(session, CANCEL, due_on=date(2026, 12, 1 + number), **about)

    page = as_read_only.get("/console/aftercare/cases").text

    assert "1 more is not shown: it is due later" in page
    assert "2026-12-02" in page
    assert "2026-12-03" not in page


def a_case(service: Service, person: Person, **entered: str) -> str:
    """A case that somebody opens by hand; its page."""
    service.take(REF)
    due = {"kind": "cancel", "orderref": REF, "due_on": "2026-11-01"}
    answer = person.post("/console/aftercare/cases/new", {**due, **entered})
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def test_a_case_is_opened_from_an_order_s_page(service: Service, as_staff: Person) -> None:
    page = a_case(service, as_staff, note="They move out")

    assert f"/console/aftercare/cases/new?order={REF}" in as_staff.get(f"/console/orders/{REF}").text
    assert "They move out" in as_staff.get(page).text
    assert page.rpartition("/")[2] in as_staff.get(f"/console/orders/{REF}").text
    again = as_staff.post("/console/aftercare/cases/new", {"kind": "cancel", "orderref": REF, "due_on": "2026-11-02"})
    assert again.headers["Location"].endswith("/console/aftercare/cases")
    assert "open already" in as_staff.get("/console/aftercare/cases").text


def test_a_case_about_nobody_or_on_no_day_is_not_opened(service: Service, as_staff: Person) -> None:
    for entered in ({"due_on": "2026-11-01"}, {"orderref": REF}, {"customer_id": "x1", "due_on": "2026-11-01"}):
        assert as_staff.post("/console/aftercare/cases/new", {"kind": "cancel", **entered}).status_code == 422
    assert service.state(REF) is None


ENTRIES = {"cid": "90001", "siteid": "714780", "issuedate": "2026-12-01"}


def test_an_administrator_sends_utopia_s_half_after_a_look(service: Service, as_administrator: Person) -> None:
    page = a_case(service, as_administrator)
    assert "714780" in as_administrator.get(f"{page}/utopia").text
    looked = as_administrator.get(f"{page}/utopia?cid=90001&siteid=714780&issuedate=2026-12-01&check=1").text
    assert "Ada Lind" in looked
    assert "This can&#39;t be taken back here" in looked or "This can't be taken back here" in looked

    wrong = as_administrator.post(f"{page}/utopia", {**ENTRIES, "seen": "0", "typed": "9"})
    assert wrong.status_code == 422
    assert service.sandbox.utopia.count("cancelservice") == 0
    for words in ("UTOPIA says that it is done", "not sent again"):
        as_administrator.post(f"{page}/utopia", {**ENTRIES, "seen": "0", "typed": "90001"})
        assert words in as_administrator.get(page).text

    assert service.sandbox.utopia.count("cancelservice") == 1


def test_staff_tick_both_halves_and_the_status_is_read(service: Service, as_staff: Person) -> None:
    page = a_case(service, as_staff)
    assert as_staff.get(f"{page}/utopia").status_code == 403
    as_staff.post(f"{page}/utopia-done")
    assert "done at UTOPIA and not in PowerCode" in as_staff.get(page).text
    as_staff.post(f"{page}/powercode")
    assert "is still billed" in as_staff.get(page).text
    assert "is still billed" in as_staff.get("/console/aftercare/cases").text

    service.sandbox.powercode.customers[1001].status = "Not Active"
    as_staff.post(f"{page}/status")

    assert "Closed by both halves" in as_staff.get(page).text
