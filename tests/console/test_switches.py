"""Parts of the aftercare that a setting switches off: nothing leads there, nothing is done there, nothing is lost."""

from datetime import date

import pytest
from sqlalchemy import func, select, update

from app.aftercare import callback_messages, cases, unknown_writes, writes
from app.aftercare.case_kinds import CANCEL
from app.aftercare.open_counts import open_counts
from app.models import CallbackMessage, Case, CustomerWrite, StepState, now
from app.outgoing import records
from app.setup import settings_checks
from tests.alerts.alert_mails import says
from tests.conftest import Service
from tests.console.persons import Person
from tests.tools.command_runs import failed, run

REF = "UIA202411-000740"
CANCELLED = "Project Cancelled"
PARTS = (
    ("CASES", "/console/aftercare/cases"),
    ("CUSTOMER_CHANGES", "/console/aftercare/customers"),
    ("ACTIVATION", "/console/aftercare/inactive"),
)


def a_due_case(service: Service, orderref: str = REF) -> int:
    """A case whose day is over; its number."""
    with service.services.database.write() as session:
        about = {"by": "Stan Staff", "orderref": orderref, "slot": orderref}
        case = cases.open_case(session, CANCEL, due_on=date(2026, 11, 2), **about)
        assert case is not None
        return case.id


def in_flight(service: Service, kind: str, **about: object) -> int:
    """Something that was sent, and nobody knows what became of it; its number."""
    with service.services.database.write() as session:
        write = CustomerWrite(
            key=f"{kind}:1", kind=kind, made_by="Stan Staff", state=StepState.UNKNOWN, asks=True, **about
        )
        session.add(write)
        session.flush()
        return write.id


def decide(service: Service, person: Person, rule: str) -> str:
    """The rule that the text has after the person chose this one on the page."""
    key = callback_messages.key_of(CANCELLED)
    person.post("/console/aftercare/messages/rule", {"key": key, "rule": rule})
    return service.get(CallbackMessage, key).rule


@pytest.mark.parametrize(("setting", "path"), PARTS)
def test_every_address_of_a_part_that_is_off_only_says_which_setting_it_is(
    service: Service, as_administrator: Person, setting: str, path: str
) -> None:
    rules = [rule for rule in service.app.url_map.iter_rules() if rule.rule.startswith(path)]
    assert rules
    with service.changed(**{setting.lower(): "off"}):
        for rule in rules:
            address = rule.rule.replace("<int:case_id>", "1").replace("<customer_id>", "1001")
            address = address.replace("<code>", "tag").replace("<path:orderref>", REF)
            send = as_administrator.post if "POST" in (rule.methods or ()) else as_administrator.get
            answer = send(address)
            assert (answer.status_code, f"{setting}=off" in answer.text) == (404, True), rule
        for page in ("/console", "/console/aftercare", "/console/aftercare/messages"):
            assert path not in as_administrator.get(page).text
    assert path in as_administrator.get("/console/aftercare").text or setting == "CUSTOMER_CHANGES"


def test_an_order_s_page_leads_to_no_part_that_is_off(service: Service, as_staff: Person) -> None:
    service.take(REF, siteid="715740")
    a_due_case(service)
    page = f"/console/orders/{REF}"
    assert "/aftercare/cases/" in as_staff.get(page).text
    with service.changed(cases="off"):
        assert "/aftercare/cases" not in as_staff.get(page).text
        assert "/aftercare/customers/" in as_staff.get(page).text
    with service.changed(customer_changes="off"):
        assert "/aftercare/customers" not in as_staff.get(page).text
        assert "/aftercare/cases/new" in as_staff.get(page).text
    with service.changed(cases="off", customer_changes="off"):
        assert "After the account" not in as_staff.get(page).text


def test_who_is_not_signed_in_is_not_told_what_is_off(service: Service) -> None:
    with service.changed(cases="off"):
        assert service.app.test_client().get("/console/aftercare/cases").status_code == 303


