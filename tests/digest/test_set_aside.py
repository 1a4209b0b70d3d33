"""Rows that can't be used: each is set aside with its reason, and none vanishes."""

from datetime import date
from typing import Any

import pytest

from app.digest.closings import group_by_customer
from app.digest.report.cells import Cell, CellFault
from app.digest.report.columns import ReportRow
from app.digest.report.errors import SourceUnreadable
from app.digest.selection import SHOWN
from tests.digest.made_rows import a_row, only_reason, select


@pytest.mark.parametrize(
    ("cells", "cause"),
    [
        ({"date": "02/28/2026"}, CellFault.DATE),
        ({"date": ""}, CellFault.DATE),
        ({"ticket": ""}, CellFault.TICKET),
        ({"ticket": "T" * 101}, CellFault.TICKET),
        ({"email": ""}, CellFault.ADDRESS),
        ({"email": "ada.lind"}, CellFault.ADDRESS),
        ({"email": "a@example.com; b@example.com"}, CellFault.ADDRESS),
        ({"date": date(2026, 12, 1)}, CellFault.FUTURE),
    ],
)
def test_a_closed_row_that_cannot_be_used_is_set_aside_with_its_number_and_cause(
    cells: dict[str, Any], cause: CellFault
) -> None:
    selection = select(a_row(7, **cells))
    assert not selection.closings
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
    assert len(aside.ticket) == SHOWN


def test_the_longest_mail_address_of_a_row_set_aside_is_kept_whole() -> None:
    address = f"{'x' * 64}@{'y' * 60}.{'z' * 60}.{'w' * 60}.com"
    assert select(a_row(ticket="", email=address)).set_aside[0].email == address


def test_no_personal_text_gets_into_a_reason_or_a_representation() -> None:
    row = a_row(date="Ada Lind 406-555-0199", email="ada.lind@example.com x@example.com")
    (aside,) = select(row).set_aside
    (closing,) = select(a_row()).closings
    (digest,) = group_by_customer([closing])
    for shown in (aside.reason, repr(closing), repr(digest)):
        assert "Lind" not in shown
        assert "example.com" not in shown
        assert "406-555" not in shown


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_closing_listed_for_two_addresses_is_told_to_neither(order: tuple[int, ...]) -> None:
    rows = [a_row(2), a_row(3), a_row(4, email="bob@example.com")]
    selection = select(*[rows[place] for place in order], a_row(5, ticket="TM-5"))
    assert [closing.row for closing in selection.closings] == [5]
    assert {aside.cause for aside in selection.set_aside} == {CellFault.CONTESTED}
    assert {"ada.lind@example.com", "bob@example.com"} == {aside.email for aside in selection.set_aside}


def test_every_later_row_of_a_contested_closing_is_set_aside_too() -> None:
    selection = select(a_row(2), a_row(3, email="bob@example.com"), a_row(4), a_row(5, email="eve@example.com"))
    assert not selection.closings
    assert [aside.row for aside in selection.set_aside] == [2, 3, 4, 5]


def test_a_useless_duplicate_does_not_take_the_good_row_with_it() -> None:
    selection = select(a_row(2), a_row(3, email=""))
    assert ([closing.row for closing in selection.closings], [aside.row for aside in selection.set_aside]) == ([2], [3])


# Rows never vanish


def test_each_row_read_is_counted_once_and_a_blank_one_is_none() -> None:
    rows = [
        a_row(2),
        a_row(3),
        a_row(4, ticket="TM-0"),
        a_row(5, status="Open"),
        a_row(6, date="08/11/2026"),
        a_row(7, status="#REF!"),
        ReportRow(8, "", " ", "", "", "\u00a0", ""),
        a_row(9, email="nobody"),
    ]
    selection = select(*rows, already_reported={("tm-0", date(2026, 11, 14))})
    counts = [len(selection.closings), selection.repeated, selection.already_reported, selection.not_closed]
    assert counts == [1, 1, 1, 1]
    assert (selection.too_old, len(selection.set_aside), selection.rows_read) == (1, 2, 7)


@pytest.mark.parametrize("status", ["#REF!", "#N/A", "Clos\ufffdd"])
def test_a_status_that_nobody_can_read_is_set_aside_unless_the_row_is_too_old(status: str) -> None:
    assert only_reason(select(a_row(status=status))) == (CellFault.STATUS, "the status can't be read")
    assert only_reason(select(a_row(status=status, date="soon"))) == (CellFault.STATUS, "the status can't be read")
    assert select(a_row(status=status, date="08/11/2026")).too_old == 1


@pytest.mark.parametrize("status", ["", "nan", "-", "\u00a0"])
def test_a_row_of_the_window_without_a_status_is_set_aside(status: str) -> None:
    cause, reason = only_reason(select(a_row(status=status)))
    assert (cause, reason) == (CellFault.STATUS, "the status is missing, though the row has a date")
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
    assert cause is CellFault.STATUS
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
    assert ([closing.ticket for closing in selection.closings], selection.repeated) == (["20391"], 2)


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
