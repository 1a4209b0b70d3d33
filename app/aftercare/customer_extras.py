"""More for a customer who exists: one more plan, one more ticket, a tag, the portal's user name."""

from html import escape

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.aftercare import writes
from app.aftercare.writes import IN_DOUBT, Intent, WriteKind
from app.models import ACTIVE_STATES, CustomerWrite, Order, OrderState, OrderStep, StepState, System
from app.provisioning.steps import new_ticket
from app.provisioning.written_parts import GIVEN_PLAN, newest_write
from app.services import Services


class AlreadyThere(Exception):
    """The customer has it already; the text is a sentence for staff."""


def _add_plan(services: Services, write: CustomerWrite) -> str:
    prorate = services.settings.pc_prorate_service
    service_id = write.content["service_id"]
    return services.powercode.add_customer_service(str(write.customer_id), service_id, quantity=1, prorate=prorate)


def _open_ticket(services: Services, write: CustomerWrite) -> str:
    content = write.content
    ticket = new_ticket(services.settings, str(write.customer_id), content["summary"], as_html(content["text"]))
    return f"ticket {services.powercode.create_ticket(ticket)}"


def as_html(text: str) -> str:
    """A person's text as the HTML of a ticket: one paragraph for each block of lines."""
    blocks = [block.strip() for block in text.replace("\r\n", "\n").split("\n\n")]
    return "".join(f"<p>{escape(block).replace(chr(10), '<br>')}</p>" for block in blocks if block)


def _add_tag(services: Services, write: CustomerWrite) -> str:
    tags = services.powercode.add_customer_tag(str(write.customer_id), write.content["tag_id"])
    return f"tags now: {', '.join(tag.tag_id for tag in tags)}"


def _has_tag(services: Services, write: CustomerWrite) -> bool | None:
    """Whether the customer has it; None when its number was erased here, and then a person looks."""
    if "tag_id" not in write.content:
        return None
    tags = services.powercode.customer_tags(str(write.customer_id))
    return any(tag.tag_id == write.content["tag_id"] for tag in tags)


def _set_portal_name(services: Services, write: CustomerWrite) -> str:
    return services.powercode.update_customer(str(write.customer_id), customerPortalUsername=write.content["name"])


def _has_portal_name(services: Services, write: CustomerWrite) -> bool | None:
    """Whether PowerCode shows the name; None when it doesn't tell, and then a person looks."""
    customer = services.powercode.read_customer(customer_id=str(write.customer_id))
    if customer is None or not customer.portal_username or "name" not in write.content:
        return None
    return customer.portal_username.casefold() == str(write.content["name"]).casefold()


PLAN = WriteKind(
    GIVEN_PLAN,
    System.POWERCODE,
    lambda write: f"One more plan: service {write.content.get('service_id', '')}",
    _add_plan,
)
TICKET = WriteKind("ticket", System.POWERCODE, lambda _write: "One more ticket", _open_ticket)
TAG = WriteKind("tag", System.POWERCODE, lambda write: f"Tag {write.content.get('tag_id', '')}", _add_tag, _has_tag)
PORTAL_NAME = WriteKind(
    "portal_name", System.POWERCODE, lambda _write: "The portal's user name", _set_portal_name, _has_portal_name
)
EXTRAS = {kind.code: kind for kind in (PLAN, TICKET, TAG, PORTAL_NAME)}


def give(
    services: Services,
    kind: WriteKind,
    customer_id: str,
    content: dict[str, str],
    by: str,
    *,
    seen: int,
    order_id: int | None = None,
    again: bool = False,
) -> CustomerWrite | None:
    """Add it once; `seen` is the newest write that the person saw. None when somebody else added something meanwhile.

    Raises `AlreadyThere` when we have added the same before, or may have, unless it is wanted `again`; and
    `lookups.remote_requests.NotAnswered`, with nothing written.
    """

    def may(session: Session) -> bool:
        if newest_write(session, customer_id) != seen:
            return False
        _refuse_doubled(session, kind, customer_id, content, again=again)
        return True

    intent = Intent(f"more:{customer_id}:{seen}", by, customer_id, order_id, dict(content))
    return writes.carry_out(services, kind, intent, may)


def _refuse_doubled(
    session: Session, kind: WriteKind, customer_id: str, content: dict[str, str], *, again: bool
) -> None:
    if kind in (PLAN, TICKET):
        _refuse_beside_an_order(session, customer_id)
    mine = select(CustomerWrite).filter_by(customer_id=customer_id, kind=kind.code)
    same = [write for write in session.scalars(mine) if write.content == content]
    if doubtful := [write for write in same if write.state in IN_DOUBT]:
        what = (
            "say first whether it is there" if kind.is_there is None or doubtful[-1].asks else "it is being looked up"
        )
        raise AlreadyThere(f"The same was sent, and nobody knows what became of it: {what}")
    if kind not in (PLAN, TICKET):
        return  # a tag and a name are there once at most, and somebody may have changed them in PowerCode
    given = any(write.state == StepState.DONE for write in same) or (
        kind is PLAN and _has_by_order(session, customer_id, content["service_id"])
    )
    if given and not again:
        raise AlreadyThere("This customer got just this from here already: say that they get it once more, if so")


def _refuse_beside_an_order(session: Session, customer_id: str) -> None:
    """Refuse while an unfinished order is there: it will add its plans and ticket whatever a person adds meanwhile."""
    mine = (Order.customer_id == customer_id, Order.state.in_((*ACTIVE_STATES, OrderState.NEEDS_REVIEW)))
    orderref = session.scalar(select(Order.orderref).where(*mine).limit(1))
    if orderref is not None:
        raise AlreadyThere(f"Order {orderref} of this customer adds its own, and is not done: finish or close it first")


def _has_by_order(session: Session, customer_id: str, service_id: str) -> bool:
    """Whether an order of ours added this plan, or may have."""
    added = (
        select(OrderStep.id)
        .join(Order, Order.id == OrderStep.order_id)
        .where(Order.customer_id == customer_id, OrderStep.name == f"plan:{service_id}")
        .where(OrderStep.state.in_((StepState.DONE, *IN_DOUBT)))
    )
    return session.scalar(added.limit(1)) is not None
