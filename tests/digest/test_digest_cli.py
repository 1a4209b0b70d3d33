"""`flask digest`, as whoever keeps the server types it."""

import csv
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text

from app.models import Base
from app.running.background import Background
from app.storage.database import Database
from sandbox import Sandbox
from tests.conftest import settings_for
from tests.digest.conftest import HEADINGS, Office
from tests.digest.report.google_server import GoogleServer
from tests.tools.processes import ServiceProcess

Command = Callable[..., Result]


@pytest.fixture
def flask(office: Office) -> Command:
    """Runs a command in this process, with the service beside it."""

    def run(*arguments: object, fails: bool = False) -> Result:
        result = office.service.app.test_cli_runner().invoke(args=["digest", *map(str, arguments)])
        assert (result.exit_code != 0) == fails, result.output
        return result

    return run


def one_line(result: Result) -> str:
    """The single line of error."""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def contents(database: Database) -> dict[str, Any]:
    """Every row of every table of ours."""
    with database.read() as session:
        return {table: session.execute(text(f"select * from {table}")).all() for table in Base.metadata.tables}


def follow(flask: Command, *arguments: object) -> Any:
    """A run by command, followed to its end, as JSON; the progress goes to stderr."""
    return json.loads(flask("run", "--json", *arguments).stdout)


