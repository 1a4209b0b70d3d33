"""What is reported, to whom, and what is set aside; the old utility's faults are tested by their number."""

import gc
import random
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.digest import sorted_lines
from app.digest.closings import ClosingKey, CustomerDigest, full_name, group_by_customer
from app.digest.closures import PassedOver, Selection, judge, select_closures
from app.digest.report.cells import Cause, Cell
from app.digest.report.columns import ReportRow
from app.digest.report.unreadable import SourceUnreadable

TODAY = date(2026, 11, 16)
SINCE = date(2026, 11, 9)
DAY = date(2026, 11, 14)


def a_row(number: int = 2, **cells: Any) -> ReportRow:
    """A closed ticket of Ada's in the window, unless told otherwise."""
    usual = {
        "first_name": "Ada",
        "last_name": "Lind",
        "email": "ada.lind@example.com",
        "ticket": "TM-20391",
        "status": "Closed",
        "date": "14/11/2026",
    }
    return ReportRow(number, **(usual | cells))


def select(
    *rows: ReportRow, since: date = SINCE, today: date = TODAY, already_reported: Collection[ClosingKey] = frozenset()
) -> Selection:
    return select_closures(rows, since=since, today=today, already_reported=already_reported)


def tickets_by_address(selection: Selection) -> dict[str, list[str]]:
    return {digest.email: [c.ticket for c in digest.tickets] for digest in group_by_customer(selection.closures)}


def only(digests: Iterable[CustomerDigest]) -> CustomerDigest:
    (digest,) = digests
    return digest


def only_reason(selection: Selection) -> tuple[Cause, str]:
    (aside,) = selection.set_aside
    assert not selection.closures
    return aside.cause, aside.reason


# The seven faults of the utility in use (reference: the weekly ticket report); the seventh is delivery's.


def test_fault_1_no_customer_reads_the_tickets_of_the_customers_before_them() -> None:
    rows = [a_row(n, email=f"c{n}@example.com", ticket=f"TM-{n}") for n in range(2, 30)]
    assert tickets_by_address(select(*rows)) == {f"c{n}@example.com": [f"TM-{n}"] for n in range(2, 30)}


def test_fault_2_two_people_of_one_name_stay_two_customers() -> None:
    selection = select(a_row(2, email="a1@example.com", ticket="TM-1"), a_row(3, email="a2@example.com", ticket="TM-2"))
    assert tickets_by_address(selection) == {"a1@example.com": ["TM-1"], "a2@example.com": ["TM-2"]}


def test_fault_2_one_address_in_two_spellings_is_one_customer() -> None:
    selection = select(
        a_row(2, email=" Ada.Lind@Example.com", ticket="TM-1"), a_row(3, first_name="ADA", ticket="TM-2")
    )
    (digest,) = group_by_customer(selection.closures)
    assert [closure.ticket for closure in digest.tickets] == ["TM-1", "TM-2"]


@pytest.mark.parametrize(
    ("written", "since", "reported"),
    [
        ("02/10/2026", date(2026, 2, 10), True),
        ("02/10/2026", date(2026, 10, 3), False),
        ("12/05/2026", date(2026, 5, 12), True),
        ("12/05/2026", date(2026, 5, 13), False),
    ],
)
def test_fault_3_a_day_up_to_the_twelfth_is_never_read_month_first(written: str, since: date, reported: bool) -> None:
    assert bool(select(a_row(date=written), since=since).closures) is reported


def test_fault_4_a_ticket_closed_on_the_day_of_the_last_run_after_it_is_reported() -> None:
    first = select(a_row(2, ticket="TM-1", date="09/11/2026"), today=SINCE)
    later = select(
        a_row(2, ticket="TM-1", date="09/11/2026"),
        a_row(3, ticket="TM-2", date="09/11/2026"),
        already_reported={closure.key for closure in first.closures},
    )
    assert [closure.ticket for closure in later.closures] == ["TM-2"]
    assert later.already_reported == 1


def test_fault_6_one_unreadable_row_does_not_stop_the_others() -> None:
    rows = [a_row(2, date="soon"), a_row(3, last_name="", ticket="TM-3"), a_row(4, email="", ticket="TM-4"), a_row(5)]
    selection = select(*rows)
    assert sorted(closure.row for closure in selection.closures) == [3, 5]
    assert [aside.row for aside in selection.set_aside] == [2, 4]


# The window and what is news


@pytest.mark.parametrize("status", ["closed", "CLOSED", "  Closed ", "clo\u200bsed", "Closed\n"])
def test_closed_is_recognised_in_any_case_and_with_stray_blanks(status: str) -> None:
    assert select(a_row(status=status)).closures


