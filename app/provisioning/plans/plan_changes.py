"""How staff change the plan table: each change is recorded with who made it, and orders that waited for it go on."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.models import JointDecision
from app.people import audit
from app.provisioning.causes import joint_decisions
from app.provisioning.causes.cause import keys_in
from app.provisioning.plans import plan_table, trials
from app.provisioning.plans.mapping import plan_key
from app.services import Services


class NotChanged(Exception):
    """The plan table stays as it is; the text says why."""


class ChangedMeanwhile(NotChanged):
    """Somebody else changed the plan since the person saw it; the text says what it is now."""


@dataclass(frozen=True)
class Plan:
    """A plan as the person saw it: `service_id` is None where it was not mapped."""

    description: str
    additional: bool
    service_id: int | None


def map_plan(services: Services, session: Session, by: str, plan: Plan, service_id: int) -> JointDecision | None:
    """Sell the plan as `service_id` from now on; returns what is kept with the orders that waited for it."""
    keep(session, by, plan, service_id)
    return None if plan.additional else joint_decisions.sell(services, session, by, {plan.description: service_id})


def keep(session: Session, by: str, plan: Plan, service_id: int) -> None:
    """Sell the plan as `service_id`, with the record of who said so; the orders that wait for it are the caller's."""
    _check_unchanged(session, plan)
    clash = plan_table.clash(session, plan.description, service_id, additional=plan.additional)
    if clash:
        raise NotChanged(clash)
    plan_table.map_plan(session, plan.description, service_id, additional=plan.additional)
    action = "plan mapped" if plan.service_id is None else "plan changed"
    audit.record(session, by, action, _subject(plan), f"{_named(plan.service_id)} to {_named(service_id)}")


def unmap_plan(session: Session, by: str, plan: Plan) -> None:
    """Stop selling the plan: orders for it will need a person."""
    _check_unchanged(session, plan)
    plan_table.unmap_plan(session, plan.description, additional=plan.additional)
    if not plan.additional:
        trials.end(session, plan.description)
    audit.record(session, by, "plan unmapped", _subject(plan), f"{_named(plan.service_id)} to {_named(None)}")


def resume_all(services: Services, session: Session, by: str) -> JointDecision | None:
    """Let every order go on that still waits for plans that are mapped by now."""
    plan_table.lock(session)
    table = plan_table.plan_table(session).plans
    causes = joint_decisions.waiting_for_plans(session, [plan_key(name) for name in table])
    waited_for = {key for cause in causes for key in keys_in(cause)}
    return joint_decisions.sell(
        services, session, by, {name: number for name, number in table.items() if plan_key(name) in waited_for}
    )


def _check_unchanged(session: Session, plan: Plan) -> None:
    """Raises `ChangedMeanwhile` when the plan differs from what the person saw: what a plan is sold as moves money."""
    plan_table.lock(session)
    found = plan_table.service_of(session, plan.description, additional=plan.additional)
    if found != plan.service_id:
        now = f"It is sold as service {found} by now" if found else "It is not mapped any more"
        raise ChangedMeanwhile(f"{now}, which this page did not show yet. Nothing was changed")


def _subject(plan: Plan) -> str:
    return f"{plan.description} (every new account)" if plan.additional else plan.description


def _named(service_id: int | None) -> str:
    return f"service {service_id}" if service_id else "not mapped"
