"""How an order changes its state: each function works in the caller's transaction.

An order's state, the start of a workflow, and the notice that tells of it are always one commit.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app import notices
from app.durable.work_queue import BEHIND, FIRST, WorkQueue
from app.models import (
    ACTIVE_STATES,
    FIRST_ORDER,
    EventKind,
    NoticeKind,
    Order,
    OrderDecision,
    OrderState,
    OrderStep,
    StepState,
    now,
)
from app.provisioning import actions, search, waiting
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
from app.provisioning.causes import telling
from app.provisioning.causes.naming import Cause, cause_of
from app.provisioning.endings import CustomerExists, Follows, NeedsReview, Stop, Waits
from app.provisioning.plans import remapping
from app.provisioning.problems import OUTCOME_UNKNOWN, PLAN_REFUSED, PROGRAM_FAULT, TICKET_REFUSED
from app.provisioning.telling import tell
from app.provisioning.written import (
    SETTLED,
    doubtful_step,
    has_written,
    refused_step,
    was_forgotten_half_done,
    was_to_be_created,
)
from app.remote import breaker
from app.services import Services
from app.storage.database import session_in

QUEUE_OF_STAGE = {"order": "utopia", "account": "powercode"}
"""Each stage works through one remote system, so that a slow one does not hold up the other's orders."""


