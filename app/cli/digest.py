"""`flask digest`: the weekly mail to customers about their closed tickets."""

import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from app.cli.base import Commands, as_json, operator, ready_services, section, show
from app.cli.following import follow
from app.cli.forget import forget_address
from app.digest import ledger, preview, result_words, run_json, run_starts
from app.digest.report.sources import parse_source
from app.models import DigestRun, Notice, NoticeState, RunState
from app.services import Services
from app.setup.settings_in_use import fault_of_running
from app.wording.placeholders import TemplateFault

digest = Commands("digest", help="The weekly mail to customers about their closed tickets.")
digest.add_command(forget_address)


@digest.command("run")
@click.option("--dry-run", is_flag=True, help="Read the report and show what would go out; send and store nothing.")
@click.option("--source", help="Another report than REPORT_SOURCE.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%d/%m/%Y"]), help="Another start of the window.")
@click.option("--no-wait", is_flag=True, help="Do not follow the run to its end.")
@as_json
def run(dry_run: bool, source: str | None, since: datetime | None, no_wait: bool, as_json: bool) -> None:
    """Tell customers now; whoever had this week's message gets none."""
    ready = ready_services()
    if not (source or ready.settings.report_source):
        raise click.ClickException("There is no report: set REPORT_SOURCE, or give --source")
    report, first_day = source or str(ready.settings.report_source), since.date() if since else None
    parse_source(report)
    if dry_run:
        _dry_run(ready, report, first_day, as_json=as_json)
        return
    if ready.settings.digest_delivery == "webhook" and not ready.settings.digest_webhook_url:
        raise click.ClickException("DIGEST_WEBHOOK_URL is not set; or set DIGEST_DELIVERY=mail")
    if former := fault_of_running(ready.settings):
        raise click.ClickException(former)
    key = f"command {uuid.uuid4()}"
    run_id = run_starts.start(ready, key=key, started_by=operator(), source=source, since=first_day)
    _follow(ready, run_id, no_wait=no_wait, as_json=as_json)


@digest.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=60, show_default=True, help="The newest so many.")
@as_json
def list_runs(limit: int, as_json: bool) -> None:
    """List the runs, the newest first."""
    with ready_services().database.read() as session:
        runs = session.scalars(select(DigestRun).order_by(DigestRun.id.desc()).limit(limit)).all()
        rows = [run_json.summary(session, run) for run in runs]
    show(rows, as_json=as_json, in_words=_list_in_words)


@digest.command("show")
@click.argument("run_id", metavar="RUN", type=click.IntRange(1, 2**31 - 1))
@as_json
def show_run(run_id: int, as_json: bool) -> None:
    """Show one run: who was told what, with which outcome, and which rows were set aside."""
    show(_whole(ready_services(), run_id), as_json=as_json, in_words=_in_words)


@digest.command("import-last-run")
@click.argument("file", type=click.Path(path_type=Path))
def import_last_run(file: Path) -> None:
    """Take over where the old utility stopped: its last_run_date.json becomes the window's start."""
    with ready_services().database.write() as session:
        starts_on = ledger.import_last_run(session, file, operator())
    click.echo(f"Closings from {starts_on} on will be reported, that day included.")


def _dry_run(ready: Services, source: str, since: date | None, *, as_json: bool) -> None:
    try:
        content = _preview(preview.outlook(ready.settings, ready.database, source, since))
    except TemplateFault as fault:
        raise click.ClickException(f"The digest's templates can't be used: {fault}") from None
    show(content, as_json=as_json, in_words=_preview_in_words)


def _preview(found: preview.Outlook) -> dict[str, Any]:
    return {
        **found.numbers(),
        "messages": [found.message(digest) for digest in found.due],
        "for_next_week": [found.message(digest) for digest in found.for_next_week],
        "rows_set_aside": [run_json.set_aside(row) for row in found.selection.set_aside],
    }


def _whole(ready: Services, run_id: int) -> dict[str, Any]:
    with ready.database.read() as session:
        found = session.get(DigestRun, run_id)
        if found is None:
            raise click.ClickException(f"There is no run {run_id}; `digest list` shows all")
        return run_json.whole(session, found)


