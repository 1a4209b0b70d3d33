"""What colleagues tell each other about orders: notes, who is on it, and what is put off until a day."""

import re

import pytest

from app.models import OrderState
from app.provisioning.causes.standing import Standing, standing
from app.provisioning.desk import LONGEST_NOTE
from tests.conftest import Service
from tests.console.deciding import PAGE, REF, decide, decisions
from tests.console.made_orders import apart, settled_as
from tests.console.persons import Person, words_of

RIGHT_TO_LEFT = "\u202e"


@pytest.fixture
def stopped(service: Service) -> str:
    """An order that needs somebody."""
    return settled_as(service, REF, OrderState.NEEDS_REVIEW, plan="10 Gbps")


@pytest.fixture
def cause(service: Service) -> Standing:
    """Two orders that stopped over one plan."""
    for number in (201, 202):
        settled_as(service, f"UIA202412-000{number}", OrderState.NEEDS_REVIEW, **apart(number, plan="10 Gbps"))
    with service.services.database.read() as session:
        (one,) = standing(session)
    return one


def story(person: Person) -> str:
    """What an order's page tells of what happened."""
    return person.get(PAGE).text.partition('id="story"')[2]


# Notes


def test_a_note_is_in_the_story_as_it_was_written_and_the_order_is_as_it_was(
    service: Service, as_staff: Person, stopped: str
) -> None:
    before = service.show(stopped)
    long = f"Called Ada {RIGHT_TO_LEFT}<b>today</b>,\r\nshe decides on Monday. " + "x" * 700

    assert decide(service, as_staff, "note", text=long) == "Your note is in the order's story."

    told = story(as_staff)
    assert "Stan Staff wrote a note" in told
    assert f"Called Ada [U+202E]&lt;b&gt;today&lt;/b&gt;,\nshe decides on Monday. {'x' * 700}</div>" in told
    after = service.show(stopped)
    assert [one["action"] for one in after["decisions"]] == ["note"]
    assert [after[name] for name in ("state", "reason", "actions")] == [
        before[name] for name in ("state", "reason", "actions")
    ]


def test_a_note_can_be_left_on_an_order_at_rest_and_is_found(service: Service, as_staff: Person) -> None:
    settled_as(service, REF, OrderState.COMPLETED)

    decide(service, as_staff, "note", text="The installer is Vera, (406) 555-0199, vera@example.com")

    for asked in ("installer vera", "406.555.0199", "vera@example.com"):
        assert REF in as_staff.get("/console/orders", query_string={"q": asked, "state": "completed"}).text, asked


@pytest.mark.parametrize("text", ["", " \r\n ", "x" * (LONGEST_NOTE + 1)])
def test_a_note_without_words_or_with_too_many_is_told_at_its_field(
    service: Service, as_staff: Person, stopped: str, text: str
) -> None:
    answer = as_staff.post(f"{PAGE}/note", {"text": text})

    assert answer.status_code == 422
    assert 'id="text-fault"' in answer.text
    assert re.search(r'<details id="note" open', answer.text)
    assert decisions(service) == []


def test_who_may_only_look_reads_notes_and_writes_none(
    service: Service, as_staff: Person, as_read_only: Person, stopped: str
) -> None:
    decide(service, as_staff, "note", text="Called, nobody there")

    assert "Called, nobody there" in words_of(story(as_read_only))
    assert 'id="note"' not in as_read_only.get(PAGE).text
    assert as_read_only.post(f"{PAGE}/note", {"text": "x"}).status_code == 403


# Who is on it


def needs_of(page: str) -> str:
    """What the first page says of what needs somebody."""
    return words_of(page.partition('id="needs"')[2].partition("</section>")[0])


def test_who_is_on_an_order_is_told_to_everybody_until_it_is_decided(
    service: Service, as_staff: Person, as_administrator: Person, stopped: str
) -> None:
    assert decide(service, as_staff, "on-it") == "Your colleagues see that you are on it."

    assert "You are on it since today" in words_of(as_staff.get(PAGE).text)
    for path in (PAGE, "/console", "/console/orders"):
        assert "Stan Staff is on it" in words_of(as_administrator.get(path).text), path
    assert [event for event in re.findall(r"<strong>([^<]*)</strong>", story(as_staff)) if "on it" in event]
    decide(service, as_staff, "dismiss", note="moved away")
    decide(service, as_staff, "resume")
    service.rested(REF, OrderState.NEEDS_REVIEW)
    for path in (PAGE, "/console", "/console/orders"):
        assert "Stan Staff is on it" not in words_of(as_administrator.get(path).text.partition('id="story"')[0]), path


def test_somebody_else_s_order_is_taken_over_knowingly_and_only_one_s_own_let_go(
    service: Service, as_staff: Person, as_administrator: Person, stopped: str
) -> None:
    decide(service, as_staff, "on-it")

    assert decide(service, as_administrator, "on-it").startswith("Nothing was changed: somebody is on it already")
    assert decide(service, as_administrator, "let-go") == "Nothing was changed: you were not on it any more."
    decide(service, as_administrator, "take-over")

    assert [each[:2] for each in decisions(service)] == [
        ("Stan Staff", "on_it"),
        ("Ada Administrator", "take_over"),
    ]
    assert "Ada Administrator is on it since" in words_of(as_staff.get(PAGE).text)
    decide(service, as_administrator, "let-go")
    assert "is on it since" not in words_of(as_staff.get(PAGE).text)


def test_a_whole_cause_is_taken_with_one_tap_and_who_joins_later_is_not(
    service: Service, as_staff: Person, as_read_only: Person, cause: Standing
) -> None:
    form = {"cause": cause.cause.key, "newest": str(cause.newest)}
    answer = as_staff.post("/console/causes/on-it", form)
    assert answer.headers["Location"].startswith("/console#cause-")
    settled_as(service, "UIA202412-000299", OrderState.NEEDS_REVIEW, **apart(299, plan="10 Gbps"))

    assert "Stan Staff is on 2 of 3 since" in needs_of(as_read_only.get("/console").text)
    assert as_read_only.post("/console/causes/on-it", form).status_code == 403
    as_staff.post("/console/causes/let-go", form)
    assert "Stan Staff" not in needs_of(as_read_only.get("/console").text)


def test_nobody_is_on_what_needs_nobody(service: Service, as_staff: Person) -> None:
    settled_as(service, REF, OrderState.COMPLETED)

    assert decide(service, as_staff, "on-it").startswith("Nothing was changed")
    assert "I'm on it" not in words_of(as_staff.get(PAGE).text)
    assert as_staff.post("/console/causes/on-it", {"cause": "", "newest": ""}).status_code == 400
