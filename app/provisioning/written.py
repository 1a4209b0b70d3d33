"""What of an order is in PowerCode, or may be: told by its steps."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Order, OrderState, OrderStep, StepState


def has_written(session: Session, order: Order) -> bool:
    """Whether something of this order is, or may be, in PowerCode."""
    sent = select(OrderStep.id).where(
        OrderStep.order_id == order.id,
        OrderStep.sent_at.is_not(None),
        OrderStep.state.in_((StepState.RUNNING, StepState.UNKNOWN, StepState.DONE)),
    )
    return session.scalar(sent.limit(1)) is not None


def refused_step(session: Session, order: Order) -> OrderStep | None:
    """The plan's or the ticket's step that PowerCode refused last, and that the order stopped at."""
    is_either = OrderStep.name.like("plan:%") | (OrderStep.name == "ticket")
    refused = select(OrderStep).where(OrderStep.order_id == order.id, OrderStep.state == StepState.REFUSED, is_either)
    return session.scalar(refused.order_by(OrderStep.id.desc()).limit(1))


def was_settled_as(step: OrderStep | None) -> str | None:
    """`by_hand` or `without_it`, where a person said so of what PowerCode refused; the step counts as done then."""
    return step.result.get(SETTLED) if step is not None and isinstance(step.result, dict) else None


SETTLED = "settled"


def doubtful_step(session: Session, order: Order) -> OrderStep | None:
    """The step whose outcome nobody could look up: the last one that was sent and not confirmed."""
    return session.scalar(
        select(OrderStep)
        .where(
            OrderStep.order_id == order.id,
            OrderStep.state.in_((StepState.UNKNOWN, StepState.RUNNING)),
            OrderStep.sent_at.is_not(None),
        )
        .order_by(OrderStep.sent_at.desc())
        .limit(1)
    )


def was_forgotten_half_done(session: Session, order: Order) -> bool:
    """Whether its contract was erased after something of it was written: nothing tells any more what is missing."""
    return order.state in (OrderState.EXISTS, OrderState.DISMISSED) and (
        order.contract is None and has_written(session, order)
    )


def was_to_be_created(session: Session, order: Order) -> bool:
    """Whether a customer whom a person names was made for this order, and gets what every new account gets."""
    creating = select(OrderStep.id).filter_by(order_id=order.id, name="create_customer")
    return bool(order.decision.get("new_account")) or session.scalar(creating) is not None


def plan_named(order: Order, step: str) -> str:
    """The plan of a step, in words: `1 Gbps (164)`."""
    number, account = int(step.partition(":")[2]), order.account or {}
    names = dict([*account.get("plans", []), *account.get("additional", [])])
    return f"{names.get(number, 'service')} ({number})"