@pytest.mark.parametrize("status", ["Open", "", "Not closed", "Closed?", "Reopened", date(2026, 11, 14), "Closed" * 99])
def test_what_is_not_closed_is_passed_over_even_with_a_bad_date(status: Cell) -> None:
    selection = select(a_row(status=status, date="31/02/2026", email=""))
    assert (len(selection.closures), selection.set_aside, selection.rows_read) == (0, (), 1)


def test_blank_rows_are_passed_over() -> None:
    selection = select(ReportRow(2, "", "", "", "", "", ""), ReportRow(3, " ", "\t", "", "", " ", ""), a_row(4))
    assert [closure.row for closure in selection.closures] == [4]
    assert not selection.set_aside


def test_the_first_and_the_last_day_of_the_window_count() -> None:
    rows = [
        a_row(2, ticket="before", date="08/11/2026"),
        a_row(3, ticket="first", date="09/11/2026"),
        a_row(4, ticket="last", date="16/11/2026"),
    ]
    assert [closure.ticket for closure in select(*rows).closures] == ["first", "last"]


def test_a_row_before_the_window_is_passed_over_whatever_else_is_wrong() -> None:
    assert not select(a_row(date="08/11/2026", email="", ticket="")).set_aside


def test_a_ticket_entered_a_month_late_is_still_reported() -> None:
    selection = select(a_row(date="14/10/2026"), since=date(2026, 10, 1), already_reported={("tm-1", SINCE)})
    assert len(selection.closures) == 1


def test_a_ticket_listed_twice_is_reported_once() -> None:
    selection = select(a_row(2), a_row(3), a_row(4, ticket=" tm-20391 ", email="ADA.LIND@example.com"))
    assert [closure.row for closure in selection.closures] == [2]
    assert selection.repeated == 2


def test_a_ticket_closed_again_after_a_reopening_is_news() -> None:
    (first,) = select(a_row(date="10/11/2026")).closures
    again = select(a_row(2, date="10/11/2026"), a_row(3, date="15/11/2026"), already_reported={first.key})
    assert [closure.closed_on for closure in again.closures] == [date(2026, 11, 15)]


def test_a_reported_ticket_does_not_come_back_when_its_address_is_edited() -> None:
    reported = {("tm-20391", date(2026, 11, 14))}
    selection = select(a_row(2, email="other@example.com"), a_row(3, email="broken"), already_reported=reported)
    assert (len(selection.closures), selection.set_aside, selection.already_reported) == (0, (), 2)


def test_a_date_in_the_future_waits_and_is_reported_once_its_day_has_come() -> None:
    row = a_row(date="17/11/2026")
    assert only_reason(select(row)) == (Cause.FUTURE, "the date 17/11/2026 is in the future")
    assert select(row, today=date(2026, 11, 17)).closures


def test_a_real_date_and_its_text_are_the_same_closing() -> None:
    selection = select(a_row(2, date=date(2026, 11, 14)), a_row(3, date="14/11/2026"), a_row(4, date="2026-11-14"))
    assert (len(selection.closures), selection.repeated) == (1, 2)


# What is set aside


@pytest.mark.parametrize(
    ("cells", "cause"),
    [
        ({"date": "02/28/2026"}, Cause.DATE),
        ({"date": ""}, Cause.DATE),
        ({"ticket": ""}, Cause.TICKET),
        ({"ticket": "T" * 101}, Cause.TICKET),
        ({"email": ""}, Cause.ADDRESS),
        ({"email": "ada.lind"}, Cause.ADDRESS),
        ({"email": "a@example.com; b@example.com"}, Cause.ADDRESS),
        ({"date": date(2026, 12, 1)}, Cause.FUTURE),
    ],
)
def test_a_closed_row_that_cannot_be_used_is_set_aside_with_its_number_and_cause(
    cells: dict[str, Any], cause: Cause
) -> None:
    selection = select(a_row(7, **cells))
    assert not selection.closures
    assert [(aside.row, aside.cause) for aside in selection.set_aside] == [(7, cause)]


def test_a_row_set_aside_shows_what_is_written_in_it() -> None:
    (aside,) = select(a_row(7, email="ada(at)example.com", date=date(2026, 11, 14))).set_aside
    assert (aside.name, aside.email, aside.ticket, aside.date) == (
        "Ada Lind",
        "ada(at)example.com",
        "TM-20391",
        "14/11/2026",
    )


