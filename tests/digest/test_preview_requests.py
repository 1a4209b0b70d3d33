"""A preview that a person asked for: made in the background, by one process at a time, and never half."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app import create_app
from app.digest import preview_requests
from app.digest.report.sources import ReportRows
from app.models import DigestMessage, DigestPreview, DigestRun, DigestWindow, PreviewState, now
from tests.conftest import wait_for
from tests.digest.conftest import Office
from tests.tools.command_runs import commands

SETTLED = (PreviewState.DONE, PreviewState.FAILED)


def newest(office: Office) -> DigestPreview:
    return office.service.read(preview_requests.newest)


def made(office: Office, by: str = "alice") -> DigestPreview:
    """The preview that somebody asks for now, once it is done or has failed."""
    asked = preview_requests.ask(office.service.services, by)
    return wait_for(lambda: (found := newest(office)).id == asked and found.state in SETTLED and found)


def count(office: Office, table: Any) -> int:
    return office.service.scalar(select(func.count()).select_from(table))


def test_a_preview_tells_what_the_run_then_does_and_leaves_nothing_behind(office: Office) -> None:
    office.reports(office.row("TM-1"), office.row("TM-2", "b@example.com"), office.row("TM-3", date="31/02/2026"))
    found = made(office).result
    assert (found["customers"], found["tickets"], found["set_aside"], found["rows_read"]) == (2, 2, 1, 3)
    assert count(office, DigestRun) == count(office, DigestMessage) == count(office, DigestWindow) == 0
    assert office.told == []
    run = office.run()
    assert {message["email"] for message in found["messages"]} == {told["email"] for told in run["customers_told"]}
    assert made(office).result["already_reported"] == 2


def test_of_a_large_report_the_counts_are_whole_and_the_rest_is_cut(office: Office) -> None:
    bad = [office.row(f"TX-{number}", "nowhere") for number in range(300)]
    long = [office.row(f"TL-{number:03}", "aa@example.com") for number in range(100)]
    office.reports(*office.many(300), *bad, *long)
    found = made(office).result
    assert (found["customers"], found["set_aside"]) == (301, 300)
    assert (len(found["messages"]), len(found["rows_set_aside"])) == (200, 200)
    assert max(len(message["body"]) for message in found["messages"]) <= preview_requests.LONGEST_BODY + 2


def test_only_the_newest_is_kept(office: Office) -> None:
    office.reports(office.row("TM-1"))
    first, second = made(office, "alice"), made(office, "bob")
    assert second.id != first.id
    assert count(office, DigestPreview) == 1
    assert newest(office).asked_by == "bob"


def test_a_report_that_can_not_be_read_is_told_as_the_reason(office: Office) -> None:
    failed = made(office)
    assert failed.state == PreviewState.FAILED
    assert "There is no report file" in failed.error


def test_texts_that_can_not_be_used_are_told_as_the_reason(office: Office, tmp_path: Path) -> None:
    office.reports(office.row("TM-1"))
    with office.changed(digest_delivery="mail", ticket_template_dir=tmp_path / "nowhere"):
        assert "digest.txt" in made(office).error


def test_a_fault_of_the_program_is_told_and_ends_the_preview(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any, **_options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(preview_requests.preview, "outlook", broken)
    assert "ZeroDivisionError" in made(office).error


@pytest.fixture
def held(office: Office, monkeypatch: pytest.MonkeyPatch) -> int:
    """The engine takes the preview, and goes no further: as while a large report is read."""
    monkeypatch.setattr(preview_requests, "_make", lambda _services, _preview_id: "held")
    office.reports(office.row("TM-1"))
    return preview_requests.ask(office.service.services, "alice")


def test_a_second_press_while_one_is_made_shows_that_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.reports(office.row("TM-1"))
    services = office.service.services
    monkeypatch.setattr(services.work_queue, "is_going", lambda _workflow_id: True)
    monkeypatch.setattr(preview_requests, "_make", lambda _services, _preview_id: "held")
    assert preview_requests.ask(services, "alice") == preview_requests.ask(services, "bob")
    assert newest(office).asked_by == "alice"


def test_a_preview_that_nothing_works_on_any_more_is_shown_as_failed(office: Office, held: int) -> None:
    services = office.service.services
    wait_for(lambda: not services.work_queue.is_going(preview_requests.workflow_id(newest(office))))
    with office.database.write() as session:
        session.execute(update(DigestPreview).values(asked_at=now() + timedelta(hours=1)))  # the clock was set back
    preview_requests.fail_broken_off(services)
    assert newest(office).state == PreviewState.FAILED
    assert "Ask for it again" in newest(office).error


def test_a_preview_that_nothing_works_on_any_more_keeps_nobody_from_another(
    office: Office, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = office.service.services
    wait_for(lambda: not services.work_queue.is_going(preview_requests.workflow_id(newest(office))))
    monkeypatch.undo()
    assert made(office, "bob").state == PreviewState.DONE


def test_the_progress_names_the_rows_that_were_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(preview_requests, "TELL_EVERY_SECONDS", 0)
    rows = [ReportRows(range(count), *[[""] * count] * 6) for count in (500, 700)]
    assert list(preview_requests._counting(told.append)(iter(rows))) == rows
    assert told == ["500 rows read", "1,200 rows read", "1,200 rows read; putting the messages together"]


@pytest.mark.sweep
def test_a_preview_whose_process_is_killed_is_made_by_the_next_one(tmp_path: Path) -> None:
    report = tmp_path / "large.csv"
    lines = (f"Ada,Lind,c{number}@example.com,TM-{number},Open,14/11/2026" for number in range(200_000))
    report.write_text("\n".join(["Firstname,Lastname,Email,Ticket,Status,Date", *lines]))
    with commands(tmp_path, report_source=f"file:{report}", digest_webhook_url="http://127.0.0.1:9/") as (_, process):
        services = create_app(process.settings).extensions["services"]

        def asked() -> DigestPreview | None:
            with services.database.read() as session:
                return preview_requests.newest(session)

        preview_requests.ask(services, "alice")
        process.start(wait=False)
        wait_for(lambda: "ead" in asked().progress)
        process.kill()
        assert asked().state == PreviewState.RUNNING
        process.start(wait=False)
        wait_for(lambda: asked().state == PreviewState.DONE)
        assert asked().result["rows_read"] == 200_000
        services.database.dispose()
