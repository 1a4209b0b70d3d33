"""What colleagues tell each other about orders: notes, who is on it, and what is put off until a day."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from playwright.sync_api import expect

from app.console import causes as cause_pages
from app.models import OrderState, now
from app.provisioning import order_search, teamwork
from app.provisioning.causes import open_causes as standing_causes
from app.provisioning.causes import put_off_orders as putting_off
from app.provisioning.causes.open_causes import OpenCause, open_causes
from app.provisioning.causes.put_off_orders import put_off
from app.provisioning.plans import trials
from app.provisioning.teamwork import LONGEST_NOTE
from tests.conftest import Service
from tests.console.browsers import Browsing, axe
from tests.console.decision_buttons import PAGE, REF, decide, decisions
from tests.console.made_orders import apart, settled_as
from tests.console.persons import Person, words_of

RIGHT_TO_LEFT = "\u202e"
CLOCKS = (cause_pages, teamwork, order_search, putting_off, standing_causes)
"""Where what is put off is compared with the time."""


class Clock:
    """What time it is."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """As the service asks."""
        return self.at


def tomorrow(service: Service) -> date:
    """In the office."""
    return now().astimezone(service.services.settings.zone).date() + timedelta(days=1)


@pytest.fixture
def stopped(service: Service) -> str:
    """An order that needs somebody."""
    return settled_as(service, REF, OrderState.NEEDS_REVIEW, plan="10 Gbps")


@pytest.fixture
def cause(service: Service) -> OpenCause:
    """Two orders that stopped over one plan."""
    for number in (201, 202):
        settled_as(service, f"UIA202412-000{number}", OrderState.NEEDS_REVIEW, **apart(number, plan="10 Gbps"))
    (one,) = service.read(open_causes)
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


def test_a_note_without_words_or_with_too_many_is_told_at_its_field(
    service: Service, as_staff: Person, stopped: str
) -> None:
    for text in ("", " \r\n ", "x" * (LONGEST_NOTE + 1)):
        answer = as_staff.post(f"{PAGE}/note", {"text": text})

        assert answer.status_code == 422, text
        assert 'id="text-fault"' in answer.text, text
        assert re.search(r'<details id="write-note" open', answer.text), text
    assert decisions(service) == []


def test_who_may_only_look_reads_notes_and_writes_none(
    service: Service, as_staff: Person, as_read_only: Person, stopped: str
) -> None:
    decide(service, as_staff, "note", text="Called, nobody there")

    assert "Called, nobody there" in words_of(story(as_read_only))
    assert 'id="write-note"' not in as_read_only.get(PAGE).text
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
    service: Service, as_staff: Person, as_read_only: Person, cause: OpenCause
) -> None:
    form = {"cause": cause.cause.key, "newest": str(cause.newest)}
    answer = as_staff.post("/console/causes/on-it", form)
    assert answer.headers["Location"].startswith("/console#cause-")
    settled_as(service, "UIA202412-000299", OrderState.NEEDS_REVIEW, **apart(299, plan="10 Gbps"))

    assert "Stan Staff is on 2 of 3 since" in needs_of(as_read_only.get("/console").text)
    assert as_read_only.post("/console/causes/on-it", form).status_code == 403
    as_staff.post("/console/causes/let-go", form)
    assert "Stan Staff" not in needs_of(as_read_only.get("/console").text)


def test_nobody_is_on_an_order_that_waits_for_the_first_of_its_plan(
    service: Service, as_staff: Person, cause: OpenCause
) -> None:
    service.write(teamwork.take, "Stan Staff")
    service.write(trials.hold, cause.cause.key, "another one goes first")

    assert "is on it" not in words_of(as_staff.get("/console/orders").text)


def test_nobody_is_on_what_needs_nobody(service: Service, as_staff: Person) -> None:
    settled_as(service, REF, OrderState.COMPLETED)

    assert decide(service, as_staff, "on-it").startswith("Nothing was changed")
    assert "I'm on it" not in words_of(as_staff.get(PAGE).text)
    assert as_staff.post("/console/causes/on-it", {"cause": "", "newest": ""}).status_code == 400


# What is put off


@pytest.fixture
def friday(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Friday 27 November, noon in Denver; `at` moves on."""
    clock = Clock(datetime(2026, 11, 27, 19, tzinfo=UTC))
    for module in CLOCKS:
        monkeypatch.setattr(module, "now", clock)
    return clock


def asks(page: str) -> int:
    """How many things need somebody, as the tab says it."""
    found = re.search(r"<title>\((\d+)\)", page)
    return int(found[1]) if found else 0


