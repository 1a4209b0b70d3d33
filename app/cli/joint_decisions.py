"""`flask orders resume --all`: let all orders of a cause go on, and show what became of each."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click
from sqlalchemy.orm import Session

from app.cli.base import operator, show
from app.cli.following import follow
from app.models import JointDecision, OrderState
from app.provisioning import review
from app.provisioning.actions import RESUME
from app.provisioning.causes import joint_decisions
from app.provisioning.causes.open_causes import OpenCause, open_causes
from app.provisioning.plans.mapping import plan_key
from app.provisioning.plans.plan_table import plan_table
from app.provisioning.problems import UNKNOWN_PLAN
from app.services import Services
from app.wording.json_fields import json_fields
from app.wording.state_words import in_words


def resume_all(ready: Services, problem: str, plan: str | None, *, no_wait: bool, as_json: bool) -> None:
    """Decide, then follow the orders until all of them rest."""
    try:
        with ready.database.write() as session:
            joint = [_decide(ready, session, one) for one in _meant(session, problem, plan)]
    except review.NotPossible as why:
        raise click.ClickException(f"Nothing was changed: {why}") from None
    if not joint:
        raise click.ClickException(_nobody(ready, problem, plan))
    found = _looked(ready, joint) if no_wait else _followed(ready, joint)
    show([_as_json(one) for one in found], as_json=as_json, in_words=_in_words)
    left = sum(one.states.get(OrderState.NEEDS_REVIEW, 0) for one in found)
    if left and not no_wait:
        raise click.ClickException(f"{left} of them {'needs' if left == 1 else 'need'} a person")


def _nobody(ready: Services, problem: str, plan: str | None) -> str:
    with ready.database.read() as session:
        away = sum(one.count for one in _meant(session, problem, plan, also_put_off=True))
    return "No order stands for that" + (f"; {away} would, and {'is' if away == 1 else 'are'} put off" if away else "")


def _meant(session: Session, problem: str, plan: str | None, *, also_put_off: bool = False) -> list[OpenCause]:
    found = open_causes(session, listed=0, also_put_off=also_put_off)
    found = [one for one in found if one.cause.problem.code == problem]
    return [one for one in found if plan is None or plan_key(plan) in one.cause.plan_keys]


def _decide(ready: Services, session: Session, one: OpenCause) -> JointDecision:
    if one.cause.problem is not UNKNOWN_PLAN:
        return joint_decisions.decide(session, operator(), RESUME, one.cause.key, newest=one.newest)
    sold = {plan_key(name): number for name, number in plan_table(session).plans.items()}
    unknown = [name for name in one.cause.plans if plan_key(name) not in sold]
    if unknown:
        raise review.NotPossible(f'first say what the plan is sold as: plans map "{unknown[0]}" SERVICE')
    plans = {name: sold[plan_key(name)] for name in one.cause.plans}
    joint = joint_decisions.sell(ready, session, operator(), plans)
    if joint is None:
        raise review.NotPossible("another plan of these orders has no number yet")
    return joint


def _followed(ready: Services, joint: Sequence[JointDecision]) -> list[joint_decisions.Progress]:
    """Follow the orders, with a line for each change."""
    return follow(
        ready,
        lambda: _looked(ready, joint),
        says=lambda found: [_counts(found)],
        rests=lambda found: all(one.rests or one.waits_for_a_person for one in found),
    )


def _looked(ready: Services, joint: Sequence[JointDecision]) -> list[joint_decisions.Progress]:
    with ready.database.read() as session:
        return [found for one in joint if (found := joint_decisions.progress(session, one.id))]


def _counts(found: Sequence[joint_decisions.Progress]) -> str:
    states = Counter[str]()
    for one in found:
        states.update(one.states)
    left = sum(one.left for one in found)
    return ", ".join([*(f"{count} {in_words(state)}" for state, count in states.items()), f"{left} still to do"])


def _as_json(one: joint_decisions.Progress) -> dict[str, Any]:
    orders = [json_fields(each, "orderref", "state", "reason") for each in one.orders]
    return {"cause": one.joint.words, "left": one.left, "states": dict(one.states), "orders": orders}


def _in_words(found: Sequence[dict[str, Any]]) -> str:
    lines = []
    for one in found:
        lines.append(f"{one['cause']}:")
        lines += [
            f"  {each['orderref']:24} {in_words(each['state']):12} {each['reason'] or ''}".rstrip()
            for each in one["orders"]
        ]
        more = sum(one["states"].values()) - len(one["orders"])
        lines += [f"  and {more} more"] if more else []
    return "\n".join(lines)
