"""Of the orders with a plan whose number is new, one goes first. When PowerCode takes its plan, the others follow.

The schedule runs `go_on` every second. All its state is in rows, so nothing is lost when a process dies.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from app.models import ACTIVE_STATES, Order, OrderState, OrderStep, PlanTrial, StepState
from app.provisioning import intake, lifecycle
from app.provisioning.causes.cause import keys_in
from app.provisioning.plans import trials
from app.provisioning.problems import OUTCOME_UNKNOWN, PLAN_REFUSED
from app.provisioning.written_parts import was_settled_as
from app.services import Services


class Verdict(StrEnum):
    """What the order that goes first shows so far."""

    UNDER_WAY = "under way"
    TAKEN = "taken"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    ANOTHER = "another goes first"


SETTLED = (Verdict.TAKEN, Verdict.ANOTHER)
"""With these verdicts `go_on` has something to do; with any other, it waits for the first order or for a person."""


def verdict_on(order: Order | None, step: OrderStep | None) -> Verdict:
    """What an order shows about a plan: `step` is the one that adds it.

    An order that stops for another reason, or whose plan a person added by hand, shows nothing: another goes first.
    """
    if order is None:
        return Verdict.ANOTHER
    if step is not None and step.state == StepState.DONE:
        return Verdict.ANOTHER if was_settled_as(step) else Verdict.TAKEN
    if order.state in ACTIVE_STATES:
        return Verdict.UNDER_WAY
    if order.state != OrderState.NEEDS_REVIEW or step is None:
        return Verdict.ANOTHER
    return STOPPED_THERE.get((order.problem, step.state), Verdict.ANOTHER)


STOPPED_THERE: Mapping[tuple[str | None, str], Verdict] = {
    (PLAN_REFUSED.code, StepState.REFUSED): Verdict.REFUSED,
    (OUTCOME_UNKNOWN.code, StepState.UNKNOWN): Verdict.IN_DOUBT,
    (OUTCOME_UNKNOWN.code, StepState.RUNNING): Verdict.IN_DOUBT,
}
"""By the order's problem and the state of the step that adds the plan."""


@dataclass(frozen=True)
class OnTrial:
    """A plan whose number is new: the order that goes first, what it shows, and how many others wait for that."""

    trial: PlanTrial
    first: Order | None
    verdict: Verdict
    followers: int


def on_trial(session: Session) -> list[OnTrial]:
    """The plans on trial that an order has, and how it stands."""
    rows = session.scalars(select(PlanTrial).order_by(PlanTrial.begun_at)).all()
    counts = _followers(session) if rows else {}
    found = []
    for trial in rows:
        first, verdict = _first(session, trial)
        waiting = sum(count for cause, count in counts.items() if trial.key in keys_in(cause))
        found.append(OnTrial(trial, first, verdict, waiting))
    return [each for each in found if each.first or each.followers]


def followers_of(session: Session, keys: Collection[str]) -> int:
    """How many orders wait for the first one with any of these plans, each counted once."""
    return session.scalar(select(func.count()).select_from(Order).where(is_behind(session, keys))) or 0


def is_behind(session: Session, keys: Collection[str]) -> ColumnElement[bool]:
    """Of the orders that wait for the first one with any of these plans."""
    causes = [cause for cause in _followers(session) if not set(keys).isdisjoint(keys_in(cause))]
    return and_(*trials.FOLLOWS, Order.cause.in_(causes))


def go_on(services: Services) -> None:
    """Do what the plans on trial show, and let those orders go on that wait for nothing any more."""
    with services.database.read() as session:
        settled = [trial.key for trial in session.scalars(select(PlanTrial)) if _first(session, trial)[1] in SETTLED]
        anybody = session.scalar(select(Order.id).where(*trials.FOLLOWS).limit(1)) is not None
    for key in settled:
        with services.database.write() as session:
            _settle(services, session, key)
    if anybody:
        _let_follow(services)


def _settle(services: Services, session: Session, key: str) -> None:
    trial = session.get(PlanTrial, key, with_for_update=True)
    verdict = _first(session, trial)[1] if trial else None
    if trial and verdict is Verdict.TAKEN:
        session.delete(trial)
    elif trial and verdict is Verdict.ANOTHER:
        begin_with_another(services, session, trial)


def begin_with_another(services: Services, session: Session, trial: PlanTrial) -> None:
    """Let the order that has waited longest go first; where nobody has ordered the plan, the next one will."""
    trial.first_order_id = None
    session.flush()
    order = session.scalar(_waiting_longest(session, trial))
    if order is not None:
        begin_with(services, session, order)


def begin_with(services: Services, session: Session, order: Order) -> None:
    """Let this order go first with each of its plans that is on trial, and that no other order shows."""
    for trial in trials.of(session, keys_in(order.cause or "")):
        trial.first_order_id = trial.first_order_id or order.id
    lifecycle.go_on(services, session, order)


def _waiting_longest(session: Session, trial: PlanTrial) -> Select[Order]:
    """The order that has waited longest, of those that wait for no other plan's first order."""
    others = select(PlanTrial.key).where(PlanTrial.first_order_id.is_not(None), PlanTrial.key != trial.key)
    elsewhere = set(session.scalars(others))
    causes = [
        cause
        for cause in _followers(session)
        if trial.key in keys_in(cause) and not elsewhere.intersection(keys_in(cause))
    ]
    those = select(Order).where(*trials.FOLLOWS, Order.cause.in_(causes))
    return those.order_by(Order.id).limit(1).with_for_update(skip_locked=True)


def _let_follow(services: Services) -> None:
    """As many as there is room for: a new order never waits behind them."""
    with services.database.read() as session:
        free = _free_causes(session)
        room = intake.room_at(services, session, "order", intake.WOKEN_PER_SLOT) if free else 0
    if room <= 0:
        return
    with services.database.write() as session:
        those = select(Order).where(*trials.FOLLOWS, Order.cause.in_(_free_causes(session))).order_by(Order.id)
        for order in session.scalars(those.limit(room).with_for_update(skip_locked=True)):
            lifecycle.go_on(services, session, order)


def _free_causes(session: Session) -> Sequence[str]:
    trying = set(session.scalars(select(PlanTrial.key)))
    return [cause for cause in _followers(session) if not trying & set(keys_in(cause))]


def _followers(session: Session) -> dict[str, int]:
    """How many orders wait for the first of theirs, by their cause."""
    groups = select(Order.cause, func.count()).where(*trials.FOLLOWS).group_by(Order.cause)
    return {cause: count for cause, count in session.execute(groups) if cause}


def _first(session: Session, trial: PlanTrial) -> tuple[Order | None, Verdict]:
    order = session.get(Order, trial.first_order_id) if trial.first_order_id else None
    named = f"plan:{trial.service_id}"
    step = session.scalar(select(OrderStep).filter_by(order_id=order.id, name=named)) if order else None
    return order, verdict_on(order, step)
