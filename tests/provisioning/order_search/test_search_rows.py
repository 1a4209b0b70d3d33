"""What the search keeps of each order: short, made anew when it changed, with the pieces of its words."""

import pytest
from sqlalchemy import update

from app.models import Order, OrderSearch
from app.provisioning import order_search, order_search_rows
from app.provisioning.order_search_words import line_of, pieces_of
from app.storage.database import Database
from tests.provisioning.order_search.searched_orders import an_order, found


def test_orders_from_before_the_search_become_findable(database: Database) -> None:
    an_order(database, "UIA-1", kept=False, first_name="Ada")
    an_order(database, "UIA-2", kept=False, state="not_ours")
    an_order(database, "UIA-3", kept=False, state="received")

    assert order_search_rows.backfill(database) == 2  # a new order comes with its row
    assert order_search_rows.backfill(database) == 0
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
        session.flush()
        session.execute(update(OrderSearch).values(pieces_1=-1, pieces_2=-1, pieces_3=-1, pieces_4=-1))

    assert order_search_rows.backfill(database) == 2
    assert order_search_rows.backfill(database) == 0
    assert found(database, "12 oak st apt 4") == ["UIA-1"]
    for text in ("ole@example.com", "(406) 555-0127", "12 elm st.", "uia2", "1001"):
        assert found(database, text) == ["UIA-2"], text


def test_words_have_their_pieces_beside_them_and_rows_without_get_them(database: Database) -> None:
    number = an_order(database, "UIA-1", first_name="Ada", street="12 OAK STREET")
    with database.write() as session:
        row = session.get_one(OrderSearch, number)
        words, kept = row.words, order_search_rows.pieces_in(row.words)
        assert {name: getattr(row, name) for name in kept} == kept
        session.execute(update(OrderSearch).values(pieces_1=-1, pieces_2=-1, pieces_3=-1, pieces_4=-1))

    assert found(database, "ada oak") == ["UIA-1"]
    assert order_search_rows.backfill(database) == 1
    assert order_search_rows.backfill(database) == 0
    with database.write() as session:
        row = session.get_one(OrderSearch, number)
        assert (row.words, {name: getattr(row, name) for name in kept}) == (words, kept)
        order_search_rows.keep_note(session, number, "asks for a later day")
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
    monkeypatch.setattr(order_search, "BATCH", 3)
    for number in range(8):
        an_order(database, f"UIA-{number}", kept=False)

    assert order_search_rows.backfill(database) == 8


def test_a_changed_order_is_found_by_its_new_values_only(database: Database) -> None:
    number = an_order(database, "UIA-1", first_name="Ada", customer_id="1001")
    with database.write() as session:
        order = session.get_one(Order, number)
        order.corrections, order.customer_id, order.ticket_id = {"first_name": "Grace"}, "1002", "77"
        order_search_rows.keep(session, order)

    assert found(database, "grace 1002 77") == ["UIA-1"]
    assert found(database, "ada") == []


def test_an_endless_name_is_kept_short(database: Database) -> None:
    number = an_order(database, "UIA-1", first_name="x" * 10_000, street="y" * 10_000, email="z" * 10_000)

    with database.read() as session:
        row = session.get_one(OrderSearch, number)
        assert len(row.words) < 1_500
        assert len(row.person) <= order_search_rows.LONGEST_TEXT
