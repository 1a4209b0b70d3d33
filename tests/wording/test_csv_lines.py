"""A file for a spreadsheet says what it should, and does nothing."""

import csv

import pytest

from app.wording.csv_lines import csv_line


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_what_a_spreadsheet_would_execute_is_text(cell: str) -> None:
    assert next(csv.reader([csv_line([cell])])) == [f"'{cell}"] if "\n" not in cell and "\r" not in cell else True
    assert csv_line([cell]).lstrip('"').startswith("'")


def test_everything_else_stays_as_it_is() -> None:
    cells = ["UIA-1", "Ole, Berg", 'a "b"', "Líndström", "1-2", 7, None]

    assert next(csv.reader([csv_line(cells)])) == ["UIA-1", "Ole, Berg", 'a "b"', "Líndström", "1-2", "7", ""]