def test_a_long_cell_of_a_row_set_aside_is_cut() -> None:
    (aside,) = select(a_row(ticket="x" * 5_000_000)).set_aside
    assert len(aside.ticket) == 120


def test_no_personal_text_gets_into_a_reason_or_a_representation() -> None:
    row = a_row(date="Ada Lind 406-555-0199", email="ada.lind@example.com x@example.com")
    (aside,) = select(row).set_aside
    (closure,) = select(a_row()).closures
    (digest,) = group_by_customer([closure])
    for shown in (aside.reason, repr(closure), repr(digest)):
        assert "Lind" not in shown
        assert "example.com" not in shown
        assert "406-555" not in shown


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_closing_listed_for_two_addresses_is_told_to_neither(order: tuple[int, ...]) -> None:
    rows = [a_row(2), a_row(3), a_row(4, email="bob@example.com")]
    selection = select(*[rows[place] for place in order], a_row(5, ticket="TM-5"))
    assert [closure.row for closure in selection.closures] == [5]
    assert {aside.cause for aside in selection.set_aside} == {Cause.CONTESTED}
    assert {"ada.lind@example.com", "bob@example.com"} == {aside.email for aside in selection.set_aside}


def test_every_later_row_of_a_contested_closing_is_set_aside_too() -> None:
    selection = select(a_row(2), a_row(3, email="bob@example.com"), a_row(4), a_row(5, email="eve@example.com"))
    assert not selection.closures
    assert [aside.row for aside in selection.set_aside] == [2, 3, 4, 5]


def test_a_useless_duplicate_does_not_take_the_good_row_with_it() -> None:
    selection = select(a_row(2), a_row(3, email=""))
    assert ([closure.row for closure in selection.closures], [aside.row for aside in selection.set_aside]) == ([2], [3])


# Texts


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x.example.com","TM-1")', "<b>TM-1</b>", "TM-1 & 2", "TM/ü-1"])
def test_formulas_and_html_stay_the_text_they_are(text: str) -> None:
    (closure,) = select(a_row(ticket=text, first_name=text)).closures
    assert (closure.ticket, closure.first_name) == (text, text)


def test_line_breaks_and_unseen_characters_in_names_and_tickets_collapse() -> None:
    (closure,) = select(
        a_row(first_name="Ada\r\nBcc: eve", last_name="\u202eLind\x00 ", ticket="TM-\n1\u200b")
    ).closures
    assert (closure.first_name, closure.last_name, closure.ticket) == ("Ada Bcc: eve", "Lind", "TM- 1")


# Grouping


def test_ten_thousand_tickets_of_one_customer_are_one_digest() -> None:
    rows = [a_row(number, ticket=f"TM-{number:05}") for number in range(2, 10_002)]
    random.Random(1).shuffle(rows)
    (digest,) = group_by_customer(select(*rows).closures)
    assert [closure.row for closure in digest.tickets] == list(range(2, 10_002))


def test_the_name_shown_is_the_most_frequent_spelling() -> None:
    rows = [a_row(n, ticket=f"TM-{n}", first_name=name) for n, name in enumerate(["Ada", "ada", "Ada", "A."], start=2)]
    assert only(group_by_customer(select(*rows).closures)).full_name == "Ada LIND"


def test_of_names_as_frequent_the_most_recent_is_shown() -> None:
    rows = [
        a_row(2, ticket="TM-1", date="15/11/2026", last_name="Berg"),
        a_row(3, ticket="TM-2", date="10/11/2026", last_name="Lind"),
    ]
    assert only(group_by_customer(select(*rows).closures)).full_name == "Ada BERG"


def test_a_missing_name_gives_way_to_any_name_and_then_to_the_address() -> None:
    nameless = [a_row(n, ticket=f"TM-{n}", first_name="", last_name="") for n in (2, 3)]
    named = a_row(4, ticket="TM-4", last_name="")
    assert only(group_by_customer(select(*nameless, named).closures)).full_name == "Ada"
    assert only(group_by_customer(select(*nameless).closures)).full_name == "ada.lind@example.com"


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
    told = [(closure.key, digest) for digest in group_by_customer(selection.closures) for closure in digest.tickets]
    assert len({key for key, _ in told}) == len(told) == len(selection.closures)
    for digest in group_by_customer(selection.closures):
        assert {by_number[closure.row].email.strip().casefold() for closure in digest.tickets} == {digest.email_key}
    assert selection.rows_read == len(rows)


@given(report, st.randoms(use_true_random=False))
def test_the_same_closings_give_the_same_digests_in_any_order(rows: list[ReportRow], dice: random.Random) -> None:
    closures = list(select(*rows).closures)
    digests = list(group_by_customer(closures))
    dice.shuffle(closures)
    assert list(group_by_customer(closures)) == digests


