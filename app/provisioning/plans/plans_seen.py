"""Which plans UTOPIA's contracts had: the list from which staff map them."""

from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.models import PlanSeen
from app.provisioning.plans.mapping import monthly_descriptions, plan_key
from app.storage.database import connection_of
from utopia import Contract

LONGEST = 200
"""In characters, of a description and of its key. A longer one is kept cut: it is shown, but can't be mapped."""


def key_of(description: str) -> str:
    """The key of a plan's row, cut where it is too long for any mapping."""
    return plan_key(description)[:LONGEST]


def record(session: Session, orderref: str, contract: Contract) -> None:
    """Note the contract's monthly plans, in the transaction that stores the contract.

    Each key is written once and in sorted order, so that two transactions can't deadlock.
    """
    connection = connection_of(session)
    names = {key_of(name): name[:LONGEST] for name in monthly_descriptions(contract.items)}
    for key, name in sorted(names.items()):
        if key:
            row = {"key": key, "description": name, "last_orderref": orderref}
            connection.execute(UPSERT[connection.dialect.name], row)


def _upserting(dialect: Any) -> Executable:
    statement = dialect.insert(SEEN)
    changes = {name: statement.excluded[name] for name in ("last_seen_at", "last_orderref")}
    upserting: Executable = statement.on_conflict_do_update(index_elements=["key"], set_=changes)
    return upserting


SEEN = PlanSeen.__table__
UPSERT = {"sqlite": _upserting(sqlite), "postgresql": _upserting(postgresql)}
