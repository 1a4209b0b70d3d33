"""The plans as staff see them: what UTOPIA's contracts had, what it is sold as, and how many orders wait for it."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from app.models import Order, OrderState, PlanSeen, ServicePlanMapping
from app.provisioning.plans.mapping import plan_key
from app.provisioning.plans.plan_table import can_be_mapped
from app.provisioning.plans.plans_seen import key_of
from app.provisioning.problems import UNKNOWN_PLAN


@dataclass(frozen=True)
class PlanLine:
    """A plan: the service that it is sold as (None: not mapped), the orders that wait for it, where it was seen last.

    `seen` is None where no contract had it yet. `can_be_mapped` is False for a description that is too long.
    """

    description: str
    service_id: int | None
    waiting: int
    seen: PlanSeen | None
    can_be_mapped: bool


@dataclass(frozen=True)
class PlansOverview:
    """All plans, unmapped ones first, and what every new account gets besides.

    `ready` is the number of orders that still wait, though all their plans are mapped by now.
    """

    plans: Sequence[PlanLine]
    additional: Sequence[ServicePlanMapping]
    ready: int


def overview(session: Session) -> PlansOverview:
    """The plans as they stand; reads the orders that wait for a plan once, and no other orders."""
    mappings = session.scalars(select(ServicePlanMapping).order_by(ServicePlanMapping.description)).all()
    mapped = {row.key: row for row in mappings if not row.additional}
    seen = {row.key: row for row in session.scalars(select(PlanSeen))}
    waiting, names, ready = Counter[str](), dict[str, str](), 0
    for unknown, orders in _waiting(session):
        names |= {key_of(name): name for name in unknown}
        waiting.update(dict.fromkeys(map(key_of, unknown), orders))
        ready += orders if {plan_key(name) for name in unknown} <= set(mapped) else 0
    described = names | {key: row.description for key, row in (seen | mapped).items()}
    sold_as = {key: row.service_id for key, row in mapped.items()}
    lines = [
        PlanLine(description, sold_as.get(key), waiting[key], seen.get(key), can_be_mapped(description))
        for key, description in described.items()
    ]
    lines.sort(key=lambda line: (line.service_id is not None, -line.waiting, line.description.casefold()))
    return PlansOverview(lines, [row for row in mappings if row.additional], ready)


def _waiting(session: Session) -> Iterator[tuple[Sequence[str], int]]:
    """The sets of plans that orders wait for, each with the number of orders that wait for exactly these."""
    account = cast(Order.account, Text)
    stopped = (Order.state == OrderState.NEEDS_REVIEW, Order.problem == UNKNOWN_PLAN.code)
    for stored, orders in session.execute(select(account, func.count()).where(*stopped).group_by(account)):
        yield (json.loads(stored or "null") or {}).get("unknown_plans", []), orders
