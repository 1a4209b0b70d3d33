"""What is found comes in pages, sorted, filtered and counted, and each order once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from app.models import OrderSearch, OrderState
from app.provisioning import order_search
from app.storage.database import Database
from tests.provisioning.order_search.searched_orders import an_order, empty, found


def test_an_empty_search_shows_all_with_the_newest_first(ada: Database) -> None:
    assert found(ada, "  ") == ["UIA-3", "UIA202411-001186", "UIA-1"]


def test_an_order_at_work_is_listed_once(database: Database) -> None:
    an_order(database, "UIA-1", state="running", first_name="Ada")

    assert found(database, "uia-1") == ["UIA-1"]
    assert found(database, "uia ada", "running") == ["UIA-1"]


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(states=st.lists(st.sampled_from(["completed", "waiting", "received"]), max_size=23), limit=st.integers(1, 7))
@pytest.mark.parametrize(("text", "state"), [("", None), ("uia", None), ("", "waiting"), ("uia", "received")])
def test_walking_the_pages_shows_each_order_once(
    shared: Database, states: list[str], limit: int, text: str, state: str | None
) -> None:
    empty(shared)
    for number, each in enumerate(states):
        an_order(shared, f"UIA-{number:03}", state=each, kept=each != "received")
    matching = [f"UIA-{number:03}" for number, each in enumerate(states) if state in (None, each)][::-1]
    wanted = order_search.Wanted(text, state)

    with shared.read() as session:
        pages = [order_search.find(session, wanted, limit=limit)]
        while pages[-1].more:
            pages.append(order_search.find(session, wanted, len(pages) + 1, limit=limit))
        everything = order_search.all_of(session, wanted)
    assert [each.orderref for page in pages for each in page.orders] == matching
    assert [each.id for page in pages for each in page.orders] == list(everything)
    assert {(page.total, page.counted) for page in pages} == {(len(matching), True)}
    assert len(pages) == max(1, -(-len(matching) // limit))


def test_a_page_after_the_last_is_empty_and_knows_how_many_there_are(ada: Database) -> None:
    with ada.read() as session:
        page = order_search.find(session, page=9)
    assert (page.orders, page.total, page.more) == ([], 3, False)


def test_counting_stops_where_nobody_needs_the_number(ada: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_search, "MOST_COUNTED", 2)
    with ada.read() as session:
        page = order_search.find(session, order_search.Wanted("uia"), limit=1)
        assert (page.total, page.counted) == (2, False)
        page = order_search.find(session, order_search.Wanted(), limit=1)
        assert (page.total, page.counted) == (3, True)


def test_orders_are_sorted_by_what_was_asked_for(database: Database) -> None:
    an_order(database, "UIA-2", first_name="Ada", plan="1 Gbps", state="waiting")
    an_order(database, "UIA-1", first_name="Ole", plan="250 Mbps", state="completed")
    an_order(database, "UIA-3", first_name="Grace", plan="1 Gbps", state="completed")

    def sorted_by(sort: str, **wanted: Any) -> list[str]:
        return [each[-1] for each in found(database, sort=order_search.Sort(sort), descending=False, **wanted)]

    assert sorted_by("order") == ["1", "2", "3"]
    assert sorted_by("person") == ["2", "3", "1"]
    assert sorted_by("plan") == ["2", "3", "1"]
    assert sorted_by("state") == ["1", "3", "2"]
    assert sorted_by("received") == ["2", "1", "3"]
    assert sorted_by("person", text="uia", state="completed") == ["3", "1"]


def test_orders_are_filtered_by_cause_plan_and_day(database: Database) -> None:
    def moment(day: int) -> datetime:
        return datetime(2026, 11, day, 12, tzinfo=UTC)

    an_order(database, "UIA-1", plan="2.5 Gbps", problem="unknown_plan", received_at=moment(1))
    an_order(database, "UIA-2", plan="25 Gbps", problem="unknown_plan", received_at=moment(2))
    an_order(database, "UIA-3", plan="2.5 Gbps", received_at=moment(3))

    assert found(database, problem="unknown_plan") == ["UIA-2", "UIA-1"]
    assert found(database, plan="2.5 gbps") == ["UIA-3", "UIA-1"]
    assert found(database, plan="5 Gbps") == []
    assert found(database, since=moment(2)) == ["UIA-3", "UIA-2"]
    assert found(database, until=moment(2)) == ["UIA-1"]
    assert found(database, "uia", problem="unknown_plan", plan="2.5 Gbps", since=moment(1)) == ["UIA-1"]
    with database.read() as session:
        assert order_search.problems(session) == {"unknown_plan": 2}


def test_a_list_never_reads_contracts_and_asks_three_times_at_most(ada: Database) -> None:
    asked: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(ada.engine, "before_cursor_execute", hear)
    try:
        found(ada, "a", "completed")
        found(ada, "a")
        found(ada)
    finally:
        event.remove(ada.engine, "before_cursor_execute", hear)
    asked = [statement for statement in asked if statement.startswith("SELECT")]
    assert len(asked) == 3 * 2
    assert not [statement for statement in asked if "contract" in statement]


def test_the_states_are_counted(ada: Database) -> None:
    an_order(ada, "UIA-4", state=OrderState.WAITING)

    with ada.read() as session:
        assert order_search.counts(session) == {"completed": 3, "waiting": 1}
        assert session.scalar(select(func.count()).select_from(OrderSearch)) == 4
