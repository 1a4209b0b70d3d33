"""What is reported, to whom, and what is set aside; the old utility's faults are tested by their number."""

from datetime import date
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.digest.closings import group_by_customer
from app.digest.first_look import PassedOver
from app.digest.report.cells import Cell, CellFault
from app.digest.report.columns import ReportRow
from app.digest.selection import Selection, judge
from tests.digest.made_rows import SINCE, TODAY, a_row, only_reason, select

DAY = date(2026, 11, 14)


def tickets_by_address(selection: Selection) -> dict[str, list[str]]:
    return {digest.email: [c.ticket for c in digest.tickets] for digest in group_by_customer(selection.closings)}


# The seven faults of the utility in use (reference: the weekly ticket report); the seventh is delivery's.


def test_no_customer_reads_the_tickets_of_the_customers_before_them() -> None:
    rows = [a_row(n, email=f"c{n}@example.com", ticket=f"TM-{n}") for n in range(2, 30)]
    assert tickets_by_address(select(*rows)) == {f"c{n}@example.com": [f"TM-{n}"] for n in range(2, 30)}


def test_two_people_of_one_name_are_two_customers() -> None:
    selection = select(a_row(2, email="a1@example.com", ticket="TM-1"), a_row(3, email="a2@example.com", ticket="TM-2"))
    assert tickets_by_address(selection) == {"a1@example.com": ["TM-1"], "a2@example.com": ["TM-2"]}


def test_one_address_in_two_spellings_is_one_customer() -> None:
    selection = select(
        a_row(2, email=" Ada.Lind@Example.com", ticket="TM-1"), a_row(3, first_name="ADA", ticket="TM-2")
    )
    (digest,) = group_by_customer(selection.closings)
    assert [closing.ticket for closing in digest.tickets] == ["TM-1", "TM-2"]


@pytest.mark.parametrize(
    ("written", "since", "reported"),
    [
        ("02/10/2026", date(2026, 2, 10), True),
        ("02/10/2026", date(2026, 10, 3), False),
        ("12/05/2026", date(2026, 5, 12), True),
        ("12/05/2026", date(2026, 5, 13), False),
    ],
)
def test_a_day_up_to_the_twelfth_is_never_read_month_first(written: str, since: date, reported: bool) -> None:
    assert bool(select(a_row(date=written), since=since).closings) is reported


def test_a_ticket_closed_later_on_the_day_of_the_last_run_is_reported() -> None:
    first = select(a_row(2, ticket="TM-1", date="09/11/2026"), today=SINCE)
    later = select(
        a_row(2, ticket="TM-1", date="09/11/2026"),
        a_row(3, ticket="TM-2", date="09/11/2026"),
        already_reported={closing.key for closing in first.closings},
    )
    assert [closing.ticket for closing in later.closings] == ["TM-2"]
    assert later.already_reported == 1


def test_one_unreadable_row_does_not_stop_the_others() -> None:
    rows = [a_row(2, date="soon"), a_row(3, last_name="", ticket="TM-3"), a_row(4, email="", ticket="TM-4"), a_row(5)]
    selection = select(*rows)
    assert sorted(closing.row for closing in selection.closings) == [3, 5]
    assert [aside.row for aside in selection.set_aside] == [2, 4]


# The window and what is news


@pytest.mark.parametrize("status", ["closed", "CLOSED", "  Closed ", "clo\u200bsed", "Closed\n"])
def test_closed_is_recognised_in_any_case_and_with_stray_blanks(status: str) -> None:
    assert select(a_row(status=status)).closings


@pytest.mark.parametrize("status", ["Open", "", "Not closed", "Closed?", "Reopened", date(2026, 11, 14), "Closed" * 99])
def test_what_is_not_closed_is_passed_over_even_with_a_bad_date(status: Cell) -> None:
    selection = select(a_row(status=status, date="31/02/2026", email=""))
    assert (len(selection.closings), selection.set_aside, selection.rows_read) == (0, (), 1)


def test_blank_rows_are_passed_over() -> None:
    selection = select(ReportRow(2, "", "", "", "", "", ""), ReportRow(3, " ", "\t", "", "", " ", ""), a_row(4))
    assert [closing.row for closing in selection.closings] == [4]
    assert not selection.set_aside


def test_the_first_and_the_last_day_of_the_window_count() -> None:
    rows = [
        a_row(2, ticket="before", date="08/11/2026"),
        a_row(3, ticket="first", date="09/11/2026"),
        a_row(4, ticket="last", date="16/11/2026"),
    ]
    assert [closing.ticket for closing in select(*rows).closings] == ["first", "last"]


def test_a_row_before_the_window_is_passed_over_whatever_else_is_wrong() -> None:
    assert not select(a_row(date="08/11/2026", email="", ticket="")).set_aside


def test_a_ticket_entered_a_month_late_is_still_reported() -> None:
    selection = select(a_row(date="14/10/2026"), since=date(2026, 10, 1), already_reported={("tm-1", SINCE)})
    assert len(selection.closings) == 1


def test_a_ticket_listed_twice_is_reported_once() -> None:
    selection = select(a_row(2), a_row(3), a_row(4, ticket=" tm-20391 ", email="ADA.LIND@example.com"))
    assert [closing.row for closing in selection.closings] == [2]
    assert selection.repeated == 2


def test_a_ticket_closed_again_after_a_reopening_is_news() -> None:
    (first,) = select(a_row(date="10/11/2026")).closings
    again = select(a_row(2, date="10/11/2026"), a_row(3, date="15/11/2026"), already_reported={first.key})
    assert [closing.closed_on for closing in again.closings] == [date(2026, 11, 15)]