def _follow(ready: Services, run_id: int, *, no_wait: bool, as_json: bool) -> None:
    """Show the run's progress; executes it here when no service does."""
    if no_wait:
        started = f"Run {run_id} is started; see: digest show {run_id}"
        show(_whole(ready, run_id), as_json=as_json, in_words=lambda _run: started)
        return
    state = follow(ready, lambda: _state(ready, run_id), says=_progress, rests=_rests)
    show(_whole(ready, run_id), as_json=as_json, in_words=_in_words)
    if state["state"] != RunState.COMPLETED:
        raise click.ClickException(f"Run {run_id} is {state['state']}: {state['error']}")
    if state["messages"]["refused"]:
        raise click.ClickException(f"{state['messages']['refused']} messages were refused; see: digest show {run_id}")


def _state(ready: Services, run_id: int) -> dict[str, Any]:
    with ready.database.read() as session:
        row = run_json.summary(session, session.get_one(DigestRun, run_id))
        return {**row, "tells_staff": any(map(_is_on_its_way, run_json.notices_of(session, run_id)))}


def _progress(row: dict[str, Any]) -> list[str]:
    total = sum(row["messages"].values())
    return [f"{row['customers']} of {total} customers told" if total else "reading the report"]


def _rests(row: dict[str, Any]) -> bool:
    return row["state"] != RunState.RUNNING and not row["tells_staff"]


def _is_on_its_way(notice: Notice) -> bool:
    """Whether a notice is being sent; not one that waits for the mail server, which may take days."""
    return notice.state == NoticeState.PENDING and notice.next_try_at is None


def _list_in_words(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "No runs."
    return "\n".join(
        f"{row['run']:>5}  {row['iso_week']}  {row['state']:10} {row['customers']:>6} customers "
        f"{row['tickets']:>6} tickets {row['messages']['refused']:>5} refused {row['set_aside']:>5} set aside  "
        f"{row['error'] or ''}".rstrip()
        for row in rows
    )


def _customers(count: int) -> str:
    return f"{count} customer{'s' if count != 1 else ''}"


def _in_words(run: dict[str, Any]) -> str:
    lines = [f"Run {run['run']} of {run['iso_week']}: {run['state']}"]
    lines += [f"  {run['error']}"] if run["error"] else []
    lines += [f"  next try at {run['next_try_at']}"] if run["next_try_at"] else []
    lines += [
        f"  {result_words.in_words(run['rows'], run['repeated'])}",
        f"  {_customers(run['customers'])} told of {run['tickets']} ticket{'s' if run['tickets'] != 1 else ''} closed "
        f"from {run['window_starts_on']} on, {_customers(run['for_next_week'])} left for next week",
    ]
    lines += section("Customers:", map(_message_in_words, run["customers_told"]))
    return "\n".join([*lines, *_set_aside_in_words(run)])


def _message_in_words(message: dict[str, Any]) -> str:
    tickets = ", ".join(f"{one['ticket']} ({one['closed_on']})" for one in message["tickets"])
    return f"{message['state']:9} {message['email']}: {tickets}  {message['error'] or ''}".rstrip()


def _set_aside_in_words(run: dict[str, Any]) -> list[str]:
    rows = run["rows_set_aside"]
    more = run.get("set_aside", 0) - len(rows)
    lines = [*map(result_words.row_in_words, rows), *([f"and {more} more"] if more > 0 else [])]
    return section("Rows set aside:", lines)


def _preview_in_words(preview: dict[str, Any]) -> str:
    lines = [
        f"Nothing is sent. {_customers(len(preview['messages']))} would be told of tickets closed from "
        f"{preview['window_starts_on']} on.",
        f"{result_words.in_words(preview['rows'], preview['repeated'])}.",
    ]
    for message in preview["messages"]:
        lines += ["", f"To: {message['full_name']} <{message['email']}>", f"Subject: {message['subject']}"]
        lines += [f"  {line}" for line in message["body"].splitlines()]
    if preview["for_next_week"]:
        waiting = _customers(len(preview["for_next_week"]))
        lines += ["", f"{waiting} had this week's message already; the next one tells the rest."]
    return "\n".join([*lines, *([""] if preview["rows_set_aside"] else []), *_set_aside_in_words(preview)])
