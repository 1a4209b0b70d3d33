"""Changes at UTOPIA and PowerCode by hand: named, confirmed, sent once, and recorded with what came of them."""

import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.lookups.change_catalogue import CHANGES
from app.models import AuditEntry, Role, StepState
from tests.conftest import Service, wait_for
from tests.console.persons import Person

ORDER = "UIA202411-001186"
SITE = "cid=90001&siteid=714780"
QUERIES = {
    "suspend": SITE,
    "unsuspend": SITE,
    "change-speed": f"{SITE}&uiaid=5&product=261&issuedate=2026-12-01",
    "cancel": f"{SITE}&issuedate=2026-12-01",
    "edit-order-item": f"itemid=259&orderref={ORDER}&vlan=200&handoff=untagged",
    "edit-service-item": "servid=900010&siteid=714780&spsubid1=ours-1",
    "add-tag": "customer_id=1001&tag_id=9",
    "remove-tag": "customer_id=1001&tag_id=5",
}
CALLS = {
    "suspend": ("suspend", {"cid": "90001", "siteid": "714780"}),
    "unsuspend": ("unsuspend", {"cid": "90001", "siteid": "714780"}),
    "change-speed": (
        "changespeed",
        {"cid": "90001", "siteid": "714780", "uiaid": "5", "product": "261", "issuedate": "2026-12-01"},
    ),
    "cancel": ("cancelservice", {"cid": "90001", "siteid": "714780", "issuedate": "2026-12-01"}),
    "edit-order-item": ("editorderitem", {"itemid": "259", "vlan": "200", "handoff": "untagged"}),
    "edit-service-item": ("editserviceitem", {"servid": "900010", "spsubid1": "ours-1"}),
    "add-tag": ("POST customer/tags/customer", {"customerID": ["1001"], "tags[]": ["9"]}),
    "remove-tag": ("DELETE customer/tags/customer", {"customerID": ["1001"], "tags[]": ["5"]}),
}


@pytest.fixture
def desk(service: Service, as_administrator: Person) -> Person:
    """An administrator; UTOPIA has an order, PowerCode a customer with a tag."""
    service.order(ORDER)
    service.knows_ada(tags=(5,))
    return as_administrator


def confirmation(person: Person, name: str, query: str = "") -> Any:
    return person.get(f"/console/look-up/changes/{name}?{query or QUERIES[name]}&check=1")