# Built once, and on the table: built anew for each callback, and through the mapped class, it took more time than
# SQLite needs to execute it.
INSERT_ORDER = {
    name: dialect.insert(Order.__table__)
    .on_conflict_do_nothing(index_elements=["orderref"])
    .returning(Order.__table__.c.orderref, Order.__table__.c.id)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
NEW_ORDER: dict[str, Any] = {"run": 1, "stage": "order", "state": OrderState.RECEIVED}

NEED_SOMEBODY = (OrderState.NEEDS_REVIEW, OrderState.EXISTS)

WHILE_IT_WAITS = 0
"""In place of the run that a person saw: an order that waits begins new ones by itself, and is still what they saw."""


NEW = timedelta(minutes=1)
"""After an outage, thousands that waited are no reason for one that comes in to wait."""


class NotPossible(Exception):
    """An action that doesn't fit the order's state; the text says what does."""


def workflow_id(order: Order) -> str:
    """The engine's idempotency key: `order-<orderref>` for the first run, with the run's number from then on."""
    return _workflow_id(order.stage, order.orderref, order.run)


def _workflow_id(stage: str, orderref: str, run: int) -> str:
    return f"{stage}-{orderref}" + (f"#{run}" if run > 1 else "")


def enqueue(work_queue: WorkQueue, session: Session, order: Order) -> None:
    """Start the order's current stage when the transaction commits; one that just came in goes before the others."""
    queue, is_new = QUEUE_OF_STAGE[order.stage], now() - order.received_at < NEW
    arguments = (order.stage, workflow_id(order), queue, order.orderref, order.run)
    work_queue.enqueue(session, *arguments, priority=FIRST if is_new else BEHIND)


def current(session: Session, orderref: str, run: int) -> Order | None:
    """The order, if this run is still the one that may work on it."""
    order = session.scalar(select(Order).filter_by(orderref=orderref))
    if order is None or order.run != run or order.state not in (OrderState.RECEIVED, OrderState.RUNNING):
        return None
    return order


def next_run(services: Services, session: Session, order: Order, *, state: OrderState = OrderState.RUNNING) -> None:
    """Start the order's stage again; steps that are done stay done.

    As long as nothing is written, the customer is looked for again: somebody may have made one meanwhile.
    """
    if not has_written(session, order):
        found = delete(OrderStep).filter_by(order_id=order.id, name="find_customer", state=StepState.DONE)
        session.execute(found)
    order.run += 1
    order.state, order.next_try_at, order.finished_at = state, None, None
    order.problem, order.reason, order.actions = None, None, []
    order.cause = order.stopped_at = None
    order.tried_at = now()
    session.flush()
    enqueue(services.work_queue, session, order)


def stop(services: Services, session: Session, order: Order, why: Stop) -> None:
    """End the order's run: it waits, needs a person, or is finished without an account."""
    _stop(services, session, order, why)
    search.keep(session, order)


def _stop(services: Services, session: Session, order: Order, why: Stop) -> None:
    order.state, order.reason = why.state, why.reason
    order.problem, order.actions = None, []
    order.cause = order.stopped_at = None
    for column, value in why.changes.items():
        setattr(order, column, value)
    match why:
        case Waits():
            enough = waiting.begin(services, session, order, why)
            if enough is not None:
                _stop(services, session, order, enough)
            return
        case Follows():
            waiting.end(order)
            order.waiting_for, order.stopped_at = FIRST_ORDER, now()
            return
        case NeedsReview():
            order.problem, order.actions = why.problem.code, why.actions
            telling.tell(services, session, order, _stands(order))
        case CustomerExists():
            order.customer_id = why.customer_id
            _stands(order)
            exists = f"{NoticeKind.CUSTOMER_EXISTS}:{order.orderref}"
            notices.record(services.work_queue, session, NoticeKind.CUSTOMER_EXISTS, exists, order)
    waiting.end(order)
    if order.state != OrderState.NEEDS_REVIEW:
        order.finished_at = now()
    if order.state in NEED_SOMEBODY:
        tell(services, session, EventKind.ORDER_NEEDS_REVIEW, order)


def _stands(order: Order) -> Cause:
    """It needs a person from now on, for a cause that it may share with others."""
    cause = cause_of(order) or Cause(PROGRAM_FAULT.code, PROGRAM_FAULT)
    order.cause, order.stopped_at = cause.key, now()
    return cause


def hand_over(services: Services, session: Session, order: Order) -> None:
    """The order is checked: go on to the account."""
    order.stage = "account"
    enqueue(services.work_queue, session, order)


def complete(services: Services, session: Session, order: Order) -> None:
    """Account, plans, ticket and tags are done: tell staff."""
    order.state, order.finished_at = OrderState.COMPLETED, now()
    order.reason = order.problem = order.cause = order.stopped_at = None
    waiting.end(order)
    key = f"{NoticeKind.ACCOUNT_CREATED}:{order.orderref}"
    notices.record(services.work_queue, session, NoticeKind.ACCOUNT_CREATED, key, order)
    tell(services, session, EventKind.ORDER_COMPLETED, order)


def find(session: Session, orderref: str, seen_run: int | None = None) -> Order:
    """The order, locked against other changes; raises `NotPossible` when there is none.

    With `seen_run` also when it has moved on since that run: what a person decides then rests on what is over.
    `WHILE_IT_WAITS` stands for the run of an order that waited.
    """
    order = session.scalar(select(Order).filter_by(orderref=orderref).with_for_update())
    if order is None:
        raise NotPossible(f"There is no order {orderref}; `orders submit {orderref}` fetches it from UTOPIA")
    if seen_run is not None and not _is_as_seen(order, seen_run):
        raise NotPossible(
            f"{orderref} has moved on since you looked at it: somebody else decided, or it went on by itself"
        )
    return order


def _is_as_seen(order: Order, seen_run: int) -> bool:
    return order.state in ACTIVE_STATES if seen_run == WHILE_IT_WAITS else order.run == seen_run


def take_in(services: Services, connection: Connection, orderrefs: Sequence[str], room: int | None = None) -> set[str]:
    """Take orders in and start their work, once; those of them that there was anything to start for.

    An order that is known stays as it is, except that one that was not ours is looked up again. With `room`, no more
    than so many are started now; the others wait for their turn (`intake`), and have no `tried_at` until then.
    """
    if not orderrefs:
        return set()
    at_once = set(orderrefs[: max(room, 0)] if room is not None else orderrefs)
    moment = now()
    rows = [
        {**NEW_ORDER, "orderref": orderref, "tried_at": moment if orderref in at_once else None}
        for orderref in orderrefs
    ]
    inserted = connection.execute(INSERT_ORDER[connection.dialect.name], rows)
    ids = {orderref: id for orderref, id in inserted}  # noqa: C416, mypy doesn't know rows for pairs
    new = set(ids)
    if new:
        search.keep_references(connection, ids)
    if new & at_once:
        _start(services.work_queue, connection, [each for each in orderrefs if each in new & at_once])
    known = set(orderrefs) - new
    return new | _look_up_again(services, connection, known, at_once) if known else new


def _start(work_queue: WorkQueue, connection: Connection, orderrefs: Sequence[str]) -> None:
    stage, run = NEW_ORDER["stage"], NEW_ORDER["run"]
    for orderref in orderrefs:
        workflow_id = _workflow_id(stage, orderref, run)
        work_queue.enqueue(connection, stage, workflow_id, QUEUE_OF_STAGE[stage], orderref, run)


def _look_up_again(services: Services, connection: Connection, orderrefs: set[str], at_once: set[str]) -> set[str]:
    with session_in(connection) as session:
        known = session.scalars(select(Order).where(Order.orderref.in_(orderrefs)).with_for_update())
        not_ours = [order for order in known if order.state == OrderState.NOT_OURS]
        for order in not_ours:
            if order.orderref in at_once:
                start_over(services, session, order)
            else:
                _hold_back(session, order)
    return {order.orderref for order in not_ours}


def _hold_back(session: Session, order: Order) -> None:
    """As `start_over`, when its turn comes."""
    session.execute(delete(OrderStep).filter_by(order_id=order.id))
    order.stage, order.state, order.run, order.remarks = "order", OrderState.RECEIVED, order.run + 1, []
    order.reason = order.tried_at = order.finished_at = None


def start_over(services: Services, session: Session, order: Order) -> None:
    """From the contract on, for an order that has written nothing to PowerCode."""
    session.execute(delete(OrderStep).filter_by(order_id=order.id))
    order.stage, order.reason, order.remarks = "order", None, []
    next_run(services, session, order, state=OrderState.RECEIVED)


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
    audit(session, order, by, told, decision.get(CUSTOMER.kept_as), ticket_id, note, joint_id=joint_id)
    if told is CUSTOMER and was_to_be_created(session, order):
        decision["new_account"] = True
    if told is NEW_CUSTOMER:
        order.customer_id = None
    order.decision = decision or order.decision
    if told.answers is Question.IS_IT_THERE:
        _answer_doubt(session, order, told, ticket_id)
        order.decision = {}
    if told.answers is Question.WHAT_WAS_REFUSED:
        _settle_refused(session, order, told, by, note or "")
        order.decision = {}
    go_on(services, session, order)
    return order


def go_on(services: Services, session: Session, order: Order) -> None:
    """Where it stopped, with the numbers that hold now; from the contract on, if nothing of it is in PowerCode."""
    waiting.end(order)
    if not has_written(session, order):
        start_over(services, session, order)
        return
    if order.problem in remapping.REFUSED:
        remapping.renew(services, session, order)
    next_run(services, session, order)


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
    """Take a person's word for what PowerCode refused: it is there by their hand, or is left out."""
    step = refused_step(session, order)
    if step is None:
        raise NotPossible(f"{order.orderref} has no step that PowerCode refused")
    step.state, step.result, step.finished_at = StepState.DONE, {SETTLED: told.code}, now()
    step.error = f"PowerCode refused it; {by} {told.did}: {note}"
    what = "the welcome ticket" if step.name == "ticket" else f"the plan {plan_named(order, step.name)}"
    words = "was added by hand" if told is BY_HAND else "was left out"
    order.remarks = [*order.remarks, f"PowerCode refused {what}, and it {words} ({by}: {note})"]


def plan_named(order: Order, step: str) -> str:
    """The plan of a step, in words: `1 Gbps (164)`."""
    number, account = int(step.partition(":")[2]), order.account or {}
    names = dict([*account.get("plans", []), *account.get("additional", [])])
    return f"{names.get(number, 'service')} ({number})"


def _answer_doubt(session: Session, order: Order, told: Action, ticket_id: str | None) -> None:
    """Take a person's word for the step whose outcome nobody could look up."""
    step = doubtful_step(session, order)
    if step is None:
        return
    done = told is IT_IS_THERE
    step.state = StepState.DONE if done else StepState.NEVER_ARRIVED
    step.error = f"A person looked, and {told.did}"
    if done and ticket_id and step.name == "ticket":
        step.result, order.ticket_id = {"ticket_id": ticket_id}, ticket_id
        search.keep(session, order)


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
    audit(session, order, by, DISMISS, note, joint_id=joint_id)
    order.state, order.reason, order.finished_at = OrderState.DISMISSED, note, now()
    order.problem, order.actions = None, []
    order.cause = order.stopped_at = None
    order.run += 1  # a run that is still on its way has no say any more
    waiting.end(order)
    tell(services, session, EventKind.ORDER_DISMISSED, order)
    return order


def audit(
    session: Session, order: Order, by: str, action: Action, *notes: str | None, joint_id: int | None = None
) -> None:
    """Keep who did what with the order."""
    note = "; ".join(note for note in notes if note) or None
    session.add(OrderDecision(order_id=order.id, made_by=by, action=action.kept_as, note=note, joint_id=joint_id))