def test_an_order_that_is_put_off_comes_back_by_itself_as_the_day_begins_in_the_office(
    service: Service, as_staff: Person, as_read_only: Person, stopped: str, friday: Clock
) -> None:
    decide(service, as_staff, "on-it")

    said = decide(service, as_staff, "put-off", day="2026-11-30", reason="the plan's price comes on Monday")

    assert said == "Put off until Monday 30 November. It comes back by itself."
    today = as_read_only.get("/console").text
    assert (asks(today), "Nothing needs you" in today) == (0, True)
    needs = needs_of(today)
    assert "Put off: 1 order until Monday 30 November" in needs
    assert "by Stan Staff: the plan's price comes on Monday" in needs
    assert REF in needs
    assert "Stan Staff put it off" in words_of(story(as_read_only))
    assert "Until Monday 30 November: the plan's price comes on Monday" in words_of(story(as_read_only))
    assert "put off until Monday 30 November" in words_of(as_read_only.get("/console/orders").text)
    friday.at = datetime(2026, 11, 30, 6, 59, tzinfo=UTC)
    assert asks(as_staff.get("/console").text) == 0
    friday.at = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
    today = as_staff.get("/console").text
    assert (asks(today), "Put off:" in today) == (1, False)
    assert "is on it" not in words_of(today)


@pytest.mark.long
def test_what_joins_a_cause_that_is_put_off_is_new_and_decided_without_it(
    service: Service, as_staff: Person, cause: OpenCause
) -> None:
    form = {"cause": cause.cause.key, "newest": str(cause.newest)}
    mails = len(service.notices("Needs you"))
    as_staff.post("/console/causes/put-off", {**form, "near": str(tomorrow(service))})
    assert "Put off: 2 orders until" in needs_of(as_staff.get("/console").text)

    joined = settled_as(service, "UIA202412-000299", OrderState.NEEDS_REVIEW, **apart(299, plan="10 Gbps"))

    needs = needs_of(as_staff.get("/console").text)
    assert "1 order waits for the plan 10 Gbps" in needs
    assert len(service.notices("Needs you")) == mails + 1
    (one,) = service.read(open_causes)
    (away,) = service.read(put_off)
    assert (one.count, away.count) == (1, 2)
    bills = as_staff.post("/console/causes/map-plans", {**form, "services-0": "165"}).text
    assert "It is for 3 orders." in words_of(bills)
    as_staff.post("/console/causes/dismiss", {**form, "newest": str(one.newest), "note": "not sold"})
    service.rested(joined, OrderState.DISMISSED)
    assert service.state("UIA202412-000201") == OrderState.NEEDS_REVIEW
    back = {"cause": cause.cause.key, "newest": str(away.newest), "until": away.until.isoformat()}
    for until, status in (("soon", 400), ("2026-11-30", 303)):
        assert as_staff.post("/console/causes/bring-back", {**back, "until": until}).status_code == status
    as_staff.post("/console/causes/bring-back", back)
    assert "2 orders wait for the plan 10 Gbps" in needs_of(as_staff.get("/console").text)


def test_a_day_that_is_none_of_the_next_thirty_is_told_at_its_field(
    as_staff: Person, cause: OpenCause, friday: Clock
) -> None:
    pages = (PAGE.replace(REF, "UIA202412-000201"), "/console/causes")
    for day, path in product(("", "soon", "2026-11-27", "2026-12-28", "9999-12-31"), pages):
        form = {"cause": cause.cause.key, "newest": str(cause.newest), "day": day}
        answer = as_staff.post(f"{path}/put-off", form)

        assert answer.status_code == 422, day
        assert "Choose a day from tomorrow on, and within 30 days" in answer.text, day


def test_an_order_is_brought_back_or_decided_before_its_day(
    service: Service, as_staff: Person, as_read_only: Person, stopped: str
) -> None:
    day = str(tomorrow(service))
    decide(service, as_staff, "put-off", day=day)
    assert decide(service, as_staff, "put-off", day=day).startswith("Nothing was changed: it is put off already")
    assert as_read_only.post(f"{PAGE}/bring-back").status_code == 403
    decide(service, as_staff, "bring-back")
    assert asks(as_staff.get("/console").text) == 1

    decide(service, as_staff, "put-off", day=day)
    decide(service, as_staff, "dismiss", note="moved away")

    assert "Put off:" not in as_staff.get("/console").text


@pytest.mark.sweep
@pytest.mark.usefixtures("quick_refresh")
def test_a_colleague_sees_who_is_on_it_and_what_is_put_off(
    service: Service, browse: Browsing, browse_as_administrator: Browsing, cause: OpenCause
) -> None:
    mine, theirs = browse.goto("/console"), browse_as_administrator.goto("/console")
    mine.get_by_role("button", name="I'm on it").click()
    expect(theirs.get_by_text("Stan Staff is on it")).to_be_visible()
    axe(theirs)

    mine.get_by_text("Put off until a day").click()
    axe(mine)
    mine.get_by_role("button", name="Until tomorrow").click()

    expect(mine.get_by_role("heading", name="Nothing needs you")).to_be_visible()
    theirs.get_by_text("Put off: 2 orders until").click()
    axe(theirs)
    theirs.get_by_role("link", name="UIA202412-000201").click()
    theirs.get_by_text("Add a note").click()
    theirs.get_by_label("Note for your colleagues").fill("I called them")
    theirs.get_by_role("button", name="Add the note").click()
    expect(theirs.locator("#story").get_by_text("I called them")).to_be_visible()
    theirs.get_by_role("button", name="Bring it back now").click()
    expect(theirs.get_by_role("button", name="I'm on it")).to_be_visible()
