"""What one cell says, or why it can't be used."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.digest.report.cells import (
    Cell,
    CellFault,
    Status,
    Unusable,
    address_key,
    plain_text,
    read_address,
    read_name,
    read_status,
    read_ticket,
    ticket_key,
)
from app.digest.report.dates import read_day


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("14/11/2026", date(2026, 11, 14)),
        (" 14/11/2026\n", date(2026, 11, 14)),
        ("4/1/2026", date(2026, 1, 4)),
        ("29/02/2028", date(2028, 2, 29)),
        ("2026-11-14", date(2026, 11, 14)),
        (date(2026, 11, 14), date(2026, 11, 14)),
    ],
)
def test_a_readable_date_is_read_day_first(cell: Cell, day: date) -> None:
    assert read_day(cell) == day


@pytest.mark.parametrize(
    "cell",
    [
        "27/11/2026 14:05", "27/11/2026 14:05:59", "27/11/2026, 2:05 PM", "27/11/2026 2:05:00 p.m.", "27/11/2026T14:05",
        "2026-11-27 14:05", "2026-11-27T14:05:59", "2026-11-27T14:05:59.123456", "2026-11-27T14:05:59.1234567Z",
        "2026-11-27T14:05Z", "2026-11-27 14:05:59 UTC", "2026-11-27T14:05:59+02:00", "2026-11-27T14:05:59-0700",
        '="27/11/2026 14:05"', "'27/11/2026 14:05", "\uff12\uff17\uff0f\uff11\uff11\uff0f\uff12\uff10\uff12\uff16",
        "27/11/2026\u00a014:05",
    ],
)  # fmt: skip
def test_a_time_of_day_is_left_out(cell: str) -> None:
    assert read_day(cell, ZoneInfo("America/Denver")) == date(2026, 11, 27)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-11-28T03:30:00Z", 27),
        ("2026-11-28T00:30:00+01:00", 27),
        ("2026-11-27T23:30:00-07:00", 27),
        ("2026-11-28T03:30:00", 28),
        ("2026-11-28T00:00:00.000Z", 28),  # a bare day, as exports write it
    ],
)
def test_a_moment_with_a_zone_is_of_the_day_that_it_was_in_the_office(cell: str, day: int) -> None:
    assert read_day(cell, ZoneInfo("America/Denver")) == date(2026, 11, day)


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("31/02/2026", "not in the calendar"),
        ("29/02/2026", "not in the calendar"),
        ("00/11/2026", "not in the calendar"),
        ("13/13/2026", "no month 13"),
        ("02/28/2026", "no month 28"),
        ("2026-14-11", "no month 14"),
        ("14/11/26", "two digits"),
        ("14/11/0226", "before 2000"),
        (date(1899, 12, 31), "before 2000"),
        ("46340", "plain number"),
        ("46340.5", "plain number"),
        ("14.11.2026", "can't be read"),
        ("14/11/2026 25:15", "can't be read"),
        ("14/11/2026 at noon", "can't be read"),
        ("31/02/2026 10:15", "the date 31/02/2026 is not in the calendar"),
        ("2026-02-31T10:15:00Z", "the date 2026-02-31 is not in the calendar"),
        ("14/11/20266", "can't be read"),
        ("١٤/١١/٢٠٢٦", "can't be read"),
        ("yesterday", "can't be read"),
        ("14/11/2026" + " " * 200 + "x", "can't be read"),
        ("", "missing"),
        (" \t", "missing"),
    ],
)
def test_an_unreadable_date_is_refused_with_its_reason(cell: Cell, part: str) -> None:
    unusable = read_day(cell)
    assert unusable.cause is CellFault.DATE
    assert part in unusable.reason


@given(st.dates(date(2000, 1, 1), date(2199, 12, 31)))
def test_a_date_written_day_first_comes_back_as_itself(day: date) -> None:
    assert read_day(day.strftime("%d/%m/%Y")) == day


@given(st.text(max_size=30))
def test_any_text_in_a_cell_can_be_read(text: str) -> None:
    assert isinstance(read_day(text), date | Unusable)
    assert isinstance(read_ticket(text), str | Unusable)
    assert isinstance(read_address(text), str | Unusable)


@given(st.text())
def test_plain_text_is_one_line_without_control_characters(text: str) -> None:
    plain = plain_text(text)
    assert plain == " ".join(plain.split()) == plain_text(plain)
    assert not any(ord(character) < 32 for character in plain)


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        (" Ada.Lind@Example.com ", "Ada.Lind@Example.com"),
        ("ada @ example.com", "ada@example.com"),
        ("a+tag'x@mail.example.co", "a+tag'x@mail.example.co"),
        ("ada\u200b@example.com", "ada@example.com"),
    ],
)
def test_an_address_is_kept_as_to_be_written_to(cell: str, address: str) -> None:
    assert read_address(cell) == address


@pytest.mark.parametrize(
    "cell",
    [
        "ada", "ada@", "@example.com", "ada@example", "ada@.com", "ada@example..com", "ada lind@example.com",
        "ada@exam ple.com", ".ada@example.com", "ada.@example.com", "ada@-example.com", "Ada <ada@example.com>",
        "mailto:ada@example.com", "ada@example.com\nBcc: eve", '"ada"@example.com', "ädä@example.com", "ada@127.0.0.1",
        "a" * 65 + "@example.com", "ada@" + "e" * 260 + ".com", '=HYPERLINK("mailto:a@example.com","a@example.com")',
        "=ada@example.com", date(2026, 11, 14),
    ],
)  # fmt: skip
def test_a_malformed_address_is_refused(cell: Cell) -> None:
    assert read_address(cell) == Unusable(CellFault.ADDRESS, "the mail address is malformed")


@pytest.mark.parametrize(
    "cell",
    ["a@example.com; b@example.com", "a@example.com,b@example.com", "a@example.com b@example.com", "a@b@example.com"],
)
def test_several_addresses_in_a_cell_are_refused_rather_than_one_chosen(cell: str) -> None:
    assert read_address(cell) == Unusable(CellFault.ADDRESS, "the cell holds several mail addresses")


def test_addresses_are_compared_without_regard_to_case_and_blanks() -> None:
    assert address_key(" ADA@Example.com") == address_key("ada@example.com")


@pytest.mark.parametrize(("cell", "ticket"), [(" TM-20391 ", "TM-20391"), ("20391", "20391"), ("T" * 100, "T" * 100)])
def test_a_ticket_number_is_one_line_of_text(cell: str, ticket: str) -> None:
    assert read_ticket(cell) == ticket


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("", "missing"),
        (" \u200b", "missing"),
        *((nothing, "missing") for nothing in ("nan", "NaN", "None", "NULL", "-", "\u2013", "N/A", '=""')),
        ("T" * 101, "longer than 100"),
        ("1.23457E+19", "rounded"),
        ("1e+16", "rounded"),
        ("#N/A", "can't be read"),
        ("#REF!", "can't be read"),
        ("TM-\ufffd", "can't be read"),
        (date(2026, 3, 14), "turned into a date"),
    ],
)
def test_a_ticket_number_that_cannot_be_told_is_refused(cell: Cell, part: str) -> None:
    unusable = read_ticket(cell)
    assert unusable.cause is CellFault.TICKET
    assert part in unusable.reason


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        ("Closed", Status.CLOSED),
        (" CLOSED\u00a0", Status.CLOSED),
        ('="Closed"', Status.CLOSED),
        ("\uff23\uff4c\uff4f\uff53\uff45\uff44", Status.CLOSED),
        ("Open", Status.OTHER),
        (date(2026, 11, 14), Status.NO_WORD),
        ("TM-1", Status.NO_WORD),
        ("ada@example.com", Status.NO_WORD),
        ("", Status.MISSING),
        ("nan", Status.MISSING),
        ("-", Status.MISSING),
        ("#REF!", Status.UNREADABLE),
        ("#n/a", Status.UNREADABLE),
        ("Clos\ufffdd", Status.UNREADABLE),
    ],
)
def test_a_status_is_closed_or_another_or_nobody_can_tell(cell: Cell, status: Status) -> None:
    assert read_status(cell) is status


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("Ada", "Ada"),
        ("'Ada", "Ada"),
        ("'t Hooft", "'t Hooft"),
        ("Nan", "Nan"),
        ("nan", ""),
        ("None", ""),
        ("#N/A", ""),
    ],
)
def test_a_name_is_nobodys_where_an_export_wrote_that_there_is_none(cell: str, name: str) -> None:
    assert read_name(cell) == name


def test_two_spellings_of_one_ticket_have_one_key() -> None:
    assert ticket_key(" tm-20391") == ticket_key("TM-20391 ")
