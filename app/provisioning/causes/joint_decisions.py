"""One decision for all orders of a cause. Its row is committed first; the schedule then reaches order after order.

The service that a person named for a plan is kept at once, and one order goes first (`trial_orders`).
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, literal, or_, select
from sqlalchemy.orm import Session

from app.models import ACTIVE_STATES, STANDING, JointDecision, Order, OrderDecision, OrderSearch, OrderState, now
from app.provisioning import review
from app.provisioning.actions import ACTIONS, CORRECT_NUMBER, DISMISS, MAP_PLANS, RESUME, Action
from app.provisioning.causes import trial_orders
from app.provisioning.causes.cause import Cause, keys_in
from app.provisioning.causes.open_causes import is_put_off, open_cause_of
from app.provisioning.plans import trials
from app.provisioning.plans.mapping import plan_key
from app.provisioning.plans.plan_table import plan_table
from app.provisioning.problems import PLAN_REFUSED, UNKNOWN_PLAN
from app.remote import breaker
from app.services import Services

log = logging.getLogger(__name__)

AT_A_TIME = 50
LISTED = 200
NOT_POSSIBLE = "not possible: "
"""The beginning of the note on an order that a decision left alone."""


def fitting(cause: Cause) -> Sequence[Action]:
    """What can be decided for all orders of a cause, the likeliest first."""
    by_number = [CORRECT_NUMBER if cause.problem is PLAN_REFUSED else MAP_PLANS] if cause.plans else []
    again = [RESUME] if RESUME in cause.problem.actions and cause.problem is not UNKNOWN_PLAN else []
    return [*by_number, *again, DISMISS]


def decide(
    session: Session, by: str, action: Action, cause: str, *, newest: int, note: str | None = None
) -> JointDecision:
    """Record a decision for all orders of the cause up to the id `newest`; `go_on` carries it out.

    Raises `review.NotPossible` when none stands any more, or the action doesn't fit.
    """
    found = open_cause_of(session, cause, listed=0)
    if found is None:
        raise review.NotPossible("no order stands for this any more: somebody else decided, or they went on")
    if action not in fitting(found.cause):
        raise review.NotPossible("each of these orders is decided by itself")
    return record(
        session, cause=cause, words=str(found.cause), action=action.code, note=note, newest=newest, made_by=by
    )


def record(session: Session, **values: Any) -> JointDecision:
    """The row of a decision, with its id."""
    joint = JointDecision(**values)
    session.add(joint)
    session.flush()
    return joint


def go_on(services: Services) -> None:
    """Do the next part of what was decided."""
    with services.database.read() as session:
        under_way = session.scalars(select(JointDecision.id).where(JointDecision.done_at.is_(None))).all()
    for joint_id in under_way:
        with services.database.write() as session:
            breaker.ask_now(session)
            _do_next(services, session, joint_id)


def _do_next(services: Services, session: Session, joint_id: int) -> None:
    joint = session.get(JointDecision, joint_id, with_for_update=True)
    if joint is None or joint.done_at is not None:
        return
    left = select(Order).where(*_left(joint)).order_by(Order.id).limit(AT_A_TIME)
    orders = session.scalars(left.with_for_update(skip_locked=True)).all()
    for order in orders:
        _do(services, session, joint, order)
    if not orders and session.scalar(select(Order.id).where(*_left(joint)).limit(1)) is None:
        joint.done_at = now()


def _left(joint: JointDecision) -> Sequence[ColumnElement[bool]]:
    """The orders that the decision has not reached. An order that came back to the same cause counts as reached.

    Orders that are put off are left out: they were not on the card where the decision was made.
    """
    reached = exists().where(OrderDecision.order_id == Order.id, OrderDecision.joint_id == joint.id)
    return (Order.cause == joint.cause, Order.state.in_(STANDING), Order.id <= joint.newest, ~reached, ~is_put_off())


def _do(services: Services, session: Session, joint: JointDecision, order: Order) -> None:
    """Carry out the decision on one order; if that fails, for whatever reason, it still holds for the others."""
    try:
        with session.begin_nested():
            carry_out(services, session, joint, order)
    except review.NotPossible as why:
        leave_alone(session, joint, order, str(why))
    except Exception:
        log.exception("Order %s could not follow decision %d", order.orderref, joint.id)
        leave_alone(
            session, joint, order, "the program has a fault here, which is in its log; decide for this order alone"
        )


def carry_out(services: Services, session: Session, joint: JointDecision, order: Order) -> None:
    """Do with one order what was decided for many; raises `review.NotPossible` when it doesn't fit."""
    by, action = joint.made_by, ACTIONS[joint.action]
    if action is DISMISS:
        review.dismiss(services, session, order.orderref, by, joint.note or "", joint_id=joint.id)
        return
    answer: dict[str, Any] = {action.kept_as: True} if action.option else {}
    review.resume(services, session, order.orderref, by, note=joint.note, joint_id=joint.id, **answer)


def leave_alone(session: Session, joint: JointDecision, order: Order, why: str) -> None:
    """Record that a decision reached the order, and why nothing was done to it."""
    note = f"{NOT_POSSIBLE}{why}"
    review.audit(session, order.id, joint.made_by, ACTIONS[joint.action], note, joint_id=joint.id)


# What plans are sold as


def sell(
    services: Services, session: Session, by: str, plans: Mapping[str, int], first: Order | None = None
) -> JointDecision | None:
    """Go on after the plan table got these numbers: one order goes first (`first`, if given), and the others follow.

    Returns the decision as it is kept with all orders that stopped over the plans; None when there was none.
    """
    keys = {plan_key(name) for name in plans}
    for description, service_id in plans.items():
        trials.begin(session, description, service_id, by)
    causes = _freed(session, keys)
    joint = _kept(session, by, causes, plans) if causes else None
    if joint is not None:
        _audit_all(session, joint, causes, keys)
    for cause in causes:
        trials.hold(
            session, cause, "One order shows first whether PowerCode takes the plan; this one follows by itself"
        )
    if first is not None:
        session.refresh(first)
        trial_orders.begin_with(services, session, first)
    for trial in trials.of(session, keys):
        if trial.first_order_id is None:
            trial_orders.begin_with_another(services, session, trial)
    return joint


