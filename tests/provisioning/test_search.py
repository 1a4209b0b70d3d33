"""Orders are found by any piece of what staff know of them, and by nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, make_url, select

from app.models import Base, Order, OrderSearch, OrderState
from app.provisioning import search
from app.storage.database import Database
from utopia import Address, Contract, OrderItem, Person

NAMES = st.text(st.characters(whitelist_categories=("Lu", "Ll", "Nd")), min_size=1, max_size=12)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("search")
    url = f"sqlite:///{folder}/orders.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_url")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'create database "{folder.name}"')
        address = make_url(server).set(drivername="postgresql+psycopg", database=folder.name)
        url = address.render_as_string(hide_password=False)
    database = Database(url)
    Base.metadata.create_all(database.engine)
    yield database
    database.dispose()


@pytest.fixture
def database(shared: Database) -> Database:
    empty(shared)
    return shared


def empty(database: Database) -> None:
    with database.write() as session:
        session.execute(delete(Order))
        session.execute(delete(OrderSearch))


def an_order(database: Database, orderref: str, *, kept: bool = True, state: str = "completed", **values: Any) -> int:
    person = {name: values.pop(name) for name in ("first_name", "last_name", "email", "phone") if name in values}
    place = {name: values.pop(name) for name in ("street", "unit", "city", "zip") if name in values}
    item = OrderItem(charge_type="mrc", description="250 Mbps")
    contract = Contract(customer=Person(**person), address=Address(**place), items=(item,))
    with database.write() as session:
        order = Order(orderref=orderref, state=state, contract=contract.to_dict(), **values)
        session.add(order)
        session.flush()
        if kept:
            search.keep(session, order)
        return order.id


def found(database: Database, text: str = "", state: str | None = None, **options: Any) -> list[str]:
    with database.read() as session:
        return [each.orderref for each in search.find(session, text, state, **options).orders]


@pytest.fixture
def ada(database: Database) -> Database:
    """Ada's order among others."""
    an_order(database, "UIA-1", first_name="Grace", last_name="Moe", customer_id="1001", street="1 OAK STREET")
    an_order(
        database,
        "UIA202411-001186",
        first_name="Ada",
        last_name="Líndström",
        email="ada.lind@example.com",
        phone="4065550143",
        street="12 N EXAMPLE AVENUE",
        unit="APT 4",
        city="Bozeman",
        zip="59715",
        customer_id="2345",
        ticket_id="98765",
    )
    an_order(database, "UIA-3", first_name="Ole", last_name="Berg", customer_id="1003")
    return database


@pytest.mark.parametrize(
    "text",
    [
        *(
            "UIA202411-001186",
            "uia202411",
            "001186",
            "ada",
            "ADA LÍNDSTRÖM",
            "lindstrom",
            "strom ada",
            "example avenue",
        ),
        *("12 n example apt 4", "bozeman", "59715", "ada.lind@example.com", "2345", "98765"),
        *(
            "4065550143",
            "406-555-0143",
            "(406) 555-0143",
            "+1 (406) 555-0143",
            "406.555.0143",
            "14065550143",
            "555-0143",
        ),
    ],
)
def test_an_order_is_found_by_what_staff_know_of_it(ada: Database, text: str) -> None:
    assert found(ada, text) == ["UIA202411-001186"]


@pytest.mark.parametrize(
    "text", ["ada berg", "%", "_", "a%a", "'", "\\", "ada; drop table orders", "250 gbps", "\x00ole x"]
)
def test_what_no_order_has_finds_none(ada: Database, text: str) -> None:
    assert found(ada, text) == []


def test_an_empty_search_shows_all_with_the_newest_first(ada: Database) -> None:
    assert found(ada, "  ") == ["UIA-3", "UIA202411-001186", "UIA-1"]


def test_an_order_that_nothing_was_done_for_yet_is_found_by_its_reference(database: Database) -> None:
    an_order(database, "UIA-fresh", state="received", kept=False)

    assert found(database, "uia-FRESH") == ["UIA-fresh"]
    assert found(database, "fresh", "received") == ["UIA-fresh"]
    assert found(database, "fresh", "completed") == []