def test_open_cases_wait_unseen_and_come_back_as_they_were(service: Service, as_staff: Person) -> None:
    case = a_due_case(service)
    settings = service.services.settings
    with service.changed(cases="off", events_url="https://events.example.com/in"):
        assert service.read(open_counts, service.services.settings, now()).due == 0
        assert "is due" not in as_staff.get("/console").text
        assert cases.tell_of_due(service.services) == 0
        assert not records.is_waiting(service.services, "events")
        assert "1 open case waits" in as_staff.get("/console/aftercare").text
        assert [
            note for note in settings_checks.notes(service.services) if "1 open case" in note and "CASES=off" in note
        ]

    with service.services.database.read() as session:
        assert open_counts(session, settings, now()).due == 1
        assert session.get_one(Case, case).closed_at is None
    assert "1 case is due" in as_staff.get("/console").text
    assert not [note for note in settings_checks.notes(service.services) if "open case" in note]


def test_a_rule_that_opens_cases_tells_the_office_while_they_are_off(service: Service, as_staff: Person) -> None:
    service.take(REF, siteid="715740")
    service.callback(REF, CANCELLED)
    assert decide(service, as_staff, "case:cancel") == "case:cancel"
    with service.changed(cases="off"):
        for _ in range(2):
            service.callback(REF, CANCELLED)
        (mail,) = service.notices("Needs you: UTOPIA says “Project Cancelled”")
        assert says(mail, REF, f"/console/orders/{REF}", "a cancellation", "CASES=off", "this mail")
        assert "aftercare/cases" not in mail.text
        page = as_staff.get("/console/aftercare/messages").text
        assert "Needs somebody: a cancellation (by mail)" in page
        assert "case:suspend" not in page
        assert decide(service, as_staff, "case:suspend") == "case:cancel"
        assert "Cases are switched off here (CASES=off)" in as_staff.get("/console/aftercare/messages").text

    assert service.scalar(select(func.count()).select_from(Case)) == 0
    service.callback(REF, CANCELLED)
    assert service.rows(select(Case.kind)) == ["cancel"]


def test_a_mail_about_a_new_text_offers_no_case_while_they_are_off(service: Service) -> None:
    with service.changed(cases="off"):
        service.callback(REF, "Something new")
        (mail,) = service.notices("UTOPIA says something new")
    assert "open a case" not in mail.text
    assert says(mail, "ignore it, or tell the office")


def test_what_was_sent_before_is_still_settled(service: Service, as_staff: Person) -> None:
    """A case's call and a plan ask a person; a tag is looked up. The switch stops what is new, and hides no doubt."""
    service.take(REF, siteid="715740")
    case = a_due_case(service)
    call = in_flight(service, "utopia:cancel", case_id=case, content={"entries": {}})
    in_flight(service, "plan", customer_id="1001", content={"service_id": "164"})
    tag = in_flight(service, "tag", customer_id="1001", content={"tag_id": "5"})
    service.execute(update(CustomerWrite).filter_by(id=tag).values(asks=False))
    with service.changed(cases="off", customer_changes="off"):
        unknown_writes.settle(service.services)
        assert "2 changes have an unknown outcome" in as_staff.get("/console").text
        assert "Cancel service at UTOPIA" in as_staff.get("/console/aftercare").text
        as_staff.post(f"/console/aftercare/writes/{call}/answer", {"there": "yes"})
        with service.services.database.read() as session:
            assert session.get_one(CustomerWrite, tag).state == StepState.DONE
            assert session.get_one(Case, case).utopia_by == "Stan Staff"
            assert [each.kind for each in writes.in_doubt(session)] == ["plan"]


def test_the_changes_page_names_a_case_s_call_and_leads_to_no_case_while_they_are_off(
    service: Service, as_administrator: Person
) -> None:
    case = a_due_case(service)
    in_flight(service, "utopia:cancel", case_id=case, content={"entries": {"cid": "90001"}})
    with service.changed(cases="off"):
        page = as_administrator.get("/console/look-up/changes").text
    assert f"(case {case})" in page
    assert "/aftercare/cases" not in page


def test_the_command_says_which_setting_switched_it_off(service: Service) -> None:
    with service.changed(activation="off"):
        assert "ACTIVATION=off" in failed(run(service, "accounts", "inactive"))
