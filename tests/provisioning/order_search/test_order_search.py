"""Orders are found by any piece of what staff know of them, and by nothing else."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.models import OrderSearch
from app.provisioning import order_search
from app.storage.database import Database
from app.wording.fact_labels import LABELS
from app.wording.spelling import folded
from powercode import customer_page
from tests.provisioning.order_search.searched_orders import an_order, empty, found

LETTERS = st.characters(categories=("Lu", "Ll")).filter(lambda letter: folded(folded(letter)).isalpha())
NAMES = st.text(LETTERS, min_size=1, max_size=12)


@pytest.mark.parametrize(
    "text",
    [
        "UIA202411-001186",
        "uia202411",
        "001186",
        "ada",
        "ADA LÍNDSTRÖM",
        "lindstrom",
        "strom ada",
        "example avenue",
        "12 n example apt 4",
        "bozeman",
        "59715",
        "ada.lind@example.com",
        "2345",
        "98765",
        "Líndström,",
        "12 N EXAMPLE AVENUE APT 4, Bozeman MT 59715",
        "12 North Example Ave. #4",
        "Example Av",
        "Montana",
        "(UIA202411-001186)",
        "uia202411001186",
        "<ada.lind@example.com>,",
        "Ada Líndström, 12 N EXAMPLE AVENUE",
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


def test_an_order_that_nothing_was_done_for_yet_is_found_by_its_reference(database: Database) -> None:
    an_order(database, "UIA-fresh", state="received", kept=False)

    assert found(database, "uia-FRESH") == ["UIA-fresh"]
    assert found(database, "fresh", "received") == ["UIA-fresh"]
    assert found(database, "fresh", "completed") == []


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
            assert order_search.order_called(session, text) == "UIA202411-001186", text
        for text in ("UIA202411", "001186", "", "ada"):
            assert order_search.order_called(session, text) is None, text
        page = order_search.find(session, order_search.Wanted("uia202411001186"))
        assert order_search.called_among(page.orders, "uia202411001186") == "UIA202411-001186"
        assert order_search.called_among(page.orders, "uia2024") is None


@pytest.mark.long
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
        page = order_search.find(session, order_search.Wanted(piece))
    begins = len(piece) < 3 and piece.isascii()
    having = [number for number, line in words.items() if (f" {piece}" if begins else piece) in line]
    assert [each.id for each in page.orders] == sorted(having, reverse=True)
    assert page.orders
