"""What staff read about a run: what was told, what to mend, and why a run is held up."""

import html
import re
from datetime import date, timedelta
from email.utils import parseaddr
from pathlib import Path

import pytest
import xlsxwriter
from sqlalchemy import update

from app.models import DigestRun, now
from sandbox.mailbox import Mail
from tests.digest.conftest import HEADINGS, Office, google_settings
from tests.digest.report.google_server import GoogleServer

ADA = "ada.lind@example.com"


def report_mail(office: Office) -> Mail:
    """The one notice to staff about a run."""
    (mail,) = office.service.notices("Ticket digest")
    return mail


def html_of(mail: Mail) -> str:
    return mail.get_body(("html",)).get_content()


# A report that can't be read


@pytest.mark.long
def test_an_unreadable_report_is_told_to_staff_once_and_the_run_completes_once_it_is_mended(office: Office) -> None:
    run_id = office.start()
    office.waits(run_id)
    assert (
        office.show(run_id)["error"]
        == f"There is no report file at {office.path}; put it there or correct REPORT_SOURCE."
    )
    (notice,) = office.service.notices("held up")
    assert f"There is no report file at {office.path}" in notice.text
    assert f"https://orders.example.com/console/digest/runs/{run_id}" in notice.text
    office.waits(run_id)
    office.reports(office.row("TM-1"))
    run = office.over(run_id)
    assert (run["state"], run["error"], run["customers"]) == ("completed", None, 1)
    assert len(office.service.notices("held up")) == 1


def test_a_report_in_which_a_us_excel_exchanged_day_and_month_stops_the_run_and_says_so(
    office: Office, tmp_path: Path
) -> None:
    path = tmp_path / "weekly.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        for row, day in enumerate(("13/11/2026", date(2026, 5, 11), "27/11/2026"), start=1):
            sheet.write_row(row, 0, office.row(f"TM-{row}")[:5])
            if isinstance(day, str):
                sheet.write_string(row, 5, day)
            else:
                sheet.write_datetime(row, 5, day, book.add_format({"num_format": "m/d/yyyy"}))
    run_id = office.start(source=f"file:{path}")
    assert office.over(run_id)["state"] == "failed"
    assert "exchanged day and month" in report_mail(office).text
    assert office.told == []


def test_a_report_that_stays_unreadable_for_a_day_fails_the_run_and_the_notice_says_so(office: Office) -> None:
    run_id = office.start()
    office.waits(run_id)
    office.service.execute(update(DigestRun).filter_by(id=run_id).values(started_at=now() - timedelta(hours=25)))
    assert office.over(run_id)["state"] == "failed"
    text = report_mail(office).text
    assert "could not be finished within a day" in text
    assert f"Why: There is no report file at {office.path}" in text
    assert "Customers who were not told yet are told by the next run." in text
    assert "Customers told:                0" in text


# The notice to staff


def test_staff_read_how_many_were_told_and_nothing_more_when_all_is_well(office: Office) -> None:
    office.run(office.row("TM-1"), office.row("TM-2"), office.row("TM-3", "b@example.com"))
    mail = report_mail(office)
    assert mail["Subject"].endswith("2 customers told of 3 tickets")
    for label, value in {
        "Customers told": 2,
        "Tickets they were told of": 3,
        "Rows read": 3,
        "Rows set aside": 0,
    }.items():
        assert f"{label + ':':30} {value}" in mail.text
    assert "may or may not" not in mail.text + html_of(mail)
    assert "could not be used" not in mail.text + html_of(mail)
    assert f"/console/digest/runs/{office.runs()[0]}" in mail.text
    assert f"The report: file:{office.path}" in mail.text


def test_staff_read_which_rows_to_mend_with_their_ticket_and_what_stands_there_and_no_more(office: Office) -> None:
    rows = [office.row("TM-1"), office.row("TM-2", date="soon"), office.row("TM-3", "nobody", first="Zelda")]
    office.run(*rows, office.row("-"))
    mail = report_mail(office)
    assert mail["Subject"].endswith("needs a look")
    for text in (mail.text, html_of(mail)):
        told = html.unescape(text)
        assert 'row 3: ticket TM-2, the date can\'t be read (it is written DD/MM/YYYY); it says "soon"' in told
        assert 'row 4: ticket TM-3, the mail address is malformed; it says "nobody"' in told
        assert "row 5: ticket -, the ticket number is missing" in told
        for customers in ("Zelda", "Lind", ADA):
            assert customers not in text


