"""The first page: one look in the morning tells whether anything needs somebody."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import delete, func, insert, select, update

from app.console import today
from app.console.today_chart import CHART_DAYS, Day, chart, days
from app.models import (
    Alert,
    AlertKind,
    Notice,
    NoticeDelivery,
    NoticeState,
    Order,
    OrderDecision,
    OrderState,
    RemoteSystem,
    Role,
    SignIn,
    System,
    now,
)
from app.provisioning.plans.mapping import plan_key
from app.wording.outage_words import key_refused
from tests.conftest import Service, wait_for
from tests.console.browsers import DESKTOP, PHONE, Browsing, axe, axe_layout, signed_in
from tests.console.pages import HOSTILE, hostile_order
from tests.console.persons import Person


def test_a_quiet_day_says_that_nothing_needs_anybody(as_read_only: Person) -> None:
    page = as_read_only.get("/console").text

    assert "Nothing needs you" in page
    assert "When an order stops for a person, it is listed here" in page


def test_an_order_that_stopped_is_listed_with_person_reason_and_link(service: Service, as_read_only: Person) -> None:
    service.take("UIA202411-001186", firstname="Robin", plan="3 Gbps")

    page = as_read_only.get("/console").text

    assert "1 thing needs you" in page
    assert 'href="/console/orders/UIA202411-001186"' in page
    assert "No PowerCode service is known for the plan &#34;3 Gbps&#34;" in page
    assert "Robin" in page


def stopped(service: Service, count: int, plan: str = "2.5 Gbps", **changes: object) -> None:
    """So many orders that stopped over the plan, without the work that stopped them."""
    cause = f"unknown_plan:{plan_key(plan)}"
    values: dict[str, Any] = {
        "state": OrderState.NEEDS_REVIEW,
        "problem": "unknown_plan",
        "reason": f'the plan "{plan}"',
    }
    values |= {"account": {"unknown_plans": [plan]}, "cause": cause, "stopped_at": now(), **changes}
    with service.services.database.write() as session:
        begins = session.scalar(select(func.count()).select_from(Order)) or 0
        session.add_all(Order(orderref=f"UIA-{begins + number}", **values) for number in range(count))


def test_orders_that_stopped_for_one_cause_are_one_card_that_says_how_many(
    service: Service, as_read_only: Person
) -> None:
    stopped(service, 46)
    stopped(service, 2, "Voice <b>")

    page = as_read_only.get("/console").text

    assert "2 things need you" in page
    assert "46 orders wait for the plan 2.5 Gbps" in page
    assert "2 orders wait for the plan Voice &lt;b&gt;" in page
    assert page.count('class="card cause"') == 2
    assert "What is this?" in page
    assert "UTOPIA sold a plan that nobody has mapped" in page


def test_somebody_who_has_an_account_already_needs_somebody(service: Service, as_read_only: Person) -> None:
    """They pay, and wait for what was not done."""
    ada = {"firstName": "Ada", "lastName": "Lind", "physicalStreet": "12 N EXAMPLE AVENUE", "extAccountID": "714780"}
    service.sandbox.powercode.add_customer(**ada)
    assert service.take()["state"] == OrderState.EXISTS

    page = as_read_only.get("/console").text

    assert "1 thing needs you" in page
    assert "1 order: the person has an account already" in page
    assert 'href="/console/orders/UIA202411-001186"' in page


def test_an_order_that_waits_is_listed_with_the_system_it_waits_for(service: Service, as_read_only: Person) -> None:
    with service.changed(retry_minutes=(60.0,)):
        service.sandbox.utopia.down()
        service.order()
        service.callback("UIA202411-001186")
        service.rested("UIA202411-001186", OrderState.WAITING)

    page = as_read_only.get("/console").text

    assert "Nothing needs you" in page
    assert "Waiting by itself: 1" in page
    assert "for UTOPIA; next try" in page
    assert "can’t be used" in page


def test_a_system_that_nobody_calls_at_the_moment_is_not_called_down(service: Service, as_read_only: Person) -> None:
    service.add(RemoteSystem(name=System.POWERCODE, down_since=now(), failures=1, error="no complete answer"))

    page = as_read_only.get("/console").text

    assert "gave no answer" in page
    assert "can’t be used" not in page


def failed_notice(service: Service) -> int:
    service.take()
    service.mail_settled()
    with service.services.database.write() as session:
        session.execute(update(Notice).values(state=NoticeState.FAILED, error="no such mailbox"))
        session.execute(delete(NoticeDelivery))
        return session.scalars(select(Notice.id)).one()


@pytest.mark.long
def test_a_notice_that_could_not_be_sent_is_sent_again_by_one_click(service: Service, as_staff: Person) -> None:
    notice_id = failed_notice(service)
    assert "could not be sent: no such mailbox" in as_staff.get("/console").text

    answer = as_staff.post(f"/console/notices/{notice_id}/send-again", follow_redirects=True)

    assert "sent once more" in answer.text
    assert len(service.notices("Account created")) == 2
    assert "Nothing needs you" in as_staff.get("/console").text


@pytest.mark.long
def test_a_notice_that_nobody_needs_is_dropped_once(service: Service, as_staff: Person, as_read_only: Person) -> None:
    notice_id = failed_notice(service)
    assert as_read_only.post(f"/console/notices/{notice_id}/drop").status_code == 403

    assert "dropped" in as_staff.post(f"/console/notices/{notice_id}/drop", follow_redirects=True).text
    assert "already" in as_staff.post(f"/console/notices/{notice_id}/send-again", follow_redirects=True).text
    assert "Nothing needs you" in as_staff.get("/console").text
    assert len(service.notices("Account created")) == 1


@pytest.mark.long
def test_a_hostile_customer_stays_a_text(service: Service, as_read_only: Person) -> None:
    hostile_order(service)

    page = as_read_only.get("/console").text

    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Gbps" in page


def test_a_system_s_error_is_shown_as_text(service: Service, as_read_only: Person) -> None:
    service.add(RemoteSystem(name=System.MAIL, down_since=now(), failures=1, error=HOSTILE))

    page = as_read_only.get("/console").text

    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_the_chart_counts_days_where_the_office_is(service: Service) -> None:
    denver = service.services.settings.zone
    last_evening = datetime.now(denver).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(minutes=30)
    rows = [
        {"orderref": f"D{number}", "state": OrderState.COMPLETED, "finished_at": last_evening.astimezone(UTC)}
        for number in range(3)
    ]
    rows.append({"orderref": "old", "state": OrderState.COMPLETED, "finished_at": now() - timedelta(days=60)})
    rows.append({"orderref": "not done", "state": OrderState.DISMISSED, "finished_at": now()})
    service.execute(insert(Order), rows)
    counts = service.read(days, service.services.settings)

    assert len(counts) == CHART_DAYS
    assert counts[-2] == Day(last_evening.date(), 3)
    assert sum(each.completed for each in counts) == 3


def test_a_new_installation_is_led_to_its_first_account(service: Service, as_administrator: Person) -> None:
    page = as_administrator.get("/console").text
    assert "Until the first account: 2 of 7 done" in page
    answer = as_administrator.post("/console/settings/check/utopia", {"from": "today"})
    assert (answer.status_code, answer.location) == (303, "/console")
    page = as_administrator.get("/console").text
    assert "Until the first account: 3 of 7 done" in page
    assert "UTOPIA answers and accepts the key" in page

    service.take("UIA-1")

    assert "Until the first account" not in as_administrator.get("/console").text


def test_the_chart_counts_what_stands_and_what_was_settled_and_how_long_an_account_takes(
    service: Service, as_read_only: Person
) -> None:
    moment = now()
    rows = [
        {
            "orderref": f"D{seconds}",
            "state": OrderState.COMPLETED,
            "received_at": moment - timedelta(seconds=seconds),
            "finished_at": moment,
        }
        for seconds in (1, 2, 60)
    ]
    with service.services.database.write() as session:
        session.execute(insert(Order), rows)
        standing_again = Order(orderref="S1", state=OrderState.NEEDS_REVIEW, stopped_at=moment)
        settled = Order(orderref="S2", state=OrderState.DISMISSED)
        session.add_all([standing_again, settled])
        session.flush()
        session.add(OrderDecision(order_id=standing_again.id, made_by="Ada", action="resume"))
        session.add_all(OrderDecision(order_id=settled.id, made_by="Ada", action="dismiss") for _ in range(2))
        last = days(session, service.services.settings)[-1]
        assert (last.completed, last.stopped) == (3, 2)
        assert chart(session, service.services.settings)["median"] == 2

    page = as_read_only.get("/console").text
    assert "3 completed, 2 needed somebody" in page
    assert '<svg class="chart" viewBox="0 0 30 5"' in page, "the highest bar is as high as the chart"
    assert 'y="2" width="0.76" height="3"' in page
    assert 'y="0" width="0.76" height="2"' in page, "what needed somebody stands on top of what was completed"
    assert "<strong>2 s</strong>" in page


def test_a_month_without_orders_draws_nothing(as_read_only: Person) -> None:
    page = as_read_only.get("/console").text

    assert "drawn here" in page
    assert "<svg" not in page


@pytest.mark.usefixtures("quick_refresh")
def test_the_page_refreshes_itself_without_losing_focus_or_place(service: Service, browse: Browsing) -> None:
    service.take("UIA202411-001186", plan="3 Gbps")
    page = browse.goto("/console")
    page.set_viewport_size({"width": 1000, "height": 300})
    link = page.get_by_role("link", name="UIA202411-001186")
    link.focus()
    page.evaluate("window.scrollTo(0, 120)")

    service.take("UIA202411-001187", plan="4 Gbps", siteid="9", email="other@example.com")

    page.get_by_text("2 things need you").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "UIA202411-001186"
    assert page.evaluate("window.scrollY") == 120


@pytest.mark.usefixtures("quick_refresh")
def test_a_page_left_open_over_the_end_of_the_sign_in_asks_for_it_again(service: Service, browse: Browsing) -> None:
    page = browse.goto("/console")
    service.execute(delete(SignIn))

    page.wait_for_url("**/login*")
    wait_for(lambda: page.get_by_role("button", name="Sign in").is_visible())


# What is wrong with the system itself


def wrong(service: Service, kind: AlertKind, subject: str, **content: object) -> None:
    moment = now() - timedelta(hours=3)
    row = {"kind": kind, "subject": subject, "slot": f"{kind}:{subject}", "content": content}
    service.add(Alert(**row, began_at=moment, opened_at=moment))


def everything_is_wrong(service: Service) -> None:
    """An open alert of each kind, with hostile words wherever they come from outside."""
    certificate = {"fingerprint": ":".join(["AB"] * 32), "server": "pc.example.com:444", "detail": HOSTILE}
    system = {"system": "PowerCode", "reason": f"PowerCode can't be reached: {HOSTILE}", "orders": ["A-1", "A-2"]}
    disk = {"free": 1_900_000_000, "total": 40_000_000_000, "host": "fiber-1", "folder": "/opt/utopia-handler/instance"}
    wrong(service, AlertKind.SYSTEM_DOWN, "powercode", **system)
    wrong(service, AlertKind.SYSTEM_DOWN, "utopia", system="UTOPIA", reason=key_refused("UTOPIA"), orders=["A-3"])
    wrong(service, AlertKind.MAIL_STUCK, "mail", reason=f"no answer {HOSTILE}", held_up=3)
    wrong(service, AlertKind.DIGEST_HELD_UP, "digest", run=7, state="waiting", reason=f"no report {HOSTILE}")
    wrong(service, AlertKind.DISK_NEARLY_FULL, "fiber-1:/opt", **disk, holds="the database and the log")
    wrong(service, AlertKind.CALLBACK_FLOOD, "callbacks", waiting=400, refused=True, sender=HOSTILE)
    wrong(
        service, AlertKind.BACKUP, "backup", made_at="2026-11-20T02:00:00+00:00", error=f"no room {HOSTILE}", hours=36
    )
    for cause in ("changed", "ends_soon", "differs"):
        facts = {"cause": cause, "file": "instance/powercode.pem", "expires_at": "2026-12-01T00:00:00+00:00"}
        wrong(service, AlertKind.CERTIFICATE, cause, **facts, blocks=cause == "changed", **certificate)


def test_what_is_wrong_with_the_system_comes_first_and_says_what_to_do(service: Service, as_read_only: Person) -> None:
    everything_is_wrong(service)

    page = as_read_only.get("/console").text

    assert page.index("wrong with the system itself") < page.index("Nothing needs you")
    for words in (
        "PowerCode does not answer",
        "2 orders have waited for it",
        "Mails to the office are held up",
        "UTOPIA refuses our API key (UTOPIA_API_KEY)",
        "Ask whoever keeps the server to correct it",
        "The digest is held up",
        "The disk of fiber-1 is nearly full",
        "1.9 GB of 40 GB were left",
        "The backup failed",
        "The last good one is of 2026-11-20 02:00 UTC",
        "no room",
        "certificate is not accepted",
        "certificate ends on 2026-12-01",
        "shows another certificate than before",
    ):
        assert words in page
    assert HOSTILE not in page


def test_an_alert_that_is_over_or_only_suspected_is_not_shown(service: Service, as_read_only: Person) -> None:
    everything_is_wrong(service)
    service.execute(update(Alert).values(slot=None, closed_at=now()))
    row = {"kind": AlertKind.MAIL_STUCK, "subject": "mail", "slot": "mail_stuck:mail", "began_at": now()}
    service.add(Alert(**row))

    assert "wrong with the system itself" not in as_read_only.get("/console").text


def test_the_first_page_says_that_nothing_works_on_orders(
    service: Service, as_read_only: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(today, "executing", lambda _database: 0)

    assert "No process works on orders at the moment" in as_read_only.get("/console").text


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_alerts_fit_a_desk_and_a_phone(
    service: Service, live_url: str, chromium: Browser, size: tuple[int, int], tmp_path: Path
) -> None:
    everything_is_wrong(service)
    with signed_in(chromium, live_url, service, Role.STAFF, size=size) as person:
        page = person.goto("/console")
        page.get_by_role("heading", name="Something is wrong").wait_for()

        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        axe(page) if size == DESKTOP else axe_layout(page)
        page.screenshot(path=tmp_path / "today.png", full_page=True)


def test_an_order_that_was_added_to_a_customer_is_counted_apart(service: Service, as_read_only: Person) -> None:
    finished = {"state": OrderState.COMPLETED, "received_at": now(), "finished_at": now()}
    service.add(Order(orderref="UIA202411-000001", **finished))
    service.add(Order(orderref="UIA202411-000002", decision={"customer_id": "1001"}, **finished))

    page = " ".join(as_read_only.get("/console").text.split())

    assert "<strong>All done:</strong> 1 account and 1 order added to a customer today, median" in page
    assert "The last 30 days: 2 completed (1 added to a customer)" in page


def test_after_the_last_stop_the_page_says_what_the_day_brought(service: Service, as_read_only: Person) -> None:
    service.take("UIA202411-001186")
    service.execute(update(Order).values(received_at=now() - timedelta(seconds=42), finished_at=now()))

    page = as_read_only.get("/console").text

    assert "<strong>All done:</strong> 1 account today, median 42 s from order to welcome" in page
