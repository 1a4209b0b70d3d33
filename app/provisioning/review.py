"""What a person decides about an order: to go on with it, and how, or to close it.

Each function works in the caller's transaction. Decisions for many orders at once are in `causes.joint_decisions`,
those about what a plan is sold as in `plan_decisions`, and what PowerCode confirms before one in `confirmations`.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import ACTIVE_STATES, FIRST_ORDER, EventKind, Order, OrderDecision, OrderState, StepState, now
from app.provisioning import actions, order_search_rows, order_waits
from app.provisioning.actions import (
    BY_HAND,
    CUSTOMER,
    DISMISS,
    IT_IS_NOT_THERE,
    IT_IS_THERE,
    NEW_CUSTOMER,
    RESUME,
    Action,
    Question,
)
from app.provisioning.lifecycle import go_on
from app.provisioning.order_events import tell
from app.provisioning.problems import OUTCOME_UNKNOWN, PLAN_REFUSED, TICKET_REFUSED
from app.provisioning.written_parts import (
    ONCE_MORE,
    SETTLED,
    doubtful_step,
    has_written,
    newest_write,
    plan_named,
    refused_step,
    was_forgotten_half_done,
    was_to_be_created,
)
from app.remote import breaker
from app.services import Services

WHILE_IT_WAITS = 0
"""Stands for the run of an order that a person saw waiting: any newer run that the order began by itself will do."""


class NotPossible(Exception):
    """An action that doesn't fit the order's state; the text says what does."""


def find(session: Session, orderref: str, seen_run: int | None = None) -> Order:
    """The order, locked against other changes; raises `NotPossible` when there is none.

    With `seen_run`, it also raises when the order has moved on since that run: the person's decision is then outdated.
    `WHILE_IT_WAITS` stands for the run of an order that waited.
    """
    order = session.scalar(select(Order).filter_by(orderref=orderref).with_for_update())
    if order is None:
        raise NotPossible(f"There is no order {orderref}; `orders submit {orderref}` fetches it from UTOPIA")
    is_as_seen = order.state in ACTIVE_STATES if seen_run == WHILE_IT_WAITS else order.run == seen_run
    if seen_run is not None and not is_as_seen:
        raise NotPossible(
            f"{orderref} has moved on since you looked at it: somebody else decided, or it went on by itself"
        )
    return order


def resume(
    services: Services,
    session: Session,
    orderref: str,
    by: str,
    *,
    note: str | None = None,
    ticket_id: str | None = None,
    seen_run: int | None = None,
    joint_id: int | None = None,
    **decision: Any,
) -> Order:
    """Go on with an order that a person looked at; `joint_id` where they decided for many.

    `decision` is at most one of `actions.ANSWERS` by its `kept_as`: `customer_id="123"`, for the others `True`;
    `ticket_id` is the ticket that is there. `seen_run` is the order's run that the person
    looked at: their decision is not meant for a later one. Raises `NotPossible` when it doesn't fit the order.
    """
    breaker.ask_now(session)
    order = find(session, orderref, seen_run)
    told = actions.told(decision)
    _check_resumable(session, order, told)
    audit(session, order.id, by, told, decision.get(CUSTOMER.kept_as), ticket_id, note, joint_id=joint_id)
    if told is CUSTOMER and was_to_be_created(session, order):
        decision["new_account"] = True
    if told is NEW_CUSTOMER:
        order.customer_id = None
    named = order.decision if CUSTOMER.kept_as in (order.decision or {}) else {}
    order.decision = decision or order.decision
    if told.answers is Question.IS_IT_THERE:
        # otherwise an order that goes on with a named customer would look for one again
        order.decision = {**named, **_answer_doubt(session, order, told, ticket_id)}
    if told.answers is Question.WHAT_WAS_REFUSED:
        _settle_refused(session, order, told, by, note or "")
        order.decision = {}
    go_on(services, session, order)
    return order


def _check_resumable(session: Session, order: Order, told: Action) -> None:
    if was_forgotten_half_done(session, order):
        raise NotPossible(
            f"{order.orderref}: its personal data was erased, and something of it is in PowerCode already. "
            "It can't go on; look after it there"
        )
    if order.state == OrderState.WAITING and order.waiting_for == FIRST_ORDER:
        raise NotPossible(f"{order.orderref} goes on by itself: {order.reason}")
    if order.state == OrderState.WAITING and told is RESUME:
        return
    if order.state == OrderState.EXISTS and told.answers is Question.WHO_IS_IT:
        return
    if order.state == OrderState.EXISTS:
        raise NotPossible(
            f"{order.orderref}: the customer has an account. To add this order to it: "
            f"orders resume {order.orderref} {CUSTOMER.option} {order.customer_id}; to open another: "
            f"{NEW_CUSTOMER.option}"
        )
    if order.state not in (OrderState.NEEDS_REVIEW, OrderState.NOT_OURS, OrderState.DISMISSED):
        raise NotPossible(f"{order.orderref} is {order.state}; there is nothing to resume")
    doubtful = order.problem == OUTCOME_UNKNOWN.code
    if doubtful and told.answers is not Question.IS_IT_THERE:
        raise NotPossible(
            f"{order.orderref}: look at the customer's page first, then say whether it is there "
            f"({IT_IS_THERE.option}, {IT_IS_NOT_THERE.option})"
        )
    if not doubtful and told.answers is Question.IS_IT_THERE:
        raise NotPossible(f"{order.orderref} has no step whose outcome is unknown")
    is_refused = order.problem in (PLAN_REFUSED.code, TICKET_REFUSED.code)
    if told.answers is Question.WHAT_WAS_REFUSED and not is_refused:
        raise NotPossible(f"{order.orderref} has no plan and no ticket that PowerCode refused")
    if told.answers is Question.WHO_IS_IT and order.customer_id and has_written(session, order):
        raise NotPossible(f"{order.orderref} works on customer {order.customer_id} already and can only go on with it")


def _settle_refused(session: Session, order: Order, told: Action, by: str, note: str) -> None:
    """Take a person's word for the step that PowerCode refused: they did it by hand, or it is left out."""
    step = refused_step(session, order)
    if step is None:
        raise NotPossible(f"{order.orderref} has no step that PowerCode refused")
    step.state, step.result, step.finished_at = StepState.DONE, {SETTLED: told.code}, now()
    step.error = f"PowerCode refused it; {by} {told.did}: {note}"
    what = "the welcome ticket" if step.name == "ticket" else f"the plan {plan_named(order, step.name)}"
    words = "was added by hand" if told is BY_HAND else "was left out"
    order.remarks = [*order.remarks, f"PowerCode refused {what}, and it {words} ({by}: {note})"]


