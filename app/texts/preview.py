"""How a text looks to a customer: filled with a real order's or digest's data where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.digest import ledger, mails
from app.digest.mails import Told
from app.models import DigestMessage, MessageState, Order, OrderState
from app.provisioning import ticket_text
from app.provisioning.applicants import Applicant
from app.provisioning.plans.mapping import plans_in
from app.texts.text_kinds import TextKind
from app.wording.allowed_html import clean

SAMPLE = Applicant(
    first_name="Ada",
    last_name="Example",
    email="ada@example.com",
    phone="406-555-0142",
    street="12 N EXAMPLE AVENUE APT 4",
    city="Bozeman",
    state="MT",
    zip="59715",
    site_id="100200",
    terms_agreed_on="2026-11-20",
)
SAMPLE_TOLD = Told("ada@example.com", "Ada EXAMPLE", [("TM-1", date(2026, 11, 14)), ("TM-2", date(2026, 11, 16))])
NEWEST_LOOKED_AT = 5
MOST_TICKETS = 20


@dataclass(frozen=True)
class Example:
    """Whose data a preview shows, in words; `values` fill a ticket, `told` a digest."""

    whose: str
    values: Mapping[str, str]
    told: Told


@dataclass(frozen=True)
class Preview:
    """A text as the customer gets it: safe HTML, or plain text; a subject where it has one."""

    html: str | None = None
    plain: str | None = None
    subject: str | None = None


def example(session: Session, kind: TextKind) -> Example:
    """The newest completed order's data, or the newest digest's; made-up data as long as there is none."""
    if kind is TextKind.TICKET:
        return _order_example(session)
    return _digest_example(session)


def _order_example(session: Session) -> Example:
    completed = select(Order).filter_by(state=OrderState.COMPLETED).order_by(Order.id.desc()).limit(NEWEST_LOOKED_AT)
    for order in session.scalars(completed):
        account = order.account or {}
        if "applicant" in account:
            applicant = Applicant(**account["applicant"])
            plans = [plan.description for plan in plans_in(account, "plans")]
            values = ticket_text.values_of(order.orderref, order.customer_id or "", applicant, plans)
            return Example(f"order {order.orderref}, {applicant.name}", values, SAMPLE_TOLD)
    return Example("", ticket_text.values_of("UIA202611-000001", "10042", SAMPLE, ["1 Gbps"]), SAMPLE_TOLD)


def _digest_example(session: Session) -> Example:
    accepted = select(DigestMessage).filter_by(state=MessageState.ACCEPTED).options(selectinload(DigestMessage.tickets))
    newest = session.scalar(accepted.order_by(DigestMessage.id.desc()).limit(1))
    if newest is None or not newest.tickets:
        return Example("", {}, SAMPLE_TOLD)
    told = ledger.told(newest)
    shown = Told(told.email, told.full_name, told.tickets[:MOST_TICKETS])
    return Example(f"the last digest, to {told.full_name}", {}, shown)


def preview(kind: TextKind, text: str, of: Example) -> Preview:
    """The text filled in, as `ticket_text.render` or the digest's mail makes it. Raises `TemplateFault`.

    The digest's HTML is shown without the styles that mail programs know.
    """
    if kind is TextKind.TICKET:
        return Preview(html=ticket_text.render(text, of.values))
    if kind is TextKind.DIGEST_HTML:
        return Preview(html=clean(mails.html_mail(text, of.told)))
    subject, plain = mails.plain_mail(text, of.told)
    return Preview(plain=plain, subject=subject)