@pytest.fixture
def beside(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's service executes, as it does beside a real command; the library allows one executor a process."""
    for verb in ("start", "stop"):
        monkeypatch.setattr(Background, verb, lambda _self: None)


def test_a_dry_run_reads_the_real_source_and_writes_and_sends_nothing(
    office: Office, flask: Command, google: GoogleServer, tmp_path: Path
) -> None:
    google.add("1aBc", [HEADINGS, office.row("TM-1"), office.row("TM-2", "b@example.com", date="31/02/2026")])
    before = contents(office.database)
    key_file = google.key_file(tmp_path)
    with office.changed(google_service_account_file=key_file, google_sheets_endpoint=google.address):
        shown = flask("run", "--dry-run", "--source", "sheets:1aBc!Sheet1!A:F").output
    assert contents(office.database) == before
    assert (office.webhook.posts, office.service.sandbox.mailbox.messages) == ([], [])
    assert (
        "To: Ada LIND <ada.lind@example.com>\nSubject: Ticket status report\n  Ticket no. TM-1 was closed on" in shown
    )
    assert "Rows set aside:\n  row 3: " in shown
    assert "1 customer would be told" in shown


def test_a_dry_run_shows_each_message_as_it_then_goes_out(office: Office, flask: Command) -> None:
    office.reports(*office.many(3), office.row("TM-9", "c0001@example.com", days_ago=2))
    shown = json.loads(flask("run", "--dry-run", "--json").stdout)
    office.run()
    sent = [(mail.to, mail.entry["email"]["subject"], mail.body) for mail in office.webhook.messages]
    assert [(one["email"], one["subject"], one["body"]) for one in shown["messages"]] == sent
    assert sorted(shown) == [
        "already_reported",
        "for_next_week",
        "messages",
        "repeated",
        "rows",
        "rows_read",
        "rows_set_aside",
        "window_starts_on",
    ]


def test_a_dry_run_shows_the_mail_where_digests_go_by_mail(office: Office, flask: Command, tmp_path: Path) -> None:
    (tmp_path / "digest.txt").write_text("Subject: {count} closed\n\nDear {full_name}: {ticket}\n")
    (tmp_path / "digest.html").write_text("<p>{ticket}</p>\n")
    office.reports(office.row("TM-1"))
    with office.changed(digest_delivery="mail", ticket_template_dir=tmp_path):
        (message,) = json.loads(flask("run", "--dry-run", "--json").stdout)["messages"]
        (tmp_path / "digest.html").write_text("<p>{tickets}</p>\n")
        assert "line 1: digest.html: unknown placeholder {tickets}" in one_line(flask("run", "--dry-run", fails=True))
    assert (message["subject"], message["body"]) == ("1 closed", "Dear Ada LIND: TM-1\n")


def test_a_dry_run_leaves_out_what_was_told_and_names_who_waits_for_next_week(office: Office, flask: Command) -> None:
    office.run(office.row("TM-1"))
    office.reports(office.row("TM-1"), office.row("TM-2"), office.row("TM-3", "b@example.com"))
    shown = json.loads(flask("run", "--dry-run", "--json").stdout)
    assert shown["already_reported"] == 1
    assert [one["email"] for one in shown["messages"]] == ["b@example.com"]
    assert [one["email"] for one in shown["for_next_week"]] == ["ada.lind@example.com"]
    assert "1 customer had this week's message" in flask("run", "--dry-run").output


def test_a_dry_run_takes_since_and_sets_no_window(office: Office, flask: Command) -> None:
    office.reports(office.row("TM-1", days_ago=30))
    since = office.today - timedelta(days=30)
    for written in (since.isoformat(), f"{since:%d/%m/%Y}"):
        shown = json.loads(flask("run", "--dry-run", "--json", "--since", written).stdout)
        assert (len(shown["messages"]), shown["window_starts_on"]) == (1, since.isoformat())
    assert office.window() is None


def test_run_follows_the_run_to_its_end_and_shows_who_was_told(office: Office, flask: Command, beside: None) -> None:
    office.reports(office.row("TM-1"), office.row("TM-2", date="soon"))
    result = flask("run")
    assert "completed" in result.stdout
    assert "accepted  ada.lind@example.com: TM-1 (" in result.stdout
    assert "row 3: " in result.stdout
    assert "1 of 1 customers told" in result.stderr


def test_run_ends_when_its_notice_is_out_so_that_staff_hear_of_it_without_a_service(
    office: Office, flask: Command, beside: None
) -> None:
    office.reports(office.row("TM-1"))
    flask("run")
    assert [mail["To"] for mail in office.service.sandbox.mailbox.messages] == ["office@example.com"]


def test_run_and_show_print_the_same_json(office: Office, flask: Command, beside: None) -> None:
    office.reports(office.row("TM-1"), office.row("TM-2", "nobody"))
    run = follow(flask)
    assert json.loads(flask("show", run["run"], "--json").stdout) == run
    assert (run["state"], run["customers"], run["tickets"], run["set_aside"]) == ("completed", 1, 1, 1)
    assert run["messages"] == {
        "planned": 0, "sending": 0, "accepted": 1, "refused": 0, "unknown": 0, "not_sent": 0,
    }  # fmt: skip
    (told,) = run["customers_told"]
    assert (told["email"], told["state"], [one["ticket"] for one in told["tickets"]]) == (
        "ada.lind@example.com",
        "accepted",
        ["TM-1"],
    )
    assert sorted(run["rows_set_aside"][0]) == ["date", "email", "name", "reason", "row", "ticket", "written"]
    for moment in (run["started_at"], run["finished_at"], told["sent_at"]):
        assert datetime.fromisoformat(moment).tzinfo is not None


def test_list_shows_the_newest_run_first(office: Office, flask: Command) -> None:
    assert flask("list").output.strip() == "No runs."
    for ticket in ("TM-1", "TM-2"):
        office.run(office.row(ticket, f"{ticket}@example.com"))
    newest, oldest = json.loads(flask("list", "--json").stdout)
    assert newest["run"] > oldest["run"]
    assert len(flask("list").output.splitlines()) == 2
    assert len(json.loads(flask("list", "--json", "--limit", "1").stdout)) == 1


def test_no_wait_leaves_the_run_to_the_service(office: Office, flask: Command) -> None:
    office.reports(office.row("TM-1"))
    assert "is started; see: digest show" in flask("run", "--no-wait").output
    assert office.over(office.runs()[0])["customers"] == 1


def test_a_run_that_waits_is_told_with_its_reason(office: Office, flask: Command, beside: None) -> None:
    with office.changed(retry_minutes=(60.0,)):
        result = flask("run", fails=True)
    assert f"is waiting: There is no report file at {office.path}" in result.stderr


def test_without_a_source_the_error_says_what_to_set(office: Office, flask: Command) -> None:
    with office.changed(report_source=None):
        assert "set REPORT_SOURCE, or give --source" in one_line(flask("run", fails=True))


def test_without_a_webhook_the_error_says_what_to_set(office: Office, flask: Command) -> None:
    with office.changed(digest_webhook_url=None):
        assert "DIGEST_WEBHOOK_URL is not set" in one_line(flask("run", fails=True))


def test_a_dry_run_of_an_unreadable_source_is_one_line(office: Office, flask: Command) -> None:
    assert "There is no report file" in one_line(flask("run", "--dry-run", fails=True))
    assert "It is written sheets:" in one_line(flask("run", "--dry-run", "--source", "report", fails=True))


def test_a_second_run_at_a_time_is_refused_with_the_number_of_the_first(office: Office, flask: Command) -> None:
    with office.changed(retry_minutes=(60.0,)):
        run_id = office.start()
        office.waits(run_id)
        assert one_line(flask("run", fails=True)) == f"Run {run_id} is waiting; see: digest show {run_id}"


def test_a_run_that_is_not_there_is_one_line(office: Office, flask: Command) -> None:
    assert one_line(flask("show", 4711, fails=True)) == "There is no run 4711; `digest list` shows all"


def test_the_old_utilitys_file_is_taken_over_once(office: Office, flask: Command, tmp_path: Path) -> None:
    old = tmp_path / "last_run_date.json"
    old.write_text('{"last_run_date": "05/11/2026"}')
    shown = flask("import-last-run", old).output
    assert shown.strip() == "Closings from 2026-11-05 on will be reported, that day included."
    assert office.window().isoformat() == "2026-11-05"
    assert "already starts on 2026-11-05" in one_line(flask("import-last-run", old, fails=True))
    old.write_text("{}")
    assert "already starts" in one_line(flask("import-last-run", old, fails=True))


@pytest.mark.sweep
def test_commands_work_without_a_service(sandbox: Sandbox, tmp_path: Path) -> None:
    report = tmp_path / "weekly.csv"
    settings = settings_for(
        sandbox, tmp_path, report_source=f"file:{report}", digest_webhook_url=sandbox.webhook.post_url
    )
    yesterday = datetime.now(settings.zone) - timedelta(days=1)
    _write(report, ["Ada", "Lind", "ada.lind@example.com", "TM-1", "Closed", f"{yesterday:%d/%m/%Y}"])
    with ServiceProcess(settings, tmp_path) as service:
        assert "db upgrade" in service.run("digest", "list").stderr
        assert service.run("db", "upgrade").returncode == 0
        done = service.run("digest", "run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["customers"] == 1
    assert [mail.to for mail in sandbox.webhook.messages] == ["ada.lind@example.com"]
    assert [mail["To"] for mail in sandbox.mailbox.messages] == ["office@example.com"]


def _write(path: Path, *rows: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADINGS, *rows])


def test_another_report_that_cannot_be_read_is_told_at_once_and_holds_up_no_other_run(
    office: Office, flask: Command, beside: None, tmp_path: Path
) -> None:
    said = flask("run", "--json", "--source", f"file:{tmp_path}/missing.csv", fails=True)

    assert json.loads(said.stdout)["state"] == "failed"
    assert "There is no report file" in said.stderr
    office.reports(office.row("TM-1"))
    assert follow(flask)["state"] == "completed"
