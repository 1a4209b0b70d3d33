"""One decision for orders that a person ticked in a list: what all of them allow, for each as it was seen.

The orders may have different causes. An order that moved on since the person saw it is named, and left alone.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.models import STANDING, JointDecision, Order, now
from app.provisioning import offers, review
from app.provisioning.actions import ACTIONS, BY_HAND, DISMISS, RESUME, WITHOUT_IT, Action
from app.provisioning.causes import joint_decisions
from app.provisioning.causes.cause import Cause, cause_of
from app.provisioning.causes.open_causes import OpenCause, Who, open_cause_of, orders_that_stand
from app.provisioning.problems import UNKNOWN_PLAN
from app.remote import breaker
from app.services import Services

MOST = 50
"""Orders in one decision: they are one transaction, and nobody looks at more than a page of the list."""
MANY = (RESUME, BY_HAND, WITHOUT_IT, DISMISS)
"""What can be decided for many orders. All else is a question about each order's person, or about its cause."""
SAID_OF_MANY: Mapping[str, str] = {
    BY_HAND.code: "You did in PowerCode, at each one's customer, what it refused. The orders go on after it; their "
    "notices say that it was done by hand, with your note."
}
"""What will happen, where the words for one order name its customer."""
MOVED_ON = "it had moved on since it was looked at"


@dataclass(frozen=True)
class Tick:
    """An order that was ticked, and the run of it that the person saw."""

    run: int
    orderref: str

    def __str__(self) -> str:
        """As a page's form carries it."""
        return f"{self.run}:{self.orderref}"

    @classmethod
    def of(cls, text: str) -> "Tick | None":
        """What a form carries; None for anything else."""
        run, colon, orderref = text.partition(":")
        is_one = colon and orderref and run.isascii() and run.isdecimal() and len(run) < 10
        return cls(int(run), orderref) if is_one else None


@dataclass(frozen=True)
class Shared:
    """An action that fits each of the orders; `says` is what will happen, and to how many of them."""

    action: Action
    says: Mapping[str, int]


@dataclass(frozen=True)
class Chosen:
    """The orders that were ticked as they stand now, those that moved on, and what can be decided for the first.

    `cause` is set when all of them wait for the same plans: the plans' number then holds for every order of the cause.
    """

    orders: Sequence[Who]
    moved_on: Sequence[str]
    shared: Sequence[Shared]
    cause: OpenCause | None


def chosen(session: Session, ticks: Collection[Tick]) -> Chosen:
    """What can be decided for the orders that were ticked."""
    stand = [order for order in session.scalars(_orders(ticks)) if _is_as_seen(order, ticks)]
    found = {order.orderref for order in stand}
    moved_on = sorted({tick.orderref for tick in ticks} - found)
    who = list(orders_that_stand(session, Order.orderref.in_(found), listed=MOST))
    return Chosen(who, moved_on, _shared(session, stand), _plans(session, stand))


def _orders(ticks: Collection[Tick]) -> Select[Order]:
    return select(Order).where(Order.orderref.in_([tick.orderref for tick in ticks])).order_by(Order.id)


def _is_as_seen(order: Order, ticks: Collection[Tick]) -> bool:
    return order.state in STANDING and Tick(order.run, order.orderref) in ticks


def _shared(session: Session, orders: Sequence[Order]) -> list[Shared]:
    """The actions that each order allows, with what they do to how many."""
    allowed = [_allowed(session, order) for order in orders]
    common = [action for action in MANY if allowed and all(action.code in each for each in allowed)]
    return [Shared(action, Counter(each[action.code] for each in allowed)) for action in common]


def _allowed(session: Session, order: Order) -> dict[str, str]:
    """Those of the actions for many that fit the order, by code, with what each will do."""
    fitting = {offer.action.code: offer.says for offer in offers.offers_for(session, order)}
    if order.problem == UNKNOWN_PLAN.code:
        fitting.pop(RESUME.code, None)  # it would stop again; the plan's number lets it go on
    return {code: SAID_OF_MANY.get(code, says) for code, says in fitting.items() if ACTIONS[code] in MANY}


def _plans(session: Session, orders: Sequence[Order]) -> OpenCause | None:
    cause = _common_cause(orders)
    return open_cause_of(session, cause.key, also_put_off=True) if cause and cause.plans else None


def decide(
    services: Services, session: Session, by: str, action: Action, ticks: Collection[Tick], *, note: str | None = None
) -> JointDecision:
    """Do it with each order that stands as it was seen. Raises `review.NotPossible` when none of them does."""
    breaker.ask_now(session)
    orders = session.scalars(_orders(ticks).with_for_update()).all()
    allow = [order for order in orders if _is_as_seen(order, ticks) and action.code in _allowed(session, order)]
    if not allow:
        raise review.NotPossible("each of these orders has moved on since you looked at them")
    joint = _kept(session, by, action, allow, note)
    for order in orders:
        if order in allow:
            joint_decisions.carry_out(services, session, joint, order)
        else:
            joint_decisions.leave_alone(session, joint, order, MOVED_ON)
    return joint


def _kept(session: Session, by: str, action: Action, orders: Sequence[Order], note: str | None) -> JointDecision:
    cause = _common_cause(orders)
    words = str(cause) if cause else f"{len(orders)} chosen orders"
    about = {"cause": cause.key if cause else "", "words": words, "action": action.code, "newest": orders[-1].id}
    return joint_decisions.record(session, **about, note=note, made_by=by, done_at=now())


def _common_cause(orders: Sequence[Order]) -> Cause | None:
    return cause_of(orders[0]) if len({order.cause for order in orders}) == 1 else None
