"""Where the report lies: how it is addressed, and what is told when it isn't there."""

import os
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from app.digest.closings import group_by_customer
from app.digest.report.s3 import S3Object
from app.digest.report.sheets import SheetRange
from app.digest.report.sources import FilePath, SourceUnreadable, parse_source, read_report
from app.digest.selection import select_closings
from tests.digest.conftest import CsvFile
from tests.digest.made_rows import read_rows

SINCE, TODAY = date(2026, 11, 9), date(2026, 11, 16)
NOBODY = 65_534


def refusal(source: str) -> str:
    with pytest.raises(SourceUnreadable) as caught:
        list(read_report(source))
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("sheets:1aB_c-D!Sheet1!A:F", SheetRange("1aB_c-D", "Sheet1!A:F")),
        ("sheets:1aB!'My Sheet'!A1:G", SheetRange("1aB", "'My Sheet'!A1:G")),
        ("sheets:1aB!A:F", SheetRange("1aB", "A:F")),
        ("file:/srv/report.xlsx", FilePath(Path("/srv/report.xlsx"))),
        ("file:///srv/a b.CSV", FilePath(Path("/srv/a b.CSV"))),
        (" file:report.csv ", FilePath(Path("report.csv"))),
        ("s3://bucket/some/key.xlsx", S3Object("bucket", "some/key.xlsx")),
        ("S3://bucket/Key.xlsx", S3Object("bucket", "Key.xlsx")),
    ],
)
def test_every_form_of_address_is_understood(source: str, where: SheetRange | FilePath | S3Object) -> None:
    assert parse_source(source) == where


@pytest.mark.parametrize(
    "source",
    ["", "report.csv", "sheets:1aB", "sheets:!Sheet1!A:F", "file:", "s3://bucket", "s3:bucket/r.csv", "ftp://x"],
)
def test_another_address_is_refused_at_once_with_the_forms_there_are(source: str) -> None:
    with pytest.raises(SourceUnreadable, match="It is written sheets:"):
        read_report(source)


@pytest.mark.parametrize("source", ["file:/srv/report.pdf", "file:/srv/report.xls", "file:/srv/"])
def test_a_file_that_can_be_no_report_is_refused_before_it_is_fetched(source: str) -> None:
    with pytest.raises(SourceUnreadable, match=r"\.xlsx or \.csv"):
        parse_source(source)


def test_a_missing_file_is_told_by_its_path(tmp_path: Path) -> None:
    assert f"no report file at {tmp_path / 'r.csv'}" in refusal(f"file:{tmp_path / 'r.csv'}")


@pytest.fixture
def not_root() -> Iterator[None]:
    """Root may read everything; for this test it is nobody."""
    user = os.geteuid()
    os.seteuid(user or NOBODY)
    yield
    os.seteuid(user)


def test_a_file_that_may_not_be_read_is_told(
    csv_file: CsvFile, headings: list[str], request: pytest.FixtureRequest
) -> None:
    source = csv_file([headings])
    Path(source.removeprefix("file:")).chmod(0)
    request.getfixturevalue("not_root")
    assert "may not be read" in refusal(source)


def test_a_folder_and_a_pipe_are_no_files_and_do_not_hold_the_run(tmp_path: Path) -> None:
    (tmp_path / "r.csv").mkdir()
    os.mkfifo(tmp_path / "p.csv")
    assert "is not a file" in refusal(f"file:{tmp_path / 'r.csv'}")
    assert "is not a file" in refusal(f"file:{tmp_path / 'p.csv'}")


def test_a_report_of_hand_edits_gives_each_customer_their_own_tickets(csv_file: CsvFile) -> None:
    source = csv_file(
        [
            ["Status", "Notes", "DATE", "E-mail", "Ticket", "First name", "Last name"],
            [],
            ["closed ", "", "14/11/2026", "Ada.Lind@example.com ", "TM-1", "Ada", "Lind"],
            ["Closed", "", "13/13/2026", "ada.lind@example.com", "TM-2", "Ada", "Lind"],
            ["Open", "", "never", "", "", "", ""],
            ["Closed", "x", "15/11/2026", "bob@example.com", "TM-3", "Ada", "Lind", "", "stray"],
            ["CLOSED", "", "10/11/2026", "ada.lind@example.com", " TM-4"],
            ["Closed"],
        ]
    )
    selection = select_closings(read_report(source), since=SINCE, today=TODAY)
    told = {digest.email_key: [c.ticket for c in digest.tickets] for digest in group_by_customer(selection.closings)}
    assert told == {"ada.lind@example.com": ["TM-4", "TM-1"], "bob@example.com": ["TM-3"]}
    assert [(aside.row, aside.cause) for aside in selection.set_aside] == [(4, "date"), (8, "date")]


def test_two_threads_read_at_the_same_time(csv_file: CsvFile, headings: list[str], ada: list[str]) -> None:
    source = csv_file([headings, *[ada] * 2_000])
    counts = []
    threads = [threading.Thread(target=lambda: counts.append(len(read_rows(source)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [2_000, 2_000]
