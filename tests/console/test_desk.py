"""What colleagues tell each other about orders: notes, who is on it, and what is put off until a day."""

import re

import pytest

from app.models import OrderState
from app.provisioning.desk import LONGEST_NOTE
from tests.conftest import Service
from tests.console.deciding import PAGE, REF, decide, decisions
from tests.console.made_orders import settled_as
from tests.console.persons import Person, words_of

RIGHT_TO_LEFT = "\u202e"


@pytest.fixture
def stopped(service: Service) -> str:
    """An order that needs somebody."""
    return settled_as(service, REF, OrderState.NEEDS_REVIEW, plan="10 Gbps")


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
