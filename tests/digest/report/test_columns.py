"""Columns are found by their headings."""

from collections.abc import Iterator, Sequence

import pytest

from app.digest.report.cells import Cell
from app.digest.report.columns import HEADINGS, RawRows, ReportRow, report_rows
from app.digest.report.errors import SourceUnreadable
from tests.digest.made_rows import apart


def numbered(*rows: Sequence[Cell]) -> Iterator[RawRows]:
    yield range(1, len(rows) + 1), rows


def below(*rows: Sequence[Cell]) -> list[ReportRow]:
    return apart(report_rows(numbered(*rows)))


def refusal(*rows: Sequence[Cell]) -> str:
    with pytest.raises(SourceUnreadable) as caught:
        list(report_rows(numbered(*rows)))
    return str(caught.value)


def test_columns_are_found_in_any_order_case_and_spacing_and_others_are_ignored(ada: list[str]) -> None:
    headings = ["Notes", " DATE", "status\n", "Ticket", "E-Mail", "Last name", "", "FIRST_NAME", ""]
    cells = ["x", ada[5], ada[4], ada[3], ada[2], ada[1], "y", ada[0], "z"]
    (row,) = below(headings, cells)
    assert row == (2, *ada)


def test_the_headings_are_in_the_first_row_that_is_not_blank(headings: list[str], ada: list[str]) -> None:
    (row,) = below([], ["", " "], headings, ada)
    assert row == (4, *ada)


def test_short_and_long_rows_are_read(headings: list[str], ada: list[str]) -> None:
    rows = below(headings, ada[:3], [], [*ada, "more", "more"])
    assert rows == [(2, *ada[:3], "", "", ""), (3, *[""] * 6), (4, *ada)]


def test_missing_columns_are_named(headings: list[str]) -> None:
    text = refusal([heading for heading in headings if heading not in ("Email", "Date")])
    assert "no column headed Email, Date" in text


def test_a_needed_column_that_is_there_twice_is_named(headings: list[str]) -> None:
    assert "more than one column headed Email" in refusal([*headings, "e-mail"])


def test_an_extra_column_may_be_there_twice(headings: list[str], ada: list[str]) -> None:
    (row,) = below([*headings, "Notes", "Notes", "", ""], ada)
    assert row.ticket == "TM-20391"


@pytest.mark.parametrize("rows", [(), ([],), ([""], ["", " "])])
def test_an_empty_sheet_is_told_with_the_headings_it_needs(rows: tuple[list[str], ...]) -> None:
    assert refusal(*rows).startswith("The report is empty")


def test_headings_without_rows_are_a_report_of_nothing(headings: list[str]) -> None:
    assert below(headings) == []


def test_a_range_that_begins_below_the_headings_is_refused_and_loses_no_row(
    ada: list[str],
) -> None:
    text = refusal(ada, ada)
    assert "must begin with the row of headings" in text
    assert all(heading in text for heading in HEADINGS)
    assert "Lind" not in text
