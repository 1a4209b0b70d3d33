"""Whole runs: who is told what, once, whatever starts it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from pydantic import SecretStr
from sqlalchemy import func, select, update

from app.digest import ledger, run_starts
from app.digest.closings import group_by_customer
from app.models import DigestMessage, DigestRun, Outgoing, now
from app.services import Services
from tests.conftest import Service
from tests.digest.conftest import HEADINGS, Office, google_settings
from tests.digest.report.bucket_server import BucketServer
from tests.digest.report.google_server import GoogleServer
from tests.tools.at_once import at_once

ADA = "ada.lind@example.com"


# One message a customer a week


def test_a_customer_gets_one_message_a_week_however_often_the_job_is_started(office: Office) -> None:
    office.run(office.row("TM-1"))
    second = office.run(office.row("TM-1"), office.row("TM-2"))
    assert (second["customers_told"], second["already_reported"], second["for_next_week"]) == ([], 1, 1)
    assert office.told == [(ADA, ["TM-1"])]


def test_what_comes_too_late_for_this_weeks_message_is_told_in_the_next(office: Office) -> None:
    office.run(office.row("TM-1"))
    office.run(office.row("TM-1"), office.row("TM-2"), office.row("TM-3"))
    office.a_week_passes()
    office.run()
    assert office.told == [(ADA, ["TM-1"]), (ADA, ["TM-2", "TM-3"])]


def test_another_spelling_of_the_address_is_the_same_customer_in_the_same_week(office: Office) -> None:
    office.run(office.row("TM-1"))
    office.run(office.row("TM-2", " ADA.Lind@Example.COM "))
    assert len(office.told) == 1


def test_of_two_starts_at_the_same_moment_one_runs(office: Office, tmp_path: Path) -> None:
    office.reports(*office.many(20))
    other = Service(office.service.sandbox, office.service.services.settings).services

    def begin(services: Services, key: str) -> int | str:
        try:
            return run_starts.start(services, key=key, started_by="alice")
        except ledger.AlreadyUnderWay as why:
            return str(why)

    outcomes = at_once(lambda: begin(office.service.services, "a"), lambda: begin(other, "b"))
    other.database.dispose()
    (run_id,) = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert office.over(run_id)["customers"] == 20
    assert len(office.told) == 20


def test_the_schedules_run_after_a_command_in_the_same_week_sends_nobody_a_second_message(office: Office) -> None:
    office.run(office.row("TM-1"))
    office.reports(office.row("TM-1"), office.row("TM-2"), office.row("TM-3", "b@example.com"))
    run_id = run_starts.start(office.service.services, key="schedule 2026-11-16T08:00", started_by="schedule")
    office.over(run_id)
    assert office.told == [(ADA, ["TM-1"]), ("b@example.com", ["TM-3"])]


@pytest.mark.long
def test_a_run_that_goes_out_in_a_later_week_than_it_was_planned_in_uses_up_that_weeks_message(office: Office) -> None:
    office.webhook.down()
    office.reports(office.row("TM-1"))
    run_id = office.start()
    office.waits(run_id)
    office.a_week_passes()
    office.webhook.up()
    office.over(run_id)
    office.run(office.row("TM-1"), office.row("TM-2"))
    assert office.told == [(ADA, ["TM-1"])]


# What is reported


def test_a_closing_is_never_told_again_also_when_the_rows_address_was_edited(office: Office) -> None:
    office.run(office.row("TM-1"))
    office.a_week_passes()
    run = office.run(office.row("TM-1", "new.address@example.com"))
    assert (run["already_reported"], len(office.told)) == (1, 1)


def test_the_first_run_sets_the_window_and_no_later_one_moves_it(office: Office) -> None:
    office.run(office.row("TM-1"))
    first = office.window()
    assert first == office.today - timedelta(days=7)
    with office.changed(digest_first_window_days=60):
        office.run(since=office.today - timedelta(days=90))
    assert office.window() == first


def test_since_takes_another_start_for_one_run_alone(office: Office) -> None:
    rows = [office.row("TM-1"), office.row("TM-2", "b@example.com", days_ago=30)]
    run = office.run(*rows, since=office.today - timedelta(days=30))
    assert run["window_starts_on"] == (office.today - timedelta(days=30)).isoformat()
    assert [address for address, _ in office.told] == [ADA, "b@example.com"]
    assert office.run(*rows)["window_starts_on"] == office.window().isoformat()


def test_an_imported_day_is_the_window_and_closings_of_that_day_are_told(office: Office, tmp_path: Path) -> None:
    old = tmp_path / "last_run_date.json"
    old.write_text(f'{{"last_run_date": "{office.today - timedelta(days=20):%d/%m/%Y}"}}')
    office.service.write(ledger.import_last_run, old, "alice")
    office.run(*(office.row(f"TM-{days}", f"c{days}@example.com", days_ago=days) for days in (1, 20, 21)))
    assert [address for address, _ in office.told] == ["c1@example.com", "c20@example.com"]


def test_an_empty_report_is_a_run_without_customers(office: Office) -> None:
    office.reports()
    run = office.over(office.start())
    assert (run["state"], run["customers"], run["rows_read"]) == ("completed", 0, 0)
    assert office.webhook.posts == []


# A plan that is cut off, and faults of the program


@pytest.mark.long
def test_a_plan_that_was_cut_off_is_made_again_from_the_report_as_it_is_then(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_batch, calls = ledger.plan_batch, []

    def cut_off(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise OSError("the disk is full")
        plan_batch(*args)

    monkeypatch.setattr(ledger, "plan_batch", cut_off)
    office.reports(*office.many(8))
    with office.changed(digest_batch_size=2):
        run_id = office.start()
        assert "met a fault (OSError)" in office.waits(run_id)["error"]
        office.reports(*office.many(8), office.row("TM-8", "c0008@example.com"))
        run = office.over(run_id)
    assert (run["already_reported"], run["for_next_week"], run["customers"]) == (0, 0, 9)
    assert len({address for address, _ in office.told}) == len(office.told) == 9


def test_a_fault_of_the_program_is_told_and_tried_again_at_leisure(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def broken(*_args: object) -> None:
        tries.append(now())
        raise ZeroDivisionError(ADA)

    monkeypatch.setattr("app.digest.workflow.group_by_customer", broken)
    office.reports(office.row("TM-1"))
    with office.changed(retry_minutes=(60.0,)):
        run_id = office.start()
        run = office.waits(run_id)
    assert run["error"] == "The program met a fault (ZeroDivisionError); the log has more."
    monkeypatch.setattr("app.digest.workflow.group_by_customer", group_by_customer)
    office.service.execute(update(DigestRun).values(next_try_at=now()))
    assert office.over(run_id)["customers"] == 1
    assert len(tries) == 1


# The sources


def test_a_whole_run_from_a_google_spreadsheet(office: Office, google: GoogleServer, tmp_path: Path) -> None:
    google.add("1aBc", [HEADINGS, office.row("TM-1"), [], office.row("TM-2", "b@example.com")])
    with office.changed(**google_settings(google, tmp_path)):
        run = office.over(office.start())
    assert (run["state"], run["source"]) == ("completed", "sheets:1aBc!Sheet1!A:F")
    assert office.told == [(ADA, ["TM-1"]), ("b@example.com", ["TM-2"])]


def test_a_whole_run_from_an_excel_file_with_real_dates(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "weekly.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        as_day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, office.row("TM-1")[:5])
        sheet.write_datetime(1, 5, office.today - timedelta(days=1), as_day)
    office.over(office.start(source=f"file:{path}"))
    assert office.told == [(ADA, ["TM-1"])]
    assert f"{office.today - timedelta(days=1):%d-%b-%Y}" in office.webhook.messages[0].body


def test_a_whole_run_from_s3(office: Office, bucket: BucketServer) -> None:
    office.reports(office.row("TM-1"))
    bucket.buckets["reports"] = {"weekly.csv": office.path.read_bytes()}
    office.over(office.start(source="s3://reports/weekly.csv"))
    assert office.told == [(ADA, ["TM-1"])]


def test_every_message_that_was_mailed_is_in_the_ledger_and_the_other_way_round(office: Office) -> None:
    with office.changed(digest_batch_size=7):
        office.run(*office.many(40))
    accepted = select(func.count()).select_from(DigestMessage).where(DigestMessage.state == "accepted")
    assert office.service.scalar(accepted) == len(office.told) == 40


def test_a_run_that_is_done_is_told_as_an_event_without_anybodys_address(office: Office) -> None:
    with office.changed(events_url="http://127.0.0.1:1", events_secret=SecretStr("whsec_" + "A" * 32)):
        run = office.run(office.row("TM-1"))
    (row,) = office.service.rows(select(Outgoing))
    assert (row.kind, row.content["customers"], row.content["tickets"]) == ("digest.sent", 1, 1)
    assert row.content["links"]["run"] == f"https://orders.example.com/console/digest/runs/{run['run']}"
    assert "ada" not in str(row.content).casefold()
