"""A customer's tickets put together: one digest each, under the name that they are called by."""

import gc
import random
from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.digest import sorted_lines
from app.digest.closings import CustomerDigest, full_name, group_by_customer
from app.digest.report.columns import ReportRow, ReportRows
from app.digest.report.errors import SourceUnreadable
from app.digest.selection import select_closings
from tests.digest.made_rows import SINCE, TODAY, a_row, select, together


def only(digests: Iterable[CustomerDigest]) -> CustomerDigest:
    (digest,) = digests
    return digest


# Grouping


@pytest.mark.long
def test_ten_thousand_tickets_of_one_customer_are_one_digest() -> None:
    rows = [a_row(number, ticket=f"TM-{number:05}") for number in range(2, 10_002)]
    random.Random(1).shuffle(rows)
    (digest,) = group_by_customer(select(*rows).closings)
    assert [closing.row for closing in digest.tickets] == list(range(2, 10_002))


def test_the_name_shown_is_the_most_frequent_spelling() -> None:
    rows = [a_row(n, ticket=f"TM-{n}", first_name=name) for n, name in enumerate(["Ada", "ada", "Ada", "A."], start=2)]
    assert only(group_by_customer(select(*rows).closings)).full_name == "Ada LIND"


def test_of_names_as_frequent_the_most_recent_is_shown() -> None:
    rows = [
        a_row(2, ticket="TM-1", date="15/11/2026", last_name="Berg"),
        a_row(3, ticket="TM-2", date="10/11/2026", last_name="Lind"),
    ]
    assert only(group_by_customer(select(*rows).closings)).full_name == "Ada BERG"


def test_a_missing_name_gives_way_to_any_name_and_then_to_the_address() -> None:
    nameless = [a_row(n, ticket=f"TM-{n}", first_name="", last_name="") for n in (2, 3)]
    named = a_row(4, ticket="TM-4", last_name="")
    assert only(group_by_customer(select(*nameless, named).closings)).full_name == "Ada"
    assert only(group_by_customer(select(*nameless).closings)).full_name == "ada.lind@example.com"


def test_the_full_name_is_written_as_the_webhook_knows_it() -> None:
    assert full_name("Ada", "Lind") == "Ada LIND"


addresses = st.sampled_from(["a@example.com", "A@Example.com", " b@example.com ", "c@example.com", "bad", ""])
report = st.lists(
    st.builds(
        lambda ticket, email, status, days: a_row(
            ticket=ticket, email=email, status=status, date=(SINCE + timedelta(days)).strftime("%d/%m/%Y")
        ),
        st.sampled_from(["TM-1", "tm-1", "TM-2", "TM-3", ""]),
        addresses,
        st.sampled_from(["Closed", "closed", "Open"]),
        st.integers(-1, 9),
    ),
    max_size=30,
).map(lambda rows: [row._replace(number=number) for number, row in enumerate(rows, start=2)])


@given(report)
def test_each_closing_goes_to_the_one_address_that_its_rows_name(rows: list[ReportRow]) -> None:
    selection = select(*rows)
    by_number = {row.number: row for row in rows}
    told = [(closing.key, digest) for digest in group_by_customer(selection.closings) for closing in digest.tickets]
    assert len({key for key, _ in told}) == len(told) == len(selection.closings)
    for digest in group_by_customer(selection.closings):
        assert {by_number[closing.row].email.strip().casefold() for closing in digest.tickets} == {digest.email_key}
    assert selection.rows_read == len(rows)


@given(report, st.randoms(use_true_random=False))
def test_the_same_closings_give_the_same_digests_in_any_order(rows: list[ReportRow], dice: random.Random) -> None:
    closings = list(select(*rows).closings)
    digests = list(group_by_customer(closings))
    dice.shuffle(closings)
    assert list(group_by_customer(closings)) == digests


def test_the_garbage_collector_is_back_on_even_when_the_report_breaks_off() -> None:
    def rows() -> Iterator[ReportRows]:
        yield together(a_row())
        raise SourceUnreadable("gone")

    with pytest.raises(SourceUnreadable):
        select_closings(rows(), since=SINCE, today=TODAY)
    assert gc.isenabled()
    assert len(list(group_by_customer(select(a_row()).closings))) == 1
    assert gc.isenabled()


def test_a_customers_tickets_come_by_day_and_number_and_customers_by_address() -> None:
    rows = [
        a_row(2, ticket="TM-9", date="12/11/2026", email="ad@example.com"),
        a_row(3, ticket="tm-2"),
        a_row(4, ticket="TM-1"),
        a_row(5, ticket="TM-3", date="10/11/2026"),
        a_row(6, ticket="TM-4", email="ad.a@example.com"),
    ]
    digests = list(group_by_customer(select(*rows).closings))
    assert [digest.email_key for digest in digests] == ["ad.a@example.com", "ad@example.com", "ada.lind@example.com"]
    assert [closing.ticket for closing in digests[2].tickets] == ["TM-3", "TM-1", "tm-2"]


def test_closings_of_a_long_report_come_in_order_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_lines, "A_RUN", 7)
    monkeypatch.setattr(sorted_lines, "A_PART", 3)
    rows = [a_row(n, ticket=f"TM-{n % 90}", email=f"c{n % 10}@example.com") for n in range(2, 202)]
    random.Random(1).shuffle(rows)
    selection = select(*rows)
    digests = list(group_by_customer(selection.closings))
    told = [(digest.email_key, closing.ticket) for digest in digests for closing in digest.tickets]
    assert (len(told), selection.repeated) == (90, 110)
    assert told == sorted({(row.email, row.ticket) for row in rows})
