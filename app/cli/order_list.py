"""`flask orders list`: the orders as a table, as CSV, or as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import click
from flask.cli import with_appcontext

from app.cli.base import PROBLEM, as_json, ready_services, show
from app.models import OrderState
from app.provisioning import order_search
from app.provisioning.order_search import FoundOrder
from app.wording.csv_lines import csv_line
from app.wording.json_fields import json_fields
from app.wording.state_words import in_words

COLUMNS = {
    "orderref": "order",
    "state": "state",
    "person": "person",
    "address": "address",
    "plan": "plan",
    "customer_id": "customer",
    "ticket_id": "ticket",
    "problem": "problem",
    "reason": "reason",
    "received_at": "received",
    "finished_at": "finished",
}


@click.command("list")
@with_appcontext
@click.option("--state", type=click.Choice([state.value for state in OrderState]), help="Only orders in this state.")
@click.option("--problem", type=PROBLEM, help="Only orders that stopped for this reason.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="The newest so many.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@as_json
def list_orders(state: str | None, problem: str | None, limit: int, as_csv: bool, as_json: bool) -> None:
    """List orders, the newest first."""
    wanted = order_search.Wanted(state=state, problem=problem)
    with ready_services().database.read() as session:
        found = order_search.find(session, wanted, limit=limit)
    if as_csv:
        click.echo("".join(_csv(found.orders)), nl=False)
    else:
        show([_as_json(order) for order in found.orders], as_json=as_json, in_words=_table)
    if found.more:
        click.echo(f"These are the newest {limit} of {found.total}; --limit shows more.", err=True)


def _as_json(order: FoundOrder) -> dict[str, Any]:
    return json_fields(order, *(field.name for field in fields(order) if field.name != "id"))


def _csv(orders: Sequence[FoundOrder]) -> Iterator[str]:
    yield csv_line(COLUMNS.values())
    for order in orders:
        values = {**_as_json(order), "state": in_words(order.state)}
        yield csv_line(values[name] for name in COLUMNS)


def _table(orders: Sequence[dict[str, Any]]) -> str:
    if not orders:
        return "No orders."
    rows = [("order", "state", "person", "customer", "why"), *map(_row, orders)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    )


def _row(order: dict[str, Any]) -> tuple[str, ...]:
    person, why = str(order["person"] or "-")[:30], " ".join(str(order["reason"] or "").split())
    return (order["orderref"], in_words(order["state"]), person, str(order["customer_id"] or "-"), why)
