"""The digest in a real browser: a preview that is followed, a run, and what nobody knows settled."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from app.digest import preview_requests
from app.models import DigestMessage, MessageState, Role
from tests.conftest import Service, wait_for
from tests.console.browsers import Browsing, axe, browsing
from tests.console.made_digests import HOSTILE, a_run
from tests.console.persons import add_user
from tests.digest.conftest import Office, office_of

PATH = "/console/digest"


@pytest.fixture
def office(service: Service, tmp_path: Path) -> Iterator[Office]:
    with office_of(service, tmp_path) as office:
        yield office


@pytest.fixture
def slow_report(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The report's reading stops after the first row, until the event is set."""
    go_on = threading.Event()
    counting = preview_requests._counting

    def watched(tell: Any) -> Any:
        def rows(report: Any) -> Any:
            for row in counting(tell)(report):
                tell("1 row read")
                go_on.wait(20)
                yield row

        return rows

    monkeypatch.setattr(preview_requests, "_counting", watched)
    yield go_on
    go_on.set()


def test_a_preview_is_followed_to_its_end_and_then_the_run(
    browse: Browsing, office: Office, slow_report: threading.Event
) -> None:
    office.reports(
        office.row("TM-1", first=HOSTILE), office.row("TM-2", "b@example.com"), office.row("TM-3", date="31/02/2026")
    )
    asked: list[str] = []
    browse.page.on("request", lambda request: asked.append(request.url))
    page = browse.goto(PATH)
    page.get_by_role("button", name="Make a preview now").click()
    panel = page.locator("#preview-panel")
    expect(panel.get_by_role("status")).to_have_text("1 row read")
    axe(page)
    slow_report.set()
    expect(panel).to_contain_text("Would be told now")
    expect(panel).to_contain_text("2 customers, of 2 tickets")
    panel.get_by_text("The messages").click()
    expect(panel.locator("pre").first).to_contain_text("Ticket no. TM-1 was closed on")
    axe(page)
    asked.clear()
    page.wait_for_timeout(1500)
    assert [url for url in asked if url.endswith("/preview")] == [], "it goes on asking for a preview that is done"

    page.get_by_role("button", name="Run now").click()
    expect(page.locator("main")).to_contain_text("0 customers; they get nothing more before next week")
    expect(page.locator("main")).to_contain_text("2 customers would be told")
    axe(page)
    page.get_by_role("button", name="Run now: send the mails").click()
    expect(page.locator("#run dl").first).to_contain_text("completed")
    expect(page.get_by_role("table", name="").first).to_contain_text("b@example.com")
    axe(page)
    assert sorted(address for address, _ in office.told) == ["ada.lind@example.com", "b@example.com"]


def test_without_javascript_a_preview_is_seen_by_loading_the_page_again(
    service: Service, live_url: str, chromium: Browser, office: Office
) -> None:
    office.reports(office.row("TM-1"))
    name = add_user(service, Role.STAFF)
    with browsing(chromium, live_url, java_script_enabled=False) as person:
        person.sign_in(name)
        page = person.goto(PATH)
        with page.expect_navigation():
            page.get_by_role("button", name="Make a preview now").click()

        def done() -> bool:
            person.goto(PATH)
            return "Would be told now" in page.content()

        wait_for(done)


def test_what_nobody_knows_is_settled_with_one_click_and_the_next_run_tells_those_who_got_nothing(
    browse: Browsing, office: Office
) -> None:
    run = office.run(*office.many(3))["run"]
    office.service.execute(update(DigestMessage).values(state=MessageState.UNKNOWN))
    office.webhook.posts.clear()
    page = browse.goto(PATH)
    page.get_by_role("link", name=f"3 messages of run {run}").click()
    expect(page.get_by_role("button", name="It arrived c0000@example.com")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="It arrived c0000@example.com").click()
    expect(page.get_by_role("status").first).to_contain_text("1 message is settled: the customers were told.")
    page.get_by_role("button", name="It did not arrive all 2 of batch 1").click()
    expect(page.get_by_role("status").first).to_contain_text("2 messages are settled: not arrived")
    expect(page.get_by_role("button", name="It arrived")).to_have_count(0)
    office.run()
    assert sorted(address for address, _ in office.told) == ["c0001@example.com", "c0002@example.com"]


@pytest.mark.sweep
def test_a_run_of_5000_customers_is_paged(browse: Browsing, service: Service) -> None:
    run = a_run(service, customers=5000, name=HOSTILE)
    page = browse.goto(f"{PATH}/runs/{run}?state=unknown")
    expect(page.get_by_role("navigation", name="Customers")).to_contain_text("page 1 of 17")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("navigation", name="Customers")).to_contain_text("page 2 of 17")
    axe(page)
