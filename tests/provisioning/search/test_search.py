"""Orders are found by any piece of what staff know of them, and by nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, make_url, select, update

from app.models import Base, Order, OrderSearch, OrderState
from app.provisioning import search
from app.provisioning.search_words import line_of, pieces_of
from app.storage.database import Database
from app.wording.labels import LABELS
from app.wording.spelling import folded
from powercode import customer_page
from utopia import Address, Contract, OrderItem, Person

LETTERS = st.characters(categories=("Lu", "Ll")).filter(lambda letter: folded(folded(letter)).isalpha())
NAMES = st.text(LETTERS, min_size=1, max_size=12)


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
    place = {
        name.removesuffix("_code"): values.pop(name)
        for name in ("street", "unit", "city", "state_code", "zip")
        if name in values
    }
    item = OrderItem(charge_type="mrc", description=values.pop("plan", "250 Mbps"))
    contract = Contract(customer=Person(**person), address=Address(**place), items=(item,))
    with database.write() as session:
        order = Order(orderref=orderref, state=state, contract=contract.to_dict(), **values)
        session.add(order)
        session.flush()
        if kept:
            search.keep(session, order)
        elif state == "received":
            search.keep_references(session.connection(), {orderref: order.id})
        return order.id


def found(database: Database, text: str = "", state: str | None = None, **wanted: Any) -> list[str]:
    with database.read() as session:
        page = search.find(session, search.Wanted(text, state, **wanted))
        return [each.orderref for each in page.orders]


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
        state_code="Montana",
        zip="59715",
        customer_id="2345",
        ticket_id="98765",
        site_id="714786",
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
        *("12 n example apt 4", "bozeman", "59715", "ada.lind@example.com", "2345", "98765", "Líndström,"),
        *("12 N EXAMPLE AVENUE APT 4, Bozeman MT 59715", "12 North Example Ave. #4", "Example Av", "Montana"),
        *("(UIA202411-001186)", "uia202411001186", "<ada.lind@example.com>,", "Ada Líndström, 12 N EXAMPLE AVENUE"),
        *(
            "4065550143",
            "406-555-0143",
            "406 555 0143",
            "(406)555-0143",
            "406/555/0143",
            "406 5550143",
            "1-406-555-0143",
            "+14065550143.",
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


LABELLED = {
    **dict.fromkeys(("order", "order_page"), "UIA202411-001186"),
    "person": "Ada Líndström",
    **dict.fromkeys(("plan", "plans"), "250 Mbps (PowerCode service 163), not known whether it was added"),
    "address": "12 N EXAMPLE AVENUE APT 4, Bozeman MT 59715",
    "mail": "ada.lind@example.com",
    "phone": "(406) 555-0143",
    "customer": "2345",
    "customer_page": customer_page("https://pc.example.com:444", "2345"),
    "ticket": "98765",
    "site": "714786",
    "theirs": "406.555.0143",
}


@pytest.mark.parametrize("between", [": ", ":              ", "\t"])
def test_an_order_is_found_by_each_labelled_line_of_a_mail_or_page(ada: Database, between: str) -> None:
    for label, words in LABELS.items():
        line = f"{words}{between}{LABELLED[label]}"
        expected = ["UIA-3", "UIA202411-001186", "UIA-1"] if "plan" in label else ["UIA202411-001186"]
        assert found(ada, line) == expected, line
    assert "UIA202411-001186" in found(ada, "Plan: 250 Mbps (unknown)")


@pytest.mark.parametrize(
    "line",
    [
        "Account created: Ada Lindt, 12 N EXAMPLE AVENUE APT 4, Bozeman MT 59715 (UIA202411-001186)",
        "Needs you: PowerCode refused the plan 250 Mbps, order UIA202411-001186, Ada Lind",
        "Contract still missing for Ada (UIA202411-001186)",
        "Order UIA202411-001186, Ada Lind – Fiber orders",
        "Order's page: http://orders.example.com/console/orders/UIA202411-001186",
        "- UIA202411-001186, Ada Lind",
        "PowerCode customer 2345",
        "customer 2345",
        "Ticket 98765",
        "Customer’s page: https://pc.example.com/index.php?q&customerid=2345",
    ],
)
def test_an_order_is_found_by_a_subject_a_title_and_an_address(ada: Database, line: str) -> None:
    assert found(ada, line) == ["UIA202411-001186"]


def test_a_label_alone_is_a_word_like_any_other(database: Database) -> None:
    an_order(database, "UIA-1", last_name="Ticket")
    an_order(database, "UIA-2", last_name="Berg")

    for text in ("ticket", "Ticket:"):
        assert found(database, text) == ["UIA-1"], text
    assert found(database, "Person: Ticket") == ["UIA-1"]
    assert found(database, "Ticket Berg") == []


@pytest.mark.parametrize(
    "text",
    [
        "ada berg",
        "%",
        "_",
        "?!",
        "12 apt 5",
        "1 n example",
        "23",
        "x%d",
        "'",
        "\\",
        "ada; drop table orders",
        "250 gbps",
        "\x00ole x",
    ],
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


NAMES_OF_THE_FIELD = {
    "street": ("7 NEW STREET", "", "7 NEW STREET, Bozeman MT 59715"),
    "a bare unit": ("12 OAK STREET", "4", "12 OAK STREET APT 4"),
    "an abbreviation": ("12 OAK STREET", "", "Oak St."),
    "a word in full": ("12 OAK ST", "", "oak street"),
    "a direction": ("350 N 200 W", "", "350 North 200 West"),
}


@pytest.mark.parametrize(("street", "unit", "text"), NAMES_OF_THE_FIELD.values(), ids=NAMES_OF_THE_FIELD)
def test_an_address_is_found_as_pages_and_mails_show_it_and_as_people_say_it(
    database: Database, street: str, unit: str, text: str
) -> None:
    an_order(database, "UIA-1", first_name="Ole", last_name="Berg", street="9 ELM LANE", city="Havre", zip="59501")
    an_order(database, "UIA-2", street=street, unit=unit, city="Bozeman", state_code="Montana", zip="59715")

    assert found(database, text) == ["UIA-2"]


def test_plans_and_a_name_with_a_comma_and_sites_are_found(database: Database) -> None:
    an_order(database, "UIA-1", last_name="Berg", plan="2.5 Gbps", site_id="714701")
    an_order(database, "UIA-2", last_name="Moe")

    for text in ("Berg,", "2.5 Gbps", "2.5 GBPS", "714701", "berg 2.5"):
        assert found(database, text) == ["UIA-1"], text


def test_a_number_of_a_foreign_country_is_found(database: Database) -> None:
    an_order(database, "UIA-1", phone="+47 22 55 01 43")

    an_order(database, "UIA-2", phone="+44 207 946 0958")

    assert found(database, "+47 (22) 55-01-43") == ["UIA-1"]
    assert found(database, "+44 207-946-0958") == ["UIA-2"]


def test_an_order_is_called_by_its_whole_reference_only(ada: Database) -> None:
    with ada.read() as session:
        for text in ("UIA202411-001186", "uia202411-001186", " (UIA202411-001186), "):
            assert search.order_called(session, text) == "UIA202411-001186", text
        for text in ("UIA202411", "001186", "", "ada"):
            assert search.order_called(session, text) is None, text
        page = search.find(session, search.Wanted("uia202411001186"))
        assert search.called_among(page.orders, "uia202411001186") == "UIA202411-001186"
        assert search.called_among(page.orders, "uia2024") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(people=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=5), data=st.data())
def test_any_piece_of_a_name_finds_all_who_have_it(shared: Database, people: list[Any], data: Any) -> None:
    """Three letters may stand anywhere; one or two of the alphabet begin a word."""
    empty(shared)
    for number, (first, last) in enumerate(people):
        an_order(shared, f"{number:05}", first_name=first, last_name=last)
    name = folded(folded(data.draw(st.sampled_from(people))[1]))
    start = data.draw(st.integers(0, len(name) - 1)) if len(name) > 2 else 0
    piece = name[start : data.draw(st.integers(min(start + 3, len(name)), len(name)))]
    if len(piece) < 3 and start:
        piece = name[:3]

    with shared.read() as session:
        words = dict(session.execute(select(OrderSearch.order_id, OrderSearch.words)).all())
        page = search.find(session, search.Wanted(piece))
    having = [number for number, line in words.items() if (piece if len(piece) > 2 else f" {piece}") in line]
    assert [each.id for each in page.orders] == sorted(having, reverse=True)
    assert page.orders


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
    wanted = search.Wanted(text, state)

    with shared.read() as session:
        pages = [search.find(session, wanted, limit=limit)]
        while pages[-1].more:
            pages.append(search.find(session, wanted, len(pages) + 1, limit=limit))
        everything = search.all_of(session, wanted)
    assert [each.orderref for page in pages for each in page.orders] == matching
    assert [each.id for page in pages for each in page.orders] == list(everything)
    assert {(page.total, page.counted) for page in pages} == {(len(matching), True)}
    assert len(pages) == max(1, -(-len(matching) // limit))


def test_a_page_after_the_last_is_empty_and_knows_how_many_there_are(ada: Database) -> None:
    with ada.read() as session:
        page = search.find(session, page=9)
    assert (page.orders, page.total, page.more) == ([], 3, False)


def test_counting_stops_where_nobody_needs_the_number(ada: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_COUNTED", 2)
    with ada.read() as session:
        page = search.find(session, search.Wanted("uia"), limit=1)
        assert (page.total, page.counted) == (2, False)
        page = search.find(session, search.Wanted(), limit=1)
        assert (page.total, page.counted) == (3, True)


def test_orders_are_sorted_by_what_was_asked_for(database: Database) -> None:
    an_order(database, "UIA-2", first_name="Ada", plan="1 Gbps", state="waiting")
    an_order(database, "UIA-1", first_name="Ole", plan="250 Mbps", state="completed")
    an_order(database, "UIA-3", first_name="Grace", plan="1 Gbps", state="completed")

    def sorted_by(sort: str, **wanted: Any) -> list[str]:
        return [each[-1] for each in found(database, sort=search.Sort(sort), descending=False, **wanted)]

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
        assert search.problems(session) == {"unknown_plan": 2}


def test_orders_from_before_the_search_become_findable(database: Database) -> None:
    an_order(database, "UIA-1", kept=False, first_name="Ada")
    an_order(database, "UIA-2", kept=False, state="not_ours")
    an_order(database, "UIA-3", kept=False, state="received")

    assert search.backfill(database) == 2  # a new order comes with its row
    assert search.backfill(database) == 0
    assert found(database, "ada") == ["UIA-1"]
    assert found(database, "uia") == ["UIA-3", "UIA-2", "UIA-1"]


def test_what_a_former_version_kept_is_made_anew(database: Database) -> None:
    number = an_order(database, "UIA-1", street="12 OAK STREET", unit="4")
    pruned = an_order(database, "UIA-2", first_name="Ole", email="ole@example.com", phone="4065550127")
    with database.write() as session:
        old = "uia-2 ole lind 4065550127 +1 (406) 555-0127 ole@example.com 1001 12 elm street"
        session.get_one(OrderSearch, number).words = "uia-1 12 oak street 4"
        row = session.get_one(OrderSearch, pruned)
        row.words, row.address = old, "12 ELM STREET"
        session.get_one(Order, pruned).contract = None

    assert search.backfill(database) == 2
    assert search.backfill(database) == 0
    assert found(database, "12 oak st apt 4") == ["UIA-1"]
    for text in ("ole@example.com", "(406) 555-0127", "12 elm st.", "uia2", "1001"):
        assert found(database, text) == ["UIA-2"], text


def test_words_have_their_pieces_beside_them_and_rows_without_get_them(database: Database) -> None:
    number = an_order(database, "UIA-1", first_name="Ada", street="12 OAK STREET")
    with database.write() as session:
        row = session.get_one(OrderSearch, number)
        words, kept = row.words, search.pieces_in(row.words)
        assert {name: getattr(row, name) for name in kept} == kept
        session.execute(update(OrderSearch).values(pieces_1=-1, pieces_2=-1, pieces_3=-1, pieces_4=-1))

    assert found(database, "ada oak") == ["UIA-1"]
    assert search.backfill(database) == 1
    assert search.backfill(database) == 0
    with database.write() as session:
        row = session.get_one(OrderSearch, number)
        assert (row.words, {name: getattr(row, name) for name in kept}) == (words, kept)
        search.keep_note(session, number, "asks for a later day")
    assert found(database, "later ada") == ["UIA-1"]


ODD = ["ada", "12 oak", "0127", " st ", "straße", "名前は", "@example.com", "\ud800\ud801x", ""]


def rules_out(line: str, text: str) -> bool:
    """Whether the pieces of a line show that it has not this text in it."""
    return any(here & there != here for here, there in zip(pieces_of(text), pieces_of(line), strict=True))


@pytest.mark.parametrize("text", ODD)
def test_a_line_has_the_pieces_of_all_that_is_in_it(text: str) -> None:
    for line in (text, f"uia-1 {text} and more", f"4065550{text}9"):
        assert not rules_out(line, text)
        assert all(-(2**63) <= number < 2**63 for number in pieces_of(line))


def test_most_lines_are_ruled_out_by_their_pieces() -> None:
    lines = [
        line_of(texts=["Ada Lind", str(4065550000 + number)], mail=f"{number}@example.com") for number in range(500)
    ]

    assert sum(rules_out(line, "0123") for line in lines) > 400


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
    assert len(asked) == 3 * 2
    assert not [statement for statement in asked if "contract" in statement]


def test_the_states_are_counted(ada: Database) -> None:
    an_order(ada, "UIA-4", state=OrderState.WAITING)

    with ada.read() as session:
        assert search.counts(session) == {"completed": 3, "waiting": 1}
        assert session.scalar(select(func.count()).select_from(OrderSearch)) == 4