def _answer_doubt(session: Session, order: Order, told: Action, ticket_id: str | None) -> dict[str, Any]:
    """Take a person's word for the step whose outcome nobody could look up; returns what is kept for the next try."""
    step = doubtful_step(session, order)
    if step is None:
        return {}
    done = told is IT_IS_THERE
    step.state = StepState.DONE if done else StepState.NEVER_ARRIVED
    step.error = f"A person looked, and {told.did}"
    if done and ticket_id and step.name == "ticket":
        step.result, order.ticket_id = {"ticket_id": ticket_id}, ticket_id
        order_search_rows.keep(session, order)
    return {} if done else {ONCE_MORE: {step.name: newest_write(session, order.customer_id)}}


def dismiss(
    services: Services,
    session: Session,
    orderref: str,
    by: str,
    note: str,
    *,
    seen_run: int | None = None,
    joint_id: int | None = None,
) -> Order:
    """Close an order that a person decided not to go on with; `seen_run` and `joint_id` as in `resume`."""
    order = find(session, orderref, seen_run)
    if order.state in (OrderState.COMPLETED, OrderState.DISMISSED):
        raise NotPossible(f"{orderref} is {order.state}; there is nothing to close")
    if order.state in ACTIVE_STATES and order.state != OrderState.WAITING:
        raise NotPossible(f"{orderref} is being worked on; try again in a minute")
    audit(session, order.id, by, DISMISS, note, joint_id=joint_id)
    order.state, order.reason, order.finished_at = OrderState.DISMISSED, note, now()
    order.problem, order.actions = None, []
    order.cause = order.stopped_at = None
    order.run += 1  # a run that is still at work may change nothing any more
    order_waits.end(order)
    tell(services, session, EventKind.ORDER_DISMISSED, order)
    return order


def audit(
    session: Session, order_id: int, by: str, action: Action, *notes: str | None, joint_id: int | None = None
) -> None:
    """Keep who did what with the order."""
    note = "; ".join(note for note in notes if note) or None
    session.add(OrderDecision(order_id=order_id, made_by=by, action=action.kept_as, note=note, joint_id=joint_id))