def test_an_order_at_work_is_listed_once(database: Database) -> None:
    an_order(database, "UIA-1", state="running", first_name="Ada")

    assert found(database, "uia-1") == ["UIA-1"]
    assert found(database, "uia ada", "running") == ["UIA-1"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(people=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=5), data=st.data())
def test_any_piece_of_a_name_finds_exactly_those_who_have_it(shared: Database, people: list[Any], data: Any) -> None:
    empty(shared)
    for number, (first, last) in enumerate(people):
        an_order(shared, f"{number:05}", first_name=first, last_name=last)
    name = search.casefolded(data.draw(st.sampled_from(people))[1])
    start = data.draw(st.integers(0, len(name) - 1))
    piece = name[start : data.draw(st.integers(start + 1, len(name)))]

    with shared.read() as session:
        rows = dict(session.execute(select(OrderSearch.order_id, OrderSearch.words)).all())
        page = search.find(session, piece)
    assert [each.id for each in page.orders] == sorted(
        (number for number, words in rows.items() if search.casefolded(piece) in words), reverse=True
    )
    assert page.orders


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(states=st.lists(st.sampled_from(["completed", "waiting", "received"]), max_size=23), limit=st.integers(1, 7))
@pytest.mark.parametrize(("text", "state"), [("", None), ("uia", None), ("", "waiting"), ("uia", "received")])
def test_walking_the_pages_shows_each_order_once_in_both_directions(
    shared: Database, states: list[str], limit: int, text: str, state: str | None
) -> None:
    empty(shared)
    for number, each in enumerate(states):
        an_order(shared, f"UIA-{number:03}", state=each, kept=each != "received")
    wanted = [f"UIA-{number:03}" for number, each in enumerate(states) if state in (None, each)][::-1]

    with shared.read() as session:
        pages = [search.find(session, text, state, limit=limit)]
        while pages[-1].older:
            pages.append(search.find(session, text, state, before=pages[-1].orders[-1].id, limit=limit))
        back = [pages[-1]]
        while back[-1].newer and back[-1].orders:
            back.append(search.find(session, text, state, after=back[-1].orders[0].id, limit=limit))
    assert [each.orderref for page in pages for each in page.orders] == wanted
    assert [each.orderref for page in reversed(back) for each in page.orders if page.orders] == wanted
    assert len(pages) == max(1, -(-len(wanted) // limit))


def test_orders_from_before_the_search_become_findable(database: Database) -> None:
    an_order(database, "UIA-1", kept=False, first_name="Ada")
    an_order(database, "UIA-2", kept=False, state="not_ours")
    an_order(database, "UIA-3", kept=False, state="received")

    assert search.backfill(database) == 2
    assert search.backfill(database) == 0
    assert found(database, "ada") == ["UIA-1"]
    assert found(database, "uia") == ["UIA-3", "UIA-2", "UIA-1"]


def test_many_orders_are_made_findable_in_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "BATCH", 3)
    for number in range(8):
        an_order(database, f"UIA-{number}", kept=False)

    assert search.backfill(database) == 8


def test_a_changed_order_is_found_by_its_new_values_only(database: Database) -> None:
    number = an_order(database, "UIA-1", first_name="Ada", customer_id="1001")
    with database.write() as session:
        order = session.get_one(Order, number)
        order.corrections, order.customer_id, order.ticket_id = {"first_name": "Grace"}, "1002", "77"
        search.keep(session, order)

    assert found(database, "grace 1002 77") == ["UIA-1"]
    assert found(database, "ada") == []


def test_an_endless_name_is_kept_short(database: Database) -> None:
    number = an_order(database, "UIA-1", first_name="x" * 10_000, street="y" * 10_000, email="z" * 10_000)

    with database.read() as session:
        row = session.get_one(OrderSearch, number)
        assert len(row.words) < 1_500
        assert len(row.person) <= search.LONGEST_TEXT


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
    assert len(asked) == 3 + 3 + 2
    assert not [statement for statement in asked if "contract" in statement]


def test_the_states_are_counted(ada: Database) -> None:
    an_order(ada, "UIA-4", state=OrderState.WAITING)

    with ada.read() as session:
        assert search.counts(session) == {"completed": 3, "waiting": 1}
        assert session.scalar(select(func.count()).select_from(OrderSearch)) == 4