def test_staff_read_what_became_of_each_row(office: Office) -> None:
    office.run(office.row("TM-1"))
    office.a_week_passes()
    office.run(
        office.row("TM-1"),
        office.row("TM-2"),
        office.row("TM-2"),
        office.row("TM-3", status="Open"),
        [],
        office.row("TM-4", days_ago=20),
        office.row("TM-5", "nobody"),
    )
    told = {"told": 1, "told before (1 listed twice)": 2, "not closed": 1, "too old": 1}
    mail = office.service.notices("Ticket digest")[-1]
    for text in (mail.text, mail.get_body(("html",)).get_content()):
        plain = re.sub(r"<[^>]*>|\s+", " ", text)
        assert re.search(r"Rows read:? +6 ", plain)
        for words, count in (told | {"set aside": 1}).items():
            assert re.search(rf"{re.escape(words)}:? +{count}\b", plain), words


@pytest.mark.long
def test_staff_read_of_lost_answers_and_refusals(office: Office) -> None:
    office.webhook.fault("post", "http", status=400)
    office.webhook.fault("post", "no_answer")
    with office.changed(digest_batch_size=2):
        office.run(*office.many(6))
    mail = report_mail(office)
    for text in (mail.text, html_of(mail)):
        assert "2 customers may or may not have got the message" in text
        assert "2 messages were refused and not sent" in text
    assert "@example.com" not in mail.text.replace(parseaddr(mail["To"])[1], "")


def test_of_many_rows_set_aside_staff_read_the_first_and_how_many_more(office: Office) -> None:
    run = office.run(office.row("TM-0"), *(office.row(f"TM-{n}", date="soon") for n in range(1, 51)))
    assert (run["set_aside"], len(run["rows_set_aside"])) == (50, 50)
    assert "- and 30 more" in report_mail(office).text
    assert "and 30 more" in html_of(report_mail(office))


def test_the_notice_links_the_spreadsheet(office: Office, google: GoogleServer, tmp_path: Path) -> None:
    google.add("1aBc", [HEADINGS, office.row("TM-1")])
    with office.changed(**google_settings(google, tmp_path)):
        office.over(office.start())
    assert "https://docs.google.com/spreadsheets/d/1aBc" in report_mail(office).text
    assert 'href="https://docs.google.com/spreadsheets/d/1aBc"' in html_of(report_mail(office))


@pytest.mark.long
def test_no_customers_data_gets_into_the_log(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    office.webhook.fault("post", "http", status=400)
    office.webhook.fault("post", "no_answer")
    with office.changed(digest_batch_size=1):
        rows = [*office.many(3), office.row("TM-9", "nobody", first="Zelda", date="31/02/2026")]
        run = office.run(*rows)
    assert run["state"] == "completed"
    logged = "\n".join(record.getMessage() + str(record.exc_text or "") for record in caplog.records)
    assert "Digest run" in logged
    for customers in ("c0001", "c0002", "Lind", "LIND", "Zelda", "nobody", "TM-1"):
        assert customers not in logged


# Trouble that is over


@pytest.mark.long
def test_the_report_of_a_run_that_was_held_up_says_that_it_is_over(office: Office) -> None:
    run_id = office.start()
    office.waits(run_id)
    office.reports(office.row("TM-1"))
    office.over(run_id)
    mail = report_mail(office)
    assert "It had been held up since" in mail.text
    assert "that is over" in html_of(mail)


@pytest.mark.long
def test_a_run_after_a_failed_one_says_that_it_makes_it_good(office: Office) -> None:
    run_id = office.start()
    office.waits(run_id)
    office.service.execute(update(DigestRun).filter_by(id=run_id).values(started_at=now() - timedelta(hours=25)))
    assert office.over(run_id)["state"] == "failed"
    run = office.run(office.row("TM-1"))
    last = office.service.notices("Ticket digest")[-1]
    assert f"The run of {run['iso_week']} had failed" in last.text
    assert "held up" not in last.text


def test_a_run_without_trouble_speaks_of_none(office: Office) -> None:
    office.run(office.row("TM-1"))
    assert "held up" not in report_mail(office).text
    assert "had failed" not in report_mail(office).text