def test_the_garbage_collector_is_back_on_even_when_the_report_breaks_off() -> None:
    def rows() -> Iterator[ReportRow]:
        yield a_row()
        raise SourceUnreadable("gone")

    with pytest.raises(SourceUnreadable):
        select_closures(rows(), since=SINCE, today=TODAY)
    assert gc.isenabled()
    assert len(list(group_by_customer(select(a_row()).closures))) == 1
    assert gc.isenabled()


# Rows never vanish


def test_each_row_read_is_counted_once_and_a_blank_one_is_none() -> None:
    rows = [
        *(a_row(2), a_row(3), a_row(4, ticket="TM-0"), a_row(5, status="Open"), a_row(6, date="08/11/2026")),
        *(a_row(7, status="#REF!"), ReportRow(8, "", " ", "", "", "\u00a0", ""), a_row(9, email="nobody")),
    ]
    selection = select(*rows, already_reported={("tm-0", date(2026, 11, 14))})
    counts = [len(selection.closures), selection.repeated, selection.already_reported, selection.not_closed]
    assert counts == [1, 1, 1, 1]
    assert (selection.too_old, len(selection.set_aside), selection.rows_read) == (1, 2, 7)


@pytest.mark.parametrize("status", ["#REF!", "#N/A", "Clos\ufffdd"])
def test_a_status_that_nobody_can_read_is_set_aside_unless_the_row_is_too_old(status: str) -> None:
    assert only_reason(select(a_row(status=status))) == (Cause.STATUS, "the status can't be read")
    assert only_reason(select(a_row(status=status, date="soon"))) == (Cause.STATUS, "the status can't be read")
    assert select(a_row(status=status, date="08/11/2026")).too_old == 1


@pytest.mark.parametrize("status", ["", "nan", "-", "\u00a0"])
def test_a_row_of_the_window_without_a_status_is_set_aside(status: str) -> None:
    cause, reason = only_reason(select(a_row(status=status)))
    assert (cause, reason) == (Cause.STATUS, "the status is missing, though the row has a date")
    assert select(a_row(status=status, date=""), a_row(status=status, date="08/11/2026")).not_closed == 2


@pytest.mark.parametrize(
    "cells",
    [
        ["Ada", "Lind", "Jr.", "ada.lind@example.com", "TM-20391", "Closed"],
        ["Ada", "ada.lind@example.com", "TM-20391", "Closed", "14/11/2026", ""],
        ["Ada", "ada.lind@example.com", "TM-20391", "Closed", "", ""],
    ],
)
def test_a_row_whose_cells_slipped_into_other_columns_is_set_aside(cells: list[str]) -> None:
    cause, reason = only_reason(select(ReportRow(2, *cells)))
    assert cause is Cause.STATUS
    assert reason.startswith("the status stands in another column")


@pytest.mark.parametrize(
    ("cells", "written"),
    [
        ({"status": "#REF!"}, "#REF!"),
        ({"date": "soon"}, "soon"),
        ({"date": date(2026, 12, 1)}, "01/12/2026"),
        ({"ticket": "None"}, "None"),
        ({"email": "ada(at)example.com"}, "ada(at)example.com"),
        ({"email": ""}, ""),
    ],
)
def test_a_row_set_aside_says_what_stands_in_the_cell_in_question(cells: dict[str, Any], written: str) -> None:
    assert [aside.written for aside in select(a_row(**cells)).set_aside] == [written]


def test_a_number_with_and_without_a_decimal_is_one_ticket() -> None:
    selection = select(a_row(2, ticket="20391.0"), a_row(3, ticket="20391"), a_row(4, ticket='="20391"'))
    assert ([closure.ticket for closure in selection.closures], selection.repeated) == (["20391"], 2)


def exchanged(*cells: Cell) -> bool:
    """Whether a report with these dates is refused as one with day and month exchanged."""
    try:
        select(*(a_row(number, ticket=f"TM-{number}", date=cell) for number, cell in enumerate(cells)))
    except SourceUnreadable as why:
        assert "exchanged day and month" in str(why)
        return True
    return False


def test_a_report_in_which_a_us_excel_exchanged_day_and_month_is_refused() -> None:
    may, june = date(2026, 5, 11), date(2026, 6, 11)
    assert exchanged(may, "13/11/2026", june, "27/11/2026 14:05")
    assert exchanged("27/11/2026", may)
    assert not exchanged(may, june)
    assert not exchanged("13/11/2026", "27/11/2026")
    assert not exchanged(may, "13/11/2026", date(2026, 11, 14))
    assert not exchanged(may, "13/11/2026", "12/11/2026")