def confirmed_in(page: Any) -> str:
    found = re.search(r'name="confirmed"[^>]* value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def send(person: Person, name: str, confirmed: str, typed: str = "") -> Any:
    return person.post(f"/console/look-up/changes/{name}", {"confirmed": confirmed, "typed": typed})


def entries(service: Service) -> list[AuditEntry]:
    return service.rows(select(AuditEntry).where(AuditEntry.key.is_not(None)))


def calls(service: Service, action: str) -> list[Any]:
    return [
        call.fields
        for server in (service.sandbox.utopia, service.sandbox.powercode)
        for call in server.calls
        if call.action == action
    ]


@pytest.mark.parametrize("name", [change.name for change in CHANGES])
def test_each_change_names_the_customer_and_is_sent_as_entered_once(service: Service, desk: Person, name: str) -> None:
    page = confirmation(desk, name)
    action, fields = CALLS[name]

    assert "Ada Lind" in page.text
    assert "12 N EXAMPLE AVENUE" in page.text
    assert calls(service, action) == []
    typed = re.search(r"Type the [^<]* (\S+) to go on", page.text)
    answer = send(desk, name, confirmed_in(page), typed[1] if typed else "")

    assert answer.status_code == 303
    assert calls(service, action) == [fields]
    (entry,) = entries(service)
    assert (entry.made_by, entry.outcome) == ("Ada Administrator", StepState.DONE)
    assert "Ada Lind; 12 N EXAMPLE AVENUE" in entry.subject
    assert "says that it is done" in desk.get(answer.headers["Location"]).text


@pytest.mark.parametrize("name", ["suspend", "cancel"])
def test_the_same_confirmation_again_makes_no_second_call(service: Service, desk: Person, name: str) -> None:
    confirmed = confirmed_in(confirmation(desk, name))

    first = send(desk, name, confirmed, "90001")
    again = send(desk, name, confirmed, "90001")

    assert first.headers["Location"] == again.headers["Location"]
    assert "was not sent again" in desk.get(again.headers["Location"]).text
    assert len(calls(service, CALLS[name][0])) == 1
    assert len(entries(service)) == 1


def test_the_confirmation_opened_again_leads_to_what_was_sent_from_there(service: Service, desk: Person) -> None:
    query = f"{SITE}&once=an-opened-form"
    send(desk, "suspend", confirmed_in(confirmation(desk, "suspend", query)))

    again = confirmation(desk, "suspend", query)

    assert "/changes/sent/" in again.headers["Location"]
    assert "was not sent again" in desk.get(again.headers["Location"]).text


def test_the_same_change_that_was_just_done_takes_more_than_a_click(service: Service, desk: Person) -> None:
    send(desk, "suspend", confirmed_in(confirmation(desk, "suspend")))

    page = confirmation(desk, "suspend")

    assert "It was done then" in page.text
    assert send(desk, "suspend", confirmed_in(page)).status_code == 422
    assert service.sandbox.utopia.count("suspend") == 1


def test_a_double_click_makes_one_call(
    service: Service, desk: Person, somebody: Callable[[Role | None], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed = confirmed_in(confirmation(desk, "suspend"))
    clicks = [desk, somebody(Role.ADMINISTRATOR)]
    tokens = [person.token() for person in clicks]
    answered = threading.Event()
    hold = lambda _call, moment: answered.wait(30) if moment == "arrived" else None  # noqa: E731
    monkeypatch.setattr(service.sandbox.utopia, "on_call", hold)
    path, answers = "/console/look-up/changes/suspend", list[Any]()

    def click(person: Person, token: str) -> None:
        answers.append(person.post(path, {"confirmed": confirmed, "csrf_token": token}))

    threads = [threading.Thread(target=click, args=pair) for pair in zip(clicks, tokens, strict=True)]
    for thread in threads:
        thread.start()
    wait_for(lambda: answers)
    meanwhile = desk.get(answers[0].headers["Location"]).text
    answered.set()
    for thread in threads:
        thread.join()

    assert "has not answered yet" in meanwhile
    assert [answer.status_code for answer in answers] == [303, 303]
    assert service.sandbox.utopia.count("suspend") == 1


@pytest.mark.parametrize(
    ("fault", "outcome", "words"),
    [
        ({"kind": "no_answer"}, StepState.UNKNOWN, "nobody knows whether UTOPIA did it"),
        ({"kind": "garbage", "processed": True}, StepState.UNKNOWN, "nobody knows whether UTOPIA did it"),
        ({"kind": "status_code", "message": "Already suspended"}, StepState.REFUSED, "Already suspended"),
        ({"kind": "http", "status": 429}, StepState.NEVER_ARRIVED, "It never reached UTOPIA"),
    ],
)
def test_what_came_of_it_is_recorded_and_said(
    service: Service, desk: Person, fault: dict[str, Any], outcome: StepState, words: str
) -> None:
    confirmed = confirmed_in(confirmation(desk, "suspend"))
    service.sandbox.utopia.fault("suspend", **fault)

    answer = send(desk, "suspend", confirmed)

    assert entries(service)[0].outcome == outcome
    assert words in desk.get(answer.headers["Location"]).text
    assert service.sandbox.utopia.count("suspend") == 1


def test_a_system_that_went_down_in_between_is_recorded_as_never_reached(service: Service, desk: Person) -> None:
    confirmed = confirmed_in(confirmation(desk, "suspend"))
    service.sandbox.utopia.down()

    send(desk, "suspend", confirmed)

    assert entries(service)[0].outcome == StepState.NEVER_ARRIVED


def test_without_an_answer_about_the_customer_nothing_is_offered(service: Service, desk: Person) -> None:
    service.sandbox.utopia.down()

    page = confirmation(desk, "suspend")

    assert "Nothing was changed: without the customer" in page.text
    assert 'name="confirmed"' not in page.text


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("suspend", "cid=5&siteid=714780", "no such record"),
        ("add-tag", "customer_id=77&tag_id=5", "PowerCode has no such customer"),
        ("edit-order-item", "itemid=1&orderref=UIA-0&vlan=2", "no such record"),
    ],
)
def test_a_customer_that_does_not_exist_is_not_changed(desk: Person, name: str, query: str, words: str) -> None:
    page = confirmation(desk, name, query)

    assert words in page.text
    assert 'name="confirmed"' not in page.text


@pytest.mark.parametrize(
    ("name", "query", "doubt"),
    [
        ("suspend", "cid=90002&siteid=714780", "At site 714780 UTOPIA names Ada Lind, not Bo Berg"),
        ("suspend", "cid=90001&siteid=5", "no order of ours at site 5"),
        ("change-speed", f"{SITE}&uiaid=5&product=999&issuedate=x", "names no 999"),
        ("edit-service-item", "servid=1&siteid=714780&spsubid1=x", "names no service item 1"),
        ("add-tag", "customer_id=1001&tag_id=5", "has this tag already"),
        ("remove-tag", "customer_id=1001&tag_id=9", "have this tag"),
    ],
)
def test_what_does_not_fit_together_is_said_and_takes_more_than_a_click(
    service: Service, desk: Person, name: str, query: str, doubt: str
) -> None:
    service.order("UIA202411-001187", firstname="Bo", lastname="Berg", siteid="800000")
    page = confirmation(desk, name, query)

    answer = send(desk, name, confirmed_in(page))

    assert doubt in page.text
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert entries(service) == []


def test_a_cancellation_takes_the_number_typed_once_more(service: Service, desk: Person) -> None:
    confirmed = confirmed_in(confirmation(desk, "cancel"))

    wrong = send(desk, "cancel", confirmed, "90002")
    right = send(desk, "cancel", confirmed_in(wrong), " 90001 ")

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert len(calls(service, "cancelservice")) == 1


def test_the_same_change_after_an_unknown_outcome_takes_a_second_look(service: Service, desk: Person) -> None:
    confirmed = confirmed_in(confirmation(desk, "suspend"))
    service.sandbox.utopia.fault("suspend", "no_answer")
    send(desk, "suspend", confirmed)

    page = confirmation(desk, "suspend")

    assert "Nobody knows whether UTOPIA did it: look it up first" in page.text
    assert send(desk, "suspend", confirmed_in(page)).status_code == 422
    assert service.sandbox.utopia.count("suspend") == 1


def test_a_confirmation_of_another_person_or_another_change_or_none_changes_nothing(
    service: Service, desk: Person
) -> None:
    confirmed = confirmed_in(confirmation(desk, "suspend"))

    for name, value in (("unsuspend", confirmed), ("suspend", confirmed[:-2]), ("suspend", "")):
        assert "/sent/" not in send(desk, name, value).headers["Location"]

    assert entries(service) == []


def test_a_confirmation_that_is_too_old_leads_back_to_the_form_filled_in(
    service: Service, desk: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed = confirmed_in(confirmation(desk, "suspend"))
    monkeypatch.setattr("app.console.changes.CONFIRM_WITHIN_SECONDS", -1)

    answer = send(desk, "suspend", confirmed)

    assert answer.headers["Location"].endswith("/changes/suspend?cid=90001&siteid=714780")
    assert "too old" in desk.get(answer.headers["Location"]).text
    assert entries(service) == []


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("suspend", "cid=1", "Write the "),
        ("add-tag", "customer_id=x&tag_id=5", "Write digits only"),
        ("edit-service-item", "servid=1&siteid=2", "at least one of the fields"),
    ],
)
def test_an_entry_that_can_not_be_sent_is_told_before_anybody_is_asked(
    service: Service, desk: Person, name: str, query: str, words: str
) -> None:
    page = confirmation(desk, name, query)

    assert page.status_code == 422
    assert words in page.text
    assert sum(service.sandbox.utopia.call_counts.values()) == 0


def test_the_list_tells_who_changed_what_for_whom(service: Service, desk: Person) -> None:
    assert "will be listed here" in desk.get("/console/look-up/changes").text
    send(desk, "suspend", confirmed_in(confirmation(desk, "suspend")))

    page = desk.get("/console/look-up/changes").text

    assert "UTOPIA: suspend service" in page
    assert "Ada Administrator" in page
    assert str(datetime.now().year) in page


def test_a_key_in_utopias_answer_is_not_kept(service: Service, desk: Person) -> None:
    confirmed = confirmed_in(confirmation(desk, "suspend"))
    key = service.sandbox.utopia.api_key
    service.sandbox.utopia.fault("suspend", "http", status=200, body={"echo": key})

    send(desk, "suspend", confirmed)

    assert key not in (entries(service)[0].note or "")


def test_every_name_of_a_change_fits_the_audits_column() -> None:
    from app.lookups.changes import action

    assert all(len(action(change)) <= 40 for change in CHANGES)
