"""`flask orders missing` and `flask accounts`: what follows an order's account."""

import time
from typing import Any

import click
from sqlalchemy import select

from app.aftercare import customer_statuses, missing_orders, reconciliation
from app.aftercare.switches import ACTIVATION
from app.cli.base import Commands, as_json, operator, ready_services, show
from app.cli.following import LOOK_EVERY_SECONDS, follow
from app.cli.orders import AT_REST, no_wait, orders
from app.models import Order, Reconciliation, RunState
from app.services import Services
from app.wording.json_fields import json_fields

ALL = "all"
accounts = Commands("accounts", help="What follows an order's account.")


@accounts.command("inactive")
@click.option("--now", is_flag=True, help="Read everybody's status again first, one after the other.")
@as_json
def list_inactive(now: bool, as_json: bool) -> None:
    """List the customers whom an order made and who are not active yet, as they were when they were read last."""
    ready = ready_services()
    if not ACTIVATION.is_on(ready.settings):
        raise click.ClickException("ACTIVATION=off: nobody's status is read, and nobody is listed")
    left = _read_all(ready) if now else 0
    with ready.database.read() as session:
        rows = [_inactive(one) for one in customer_statuses.inactive(session, limit=1_000_000)]
    show(rows, as_json=as_json, in_words=_inactive_in_words)
    if now:
        _say_what_was_not_read(left, [row for row in rows if row["error"]])


def _read_all(ready: Services) -> int:
    """Read everybody's status; returns how many were left, as orders go first."""
    while customer_statuses.take_up(ready):
        pass
    with ready.database.write() as session:
        customer_statuses.ask(session)
    while read := customer_statuses.read_due(ready):
        click.echo(f"  {read} asked about", err=True)
        if read < customer_statuses.BATCH:
            break  # that was the last batch, or PowerCode gave no usable answer several times in a row
    with ready.database.read() as session:
        return customer_statuses.unread(session)


def _say_what_was_not_read(left: int, failed: list[dict[str, Any]]) -> None:
    if left:
        who = "1 customer was" if left == 1 else f"{left} customers were"
        raise click.ClickException(f"{who} not read: PowerCode gives no usable answer, or an order is at work there")
    if failed:
        who = "1 customer" if len(failed) == 1 else f"{len(failed)} customers"
        first = f"{failed[0]['orderref']}: {failed[0]['error']}"
        raise click.ClickException(f"{who} could not be read, such as that of {first}")


def _inactive(one: customer_statuses.Inactive) -> dict[str, Any]:
    return {
        "orderref": one.order.orderref,
        "person": one.found.person if one.found else "",
        "address": one.found.address if one.found else "",
        "made_at": one.order.finished_at.isoformat(timespec="milliseconds") if one.order.finished_at else None,
        **json_fields(one.status, "customer_id", "read_at", "router", "error"),
        "status": one.status.status or None,
    }


def _inactive_in_words(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "Nobody is waiting to be active, as far as their status was read."
    return "\n".join(
        f"{row['orderref']:24} {row['customer_id']:>8}  {row['status'] or 'status not known':13} "
        f"router {row['router'].replace('_', ' '):10} {row['person']}, {row['address']}"
        for row in rows
    )


@orders.command("missing")
@click.option("--take-in", "take_in", metavar="REF|all", help="Take in one of them, or all.")
@no_wait
@as_json
def list_missing(take_in: str | None, no_wait: bool, as_json: bool) -> None:
    """Ask UTOPIA for its orders, and list those that never called back. Nothing starts by itself."""
    ready = ready_services()
    run = _compare(ready)
    if take_in is None:
        rows = _rows(ready)
        if as_json or rows or reconciliation.can_tell(run):
            show(rows, as_json=as_json, in_words=_in_words)
    else:
        taken = _take_in(ready, take_in)
        states = {} if no_wait else _follow(ready, taken)
        show(
            [{"orderref": each, "state": states.get(each, "received")} for each in taken],
            as_json=as_json,
            in_words=lambda rows: (
                "\n".join(f"{row['orderref']} is {row['state']}." for row in rows) or "Nothing to do."
            ),
        )
    if run.state != RunState.COMPLETED:
        raise click.ClickException(f"UTOPIA could not be asked: {run.error}")
    if not reconciliation.can_tell(run):
        raise click.ClickException(f"Can't tell: {run.error}")


def _compare(ready: Services) -> Reconciliation:
    """Compare now, in this process; if the service is comparing already, wait for that."""
    with ready.database.write() as session:
        number = reconciliation.ask(session, operator())
    while True:
        reconciliation.carry_out(ready, number)
        with ready.database.read() as session:
            run = session.get_one(Reconciliation, number)
        if run.state != RunState.RUNNING:
            return run
        time.sleep(LOOK_EVERY_SECONDS)


def _take_in(ready: Services, which: str) -> list[str]:
    with ready.database.write() as session:
        named = [row.orderref for row in missing_orders.listed(session).missing] if which == ALL else [which]
        return missing_orders.take_in(ready, session, named, operator())


def _follow(ready: Services, orderrefs: list[str]) -> dict[str, str]:
    """The orders' states once all of them rest."""
    if not orderrefs:
        return {}
    return follow(
        ready,
        lambda: _states(ready, orderrefs),
        says=lambda states: [f"{orderref}: {state}" for orderref, state in states.items()],
        rests=lambda states: not set(states.values()) - AT_REST,
    )


def _states(ready: Services, orderrefs: list[str]) -> dict[str, str]:
    with ready.database.read() as session:
        found = select(Order.orderref, Order.state).where(Order.orderref.in_(orderrefs))
        return dict(session.execute(found).all())


def _rows(ready: Services) -> list[dict[str, Any]]:
    with ready.database.read() as session:
        listed = missing_orders.listed(session)
    kinds = (("missing", listed.missing), ("not_to_come", listed.others), ("older", listed.older))
    names = ("orderref", "found_at", "person", "address", "plan", "status", "said")
    return [{"kind": kind, **json_fields(row, *names)} for kind, rows in kinds for row in rows]


def _in_words(rows: list[dict[str, Any]]) -> str:
    here = [row for row in rows if row["kind"] == "missing"]
    if not here:
        return "No order is missing."
    return "\n".join(f"{row['orderref']:24} {_told(row)}" for row in here)


def _told(row: dict[str, Any]) -> str:
    """What UTOPIA says about an order, in one line."""
    return ", ".join(row[name] for name in ("person", "address", "plan") if row[name]) or row["said"] or "-"