def test_the_rows_that_are_not_closed_tell_of_the_exchange_too() -> None:
    rows = [a_row(2, date="27/11/2026", status="Open"), a_row(3, date=date(2026, 5, 11), status="Open"), a_row(4)]
    with pytest.raises(SourceUnreadable):
        select(*rows)


def test_closures_come_back_as_they_were_kept() -> None:
    rows = [
        a_row(2, ticket="tm-1/ß", email="Ada.Lind@Example.com", last_name=""),
        a_row(3, ticket="TM-2", first_name=""),
        a_row(1_048_576, ticket="\u0130-3", email="ada.lind@example.com", date="31/12/2025"),
    ]
    kept = [tuple(closure) for closure in select(*rows, since=date(2025, 1, 1)).closures]
    assert kept == [
        ("\u0130-3", date(2025, 12, 31), "ada.lind@example.com", "ada.lind@example.com", "Ada", "Lind", 1_048_576),
        ("tm-1/ß", date(2026, 11, 14), "Ada.Lind@Example.com", "ada.lind@example.com", "Ada", "", 2),
        ("TM-2", date(2026, 11, 14), "ada.lind@example.com", "ada.lind@example.com", "", "Lind", 3),
    ]


def test_a_customers_tickets_come_by_day_and_number_and_customers_by_address() -> None:
    rows = [
        a_row(2, ticket="TM-9", date="12/11/2026", email="ad@example.com"),
        a_row(3, ticket="tm-2"),
        a_row(4, ticket="TM-1"),
        a_row(5, ticket="TM-3", date="10/11/2026"),
        a_row(6, ticket="TM-4", email="ad.a@example.com"),
    ]
    digests = list(group_by_customer(select(*rows).closures))
    assert [digest.email_key for digest in digests] == ["ad.a@example.com", "ad@example.com", "ada.lind@example.com"]
    assert [closure.ticket for closure in digests[2].tickets] == ["TM-3", "TM-1", "tm-2"]


odd_names = st.sampled_from(
    [
        *("Ada", "nan", "None", "Nan", "nancy", "Ada2", "O'Brien", "'Ada", "Mary Ann", "Mary  Ann", "Ada ", "", "a\tb"),
        "x" * 90,
    ]
)
odd_tickets = st.sampled_from(
    ["TM-1", "tm1", "20391", "20391.0", "1e5", "E5", "-5", "", "ß1", "\u212a-1", "TM_1", "TMA1", date(2026, 11, 14)]
)
odd_addresses = st.sampled_from(
    [
        *("a@example.com", "A@example.com", "a.b-c@x.y.com", "_a@x.co", "a..b@x.com", ".a@x.com", "a.@x.com", "a@b"),
        *("a@example.c0m", "a@x-y.com", "a @x.com", "a@x.com;b@x.com", "a@x..com", "x" * 65 + "@x.com", ""),
        *("x" * 64 + "@x.com", "a@" + "l" * 64 + ".com"),
    ]
)


@given(odd_names, odd_names, odd_addresses, odd_tickets, st.sampled_from(["Closed", "CLOSED ", "Open"]))
def test_a_row_that_is_judged_at_one_look_is_judged_as_any_other(
    first: str, last: str, email: str, ticket: Cell, status: str
) -> None:
    row, reported = a_row(first_name=first, last_name=last, email=email, ticket=ticket, status=status), {("tm1", DAY)}
    selection = select(row, already_reported=reported)
    alone = judge(row, DAY, SINCE, TODAY, reported)
    assert [*selection.closures, *selection.set_aside] == ([] if isinstance(alone, PassedOver) else [alone])
    counts = [selection.not_closed, selection.already_reported]
    assert counts == [alone is PassedOver.NOT_CLOSED, alone is PassedOver.REPORTED]


def test_closings_of_a_long_report_come_in_order_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_lines, "A_RUN", 7)
    monkeypatch.setattr(sorted_lines, "A_PART", 3)
    rows = [a_row(n, ticket=f"TM-{n % 90}", email=f"c{n % 10}@example.com") for n in range(2, 202)]
    random.Random(1).shuffle(rows)
    selection = select(*rows)
    digests = list(group_by_customer(selection.closures))
    told = [(digest.email_key, closure.ticket) for digest in digests for closure in digest.tickets]
    assert (len(told), selection.repeated) == (90, 110)
    assert told == sorted({(row.email, row.ticket) for row in rows})