def test_a_reported_ticket_does_not_come_back_when_its_address_is_edited() -> None:
    reported = {("tm-20391", date(2026, 11, 14))}
    selection = select(a_row(2, email="other@example.com"), a_row(3, email="broken"), already_reported=reported)
    assert (len(selection.closings), selection.set_aside, selection.already_reported) == (0, (), 2)


def test_a_date_in_the_future_waits_and_is_reported_once_its_day_has_come() -> None:
    row = a_row(date="17/11/2026")
    assert only_reason(select(row)) == (CellFault.FUTURE, "the date 17/11/2026 is in the future")
    assert select(row, today=date(2026, 11, 17)).closings


def test_a_real_date_and_its_text_are_the_same_closing() -> None:
    selection = select(a_row(2, date=date(2026, 11, 14)), a_row(3, date="14/11/2026"), a_row(4, date="2026-11-14"))
    assert (len(selection.closings), selection.repeated) == (1, 2)


# Texts


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x.example.com","TM-1")', "<b>TM-1</b>", "TM-1 & 2", "TM/ü-1"])
def test_formulas_and_html_stay_the_text_they_are(text: str) -> None:
    (closing,) = select(a_row(ticket=text, first_name=text)).closings
    assert (closing.ticket, closing.first_name) == (text, text)


def test_line_breaks_and_unseen_characters_in_names_and_tickets_collapse() -> None:
    (closing,) = select(
        a_row(first_name="Ada\r\nBcc: eve", last_name="\u202eLind\x00 ", ticket="TM-\n1\u200b")
    ).closings
    assert (closing.first_name, closing.last_name, closing.ticket) == ("Ada Bcc: eve", "Lind", "TM- 1")


def test_closings_come_back_as_they_were_kept() -> None:
    rows = [
        a_row(2, ticket="tm-1/ß", email="Ada.Lind@Example.com", last_name=""),
        a_row(3, ticket="TM-2", first_name=""),
        a_row(1_048_576, ticket="\u0130-3", email="ada.lind@example.com", date="31/12/2025"),
    ]
    kept = [tuple(closing) for closing in select(*rows, since=date(2025, 1, 1)).closings]
    assert kept == [
        ("\u0130-3", date(2025, 12, 31), "ada.lind@example.com", "ada.lind@example.com", "Ada", "Lind", 1_048_576),
        ("tm-1/ß", date(2026, 11, 14), "Ada.Lind@Example.com", "ada.lind@example.com", "Ada", "", 2),
        ("TM-2", date(2026, 11, 14), "ada.lind@example.com", "ada.lind@example.com", "", "Lind", 3),
    ]


odd_names = st.sampled_from(
    [
        "Ada",
        "nan",
        "None",
        "Nan",
        "nancy",
        "Ada2",
        "O'Brien",
        "'Ada",
        "Mary Ann",
        "Mary  Ann",
        "Ada ",
        "",
        "a\tb",
        "a\nb",
        "x" * 90,
    ]
)
odd_tickets = st.sampled_from(
    ["TM-1", "tm1", "20391", "20391.0", "1e5", "E5", "-5", "", "ß1", "\u212a-1", "TM_1", "TMA1", date(2026, 11, 14)]
)
odd_addresses = st.sampled_from(
    [
        "a@example.com",
        "A@example.com",
        "a.b-c@x.y.com",
        "_a@x.co",
        "a..b@x.com",
        ".a@x.com",
        "a.@x.com",
        "a@b",
        "a@example.c0m",
        "a@x-y.com",
        "a @x.com",
        "a@x.com;b@x.com",
        "a@x..com",
        "x" * 65 + "@x.com",
        "",
        "x" * 64 + "@x.com",
        "a.b.c@x.com",
        "ok\nada@x.com",
        "a@x.com\t5",
        f"{'x' * 63}@{('l' * 60 + '.') * 3}com",
        "a@" + "l" * 64 + ".com",
    ]
)


@given(odd_names, odd_names, odd_addresses, odd_tickets, st.sampled_from(["Closed", "CLOSED ", "Open"]))
def test_a_row_that_is_judged_at_one_look_is_judged_as_any_other(
    first: str, last: str, email: str, ticket: Cell, status: str
) -> None:
    row, reported = a_row(first_name=first, last_name=last, email=email, ticket=ticket, status=status), {("tm1", DAY)}
    selection = select(row, already_reported=reported)
    alone = judge(row, DAY, SINCE, TODAY, reported)
    assert [*selection.closings, *selection.set_aside] == ([] if isinstance(alone, PassedOver) else [alone])
    counts = [selection.not_closed, selection.already_reported]
    assert counts == [alone is PassedOver.NOT_CLOSED, alone is PassedOver.REPORTED]


odd_rows = st.builds(
    a_row, first_name=odd_names, last_name=odd_names, email=odd_addresses, ticket=odd_tickets, status=st.just("closed")
)


@given(st.lists(odd_rows, min_size=2, max_size=8))
def test_rows_that_are_judged_together_are_judged_as_each_alone(rows: list[ReportRow]) -> None:
    numbered = [
        row._replace(number=number, date=f"{9 + number}/11/2026") for number, row in enumerate(rows[:6], start=1)
    ]
    alone = [select(row) for row in numbered]
    together = select(*numbered)
    assert sorted(together.closings, key=attrgetter("row")) == [one for found in alone for one in found.closings]
    assert [*together.set_aside] == [one for found in alone for one in found.set_aside]
