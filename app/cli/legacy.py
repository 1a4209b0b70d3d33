"""`flask import legacy`: take over what the scripts in use before have left behind."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select

from app.cli.base import Commands, as_json, operator, ready_services, section, show
from app.cli.following import follow
from app.models import Order, OrderState
from app.services import Services
from app.setup.legacy import environment, folder_import, leftovers
from app.setup.legacy.differences import differences
from app.setup.legacy.findings import Became, FileFound
from app.wording.json_fields import json_fields

import_ = Commands("import", help="Take over what other programs have left behind.")

AT_WORK = (OrderState.RECEIVED, OrderState.RUNNING)


@import_.command("legacy")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="The checklist for the day of the switch; take and start nothing.")
@click.option("--no-wait", is_flag=True, help="Do not follow the orders to their end.")
@as_json
def legacy(folder: Path, dry_run: bool, no_wait: bool, as_json: bool) -> None:
    """Take over what the old scripts left: orders, people, ticket texts, the last digest's day; compare their .env.

    Their files are only read. Done again, it changes nothing. docs/switching.md has the day of the switch.
    """
    ready = ready_services()
    if not folder.is_dir():
        raise click.ClickException(f"There is no folder {folder}")
    found = folder_import.take_over(ready, folder, operator(), dry_run=dry_run)
    if not folder_import.is_of_the_old_scripts(found):
        names = ", ".join((*folder_import.FILES, folder_import.TEXTS))
        raise click.ClickException(f"{folder} has none of these: {names}")
    orders = _orders(found)
    if orders and not dry_run and not no_wait:
        _follow(ready, orders)
    result = {"dry_run": dry_run, "files": [_file(each) for each in found], "orders": _states(ready, orders)}
    if dry_run:
        result |= _checklist(ready, folder, found)
    show(result, as_json=as_json, in_words=_in_words)
    failed = sum(each.counts().get(Became.NOT_TAKEN, 0) for each in found)
    if failed:
        raise click.ClickException(f"{failed} of what is in {folder} could not be taken; the report says what and why")


def _checklist(ready: Services, folder: Path, found: list[FileFound]) -> dict[str, Any]:
    """What changes with the switch, and what else to do on that day."""
    there = {each.name for each in found if each.is_there}
    changes = differences(environment.values_in(folder), ready.settings, has_last_run="last_run_date.json" in there)
    socket = leftovers.socket_of(folder)
    target = f"uWSGI's socket {socket}, as {leftovers.UWSGI} says" if socket else f"uWSGI's socket in {leftovers.UWSGI}"
    return {
        "differences": [asdict(each) for each in changes],
        "on_the_day": {
            "old_unit": leftovers.UNIT,
            "old_target_of_the_proxy": target,
            "new_target_of_the_proxy": f"http://{ready.settings.flask_host}:{ready.settings.flask_port}",
        },
    }


def _orders(found: list[FileFound]) -> list[str]:
    """The orders that were taken in."""
    (failed,) = (each for each in found if each.name == "failed_orders.json")
    return [entry.subject for entry in failed.entries if entry.became is Became.TAKEN]


def _follow(ready: Services, orders: list[str]) -> None:
    """Follow the orders until all of them rest."""
    follow(
        ready,
        lambda: _at_work(ready, orders),
        says=lambda left: [f"{len(orders) - left} of {len(orders)} orders looked at"],
        rests=lambda left: not left,
    )


def _at_work(ready: Services, orders: list[str]) -> int:
    with ready.database.read() as session:
        parts = [orders[start : start + 500] for start in range(0, len(orders), 500)]
        count = select(func.count()).select_from(Order).where(Order.state.in_(AT_WORK))
        return sum(session.scalar(count.where(Order.orderref.in_(part))) or 0 for part in parts)


def _states(ready: Services, orders: list[str]) -> list[dict[str, Any]]:
    """Where the orders that were taken in stand now."""
    with ready.database.read() as session:
        rows = [session.scalar(select(Order).filter_by(orderref=orderref)) for orderref in orders]
        return [json_fields(row, "orderref", "state", "reason") for row in rows if row]


def _file(found: FileFound) -> dict[str, Any]:
    entries = [vars(one) for one in found.entries]
    counts = {"entries": len(entries), **found.counts()}
    return {"file": found.name, "is_there": found.is_there, "counts": counts, "entries": entries}


def _in_words(result: dict[str, Any]) -> str:
    lines = ["Nothing is taken: this is what would be."] if result["dry_run"] else []
    for file in result["files"]:
        lines.append(f"{file['file']}: {_counts_in_words(file)}")
        lines += [_entry_in_words(entry) for entry in file["entries"]]
    orders = [f"{one['orderref']:24} {one['state']:13} {one['reason'] or ''}".rstrip() for one in result["orders"]]
    return "\n".join([*lines, *section("Where the orders stand:", orders), *_checklist_in_words(result)])


def _checklist_in_words(result: dict[str, Any]) -> list[str]:
    if not result["dry_run"]:
        return []
    lines = ["", "What will be different:"]
    for each in result["differences"]:
        lines += [
            f"  {each['what']}",
            f"    before:       {each['before']}",
            f"    from now on:  {each['from_now_on']}",
            f"    to keep it:   {each['to_keep']}",
        ]
    day = result["on_the_day"]
    return [
        *lines,
        "",
        "On the day, in the order of docs/switching.md:",
        f"  the old unit: systemctl disable --now {day['old_unit']}",
        f"  the proxy's old target: {day['old_target_of_the_proxy']} (in nginx: uwsgi_pass)",
        f"  the proxy's new target: {day['new_target_of_the_proxy']} (in nginx: proxy_pass, see deploy/nginx.conf)",
        "  the ticket script: switch off what starts it (a Windows task, run_util.bat), or customers are told twice",
    ]


def _counts_in_words(file: dict[str, Any]) -> str:
    """Such as "3 entries: 1 taken, 2 left out"."""
    if not file["is_there"]:
        return "not there"
    total, parts = file["counts"]["entries"], [f"{count} {what}" for what, count in file["counts"].items()][1:]
    return f"{total} {'entry' if total == 1 else 'entries'}: {', '.join(parts)}" if parts else "nothing in it"


def _entry_in_words(entry: dict[str, str]) -> str:
    became = entry["became"].upper() if entry["became"] == Became.NOT_TAKEN else entry["became"]
    return f"  {entry['subject']:32} {became:17} {entry['why']}".rstrip()