def _freed(session: Session, keys: Collection[str]) -> list[str]:
    """The causes that the new numbers settle: those whose plans are all known now."""
    table = plan_table(session)
    known = {plan_key(name) for name in (*table.plans, *table.additional)}
    return [cause for cause in waiting_for_plans(session, keys) if known.issuperset(keys_in(cause))]


def waiting_for_plans(session: Session, keys: Collection[str]) -> list[str]:
    """The causes that are about any of these plans."""
    standing = select(Order.cause).where(Order.cause.is_not(None), Order.state == OrderState.NEEDS_REVIEW).distinct()
    return [cause for cause in session.scalars(standing) if cause and not set(keys).isdisjoint(keys_in(cause))]


def held_up_by(session: Session, keys: Collection[str]) -> int:
    """How many orders stopped over any of these plans, or wait for one that did."""
    stopped = and_(Order.cause.in_(waiting_for_plans(session, keys)), Order.state == OrderState.NEEDS_REVIEW)
    those = or_(stopped, trial_orders.is_behind(session, keys))
    return session.scalar(select(func.count()).select_from(Order).where(those)) or 0


def _kept(session: Session, by: str, causes: Sequence[str], plans: Mapping[str, int]) -> JointDecision:
    sold = "; ".join(f'"{name}" is sold as service {number}' for name, number in plans.items())
    about = {"cause": causes[0], "words": ", ".join(plans), "action": MAP_PLANS.code, "note": sold}
    return record(session, **about, newest=0, made_by=by, done_at=now())


def _audit_all(session: Session, joint: JointDecision, causes: Sequence[str], keys: Collection[str]) -> None:
    """Keep it with orders that stopped, and with those that wait for one of these to show if the number is right."""
    kept = {
        "made_at": joint.made_at,
        "made_by": joint.made_by,
        "action": MAP_PLANS.kept_as,
        "note": joint.note,
        "joint_id": joint.id,
    }
    columns = [literal(value, OrderDecision.__table__.c[name].type) for name, value in kept.items()]
    stopped = and_(Order.cause.in_(causes), Order.state == OrderState.NEEDS_REVIEW)
    those = select(Order.id, *columns).where(or_(stopped, trial_orders.is_behind(session, keys)))
    session.execute(insert(OrderDecision).from_select(["order_id", *kept], those))


# What became of it


@dataclass(frozen=True)
class Reached:
    """An order that a decision reached, and where it stands now; `left_alone` says why nothing was done to it."""

    orderref: str
    person: str
    state: str
    reason: str
    left_alone: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a decision has come: how many orders it has still to reach, and how the orders that it reached stand."""

    joint: JointDecision
    left: int
    states: Mapping[str, int]
    orders: Sequence[Reached]

    @property
    def reached(self) -> int:
        """How many orders it reached."""
        return sum(self.states.values())

    @property
    def rests(self) -> bool:
        """Whether nothing of it goes on by itself any more."""
        return not self.left and not any(self.states.get(state) for state in ACTIVE_STATES)

    @property
    def waits_for_a_person(self) -> bool:
        """Whether nothing is at work, and the first order stopped: the others wait until somebody decides about it."""
        at_work = self.states.get(OrderState.RECEIVED) or self.states.get(OrderState.RUNNING)
        return not self.left and not at_work and bool(self.states.get(OrderState.NEEDS_REVIEW))

    @property
    def action(self) -> Action:
        """What was decided."""
        return ACTIONS[self.joint.action]


def reached(session: Session, joint: JointDecision) -> int:
    """How many orders the decision has reached."""
    return session.scalar(select(func.count()).select_from(OrderDecision).filter_by(joint_id=joint.id)) or 0


def progress(session: Session, joint_id: int) -> Progress | None:
    """What became of a decision; None when there is none with this number."""
    joint = session.get(JointDecision, joint_id)
    if joint is None:
        return None
    # Count first what is left. Counted last, an order that is reached in between would be in neither number.
    left = 0 if joint.done_at else session.scalar(select(func.count()).select_from(Order).where(*_left(joint)))
    reached = select(OrderDecision.order_id).filter_by(joint_id=joint_id)
    by_state = select(Order.state, func.count()).where(Order.id.in_(reached)).group_by(Order.state)
    states = dict(session.execute(by_state).all())
    return Progress(joint, left or 0, states, _listed(session, joint))


def _listed(session: Session, joint: JointDecision) -> list[Reached]:
    columns = (Order.orderref, OrderSearch.person, Order.state, Order.reason, OrderDecision.note)
    rows = select(*columns).outerjoin(OrderSearch, OrderSearch.order_id == Order.id)
    of_it = rows.join(OrderDecision, OrderDecision.order_id == Order.id).where(OrderDecision.joint_id == joint.id)
    return [
        Reached(ref, person or "", state, reason or "", _why_not(joint, note))
        for ref, person, state, reason, note in session.execute(of_it.order_by(Order.id).limit(LISTED))
    ]


def _why_not(joint: JointDecision, note: str | None) -> str:
    """Why an order was left alone, from its note; "" for a note that a person wrote, which may begin the same."""
    is_ours = note is not None and note != joint.note and note.startswith(NOT_POSSIBLE)
    return (note or "").removeprefix(NOT_POSSIBLE) if is_ours else ""
