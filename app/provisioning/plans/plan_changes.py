"""How staff change the plan table: each change is recorded with who made it, and orders that waited for it go on."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.people import audit
from app.provisioning import lifecycle
from app.provisioning.plans import plan_table
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


def map_plan(services: Services, session: Session, by: str, plan: Plan, service_id: int) -> list[str]:
    """Sell the plan as `service_id` from now on; returns the orders that waited for it and go on."""
    keep(session, by, plan, service_id)
    return [] if plan.additional else lifecycle.resume_for_known_plans(services, session, by)


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
    audit.record(session, by, "plan unmapped", _subject(plan), f"{_named(plan.service_id)} to {_named(None)}")


def resume_all(services: Services, session: Session, by: str) -> list[str]:
    """Let every order go on that still waits for plans that are mapped by now; which ones."""
    plan_table.lock(session)
    return lifecycle.resume_for_known_plans(services, session, by)


def _check_unchanged(session: Session, plan: Plan) -> None:
    """Money is never moved on what somebody saw a while ago."""
    plan_table.lock(session)
    found = plan_table.service_of(session, plan.description, additional=plan.additional)
    if found != plan.service_id:
        now = f"It is sold as service {found} by now" if found else "It is not mapped any more"
        raise ChangedMeanwhile(f"{now}, which this page did not show yet. Nothing was changed")


def _subject(plan: Plan) -> str:
    return f"{plan.description} (every new account)" if plan.additional else plan.description


def _named(service_id: int | None) -> str:
    return f"service {service_id}" if service_id else "not mapped"
