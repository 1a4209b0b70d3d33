"""The customer's two steps: look for the person in PowerCode, and create the customer once."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, and_, bindparam, cast, exists, or_, select
from sqlalchemy.orm import Session, aliased

import powercode
from app.models import ACTIVE_STATES, Order, OrderState, OrderStep, StepState, System, now
from app.provisioning import late_writes, problems
from app.provisioning.actions import CUSTOMER, NEW_CUSTOMER
from app.provisioning.applicants import Applicant, digits
from app.provisioning.customer_search import LookUpResult, kept, look_for, may_be_one, plans_given
from app.provisioning.plans.mapping import ServicePlan, plans_in
from app.provisioning.run_endings import CustomerExists, NeedsReview, Waits
from app.provisioning.runs import Outcome
from app.provisioning.step_journal import Work
from app.storage.database import connection_of, one_at_a_time
from config import Settings

NEIGHBOUR_SECONDS = 5
"""How long an order waits before it checks again whether the order ahead of it is through."""
HAS_ITS_TURN = "has its turn"
FINDING_LOCK = 5050_446


def find_customer(work: Work) -> Outcome:
    """Look for the person in PowerCode and decide: a new account, an account that a person named, or neither."""
    account = work.order.account or {}
    applicant = Applicant(**account["applicant"])
    chosen = work.order.decision.get(CUSTOMER.kept_as)
    if chosen:
        return _go_on_with_named(work, chosen)
    _let_those_ahead_pass(work, applicant)
    if work.order.decision.get(NEW_CUSTOMER.kept_as):
        return _go_on_with(work, None, plans_in(account))
    found = look_for(work.services.powercode, applicant)
    _stop_unless_new(work, found)
    return _go_on_with(work, None, plans_in(account), **_kept(work, found))


def _go_on_with_named(work: Work, customer_id: str) -> Outcome:
    """After a restore, an order may not know that the customer was made for it: what else was done is in doubt then."""
    customer, order = _read_customer(work, customer_id), work.order
    kinds = ["plans", "additional"] if order.decision.get("new_account") else ["plans"]
    forgotten = customer.mentions_order(order.orderref) and order.in_doubt_since is None
    doubt = {"in_doubt_since": now()} if forgotten else {}
    return _go_on_with(work, customer_id, plans_in(order.account, *kinds), **doubt)


def _go_on_with(work: Work, customer_id: str | None, plans: Sequence[ServicePlan], **changes: Any) -> Outcome:
    value = {
        "customer_id": customer_id,
        "service_ids": [plan.service_id for plan in plans],
        "tag_ids": tags_of(work.services.settings),
    }
    return Outcome(value=value, changes={"customer_id": customer_id, **changes})


def tags_of(settings: Settings) -> list[int]:
    """The tags that every order's customer gets, each once."""
    return list(dict.fromkeys(settings.pc_cust_tags))


def _read_customer(work: Work, customer_id: str) -> powercode.Customer:
    found = work.services.powercode.read_customer(customer_id=customer_id)
    if found is None or found.customer_id != customer_id:
        reason = f"PowerCode has no customer {customer_id}"
        alike = (work.order.found_customers or {}).get("look_alikes", [])
        others = [each["customer_id"] for each in alike if each["customer_id"] != customer_id]
        raise NeedsReview(problems.NO_SUCH_CUSTOMER, reason, customer_ids=others)
    return found


def _let_those_ahead_pass(work: Work, applicant: Applicant) -> None:
    """Wait if an order that may be for the same customer is ahead: otherwise both could find nobody, and both create.

    Two orders may be for the same customer if they have one site, or by the rule that compares an order with
    PowerCode's customers. The turn is taken under a lock, and kept in the step's own row. It lasts until the customer
    is made, or the order rests or waits without having found out anything.
    """
    ahead: list[str] = []
    me = {"order_id": work.order.id}

    def take_turn(session: Session) -> None:
        one_at_a_time(session, FINDING_LOCK)
        others = connection_of(session).execute(AT_THEIR_TURN, me)
        ahead[:] = [orderref for orderref, account in others if _may_clash(applicant, account)]
        if not ahead:
            work.keep(session, result=HAS_ITS_TURN)

    work.run.commit(take_turn, repeatable=True)  # a power cut that loses the turn also loses the look-up behind it
    if ahead:
        raise Waits(
            System.POWERCODE,
            f"Order {ahead[0]}, for the same site or a person who may be the same, goes first",
            retry_at=now() + timedelta(seconds=NEIGHBOUR_SECONDS),
        )


FINDING, CREATING = aliased(OrderStep), aliased(OrderStep)
IS_LOOKING = and_(cast(FINDING.result, Text) == json.dumps(HAS_ITS_TURN), Order.state != OrderState.WAITING)
IS_MADE = exists().where(
    CREATING.order_id == Order.id, CREATING.name == "create_customer", CREATING.state == StepState.DONE
)
AT_THEIR_TURN = (
    select(Order.orderref, Order.account)
    .join(FINDING, and_(FINDING.order_id == Order.id, FINDING.name == "find_customer"))
    .where(or_(*(Order.state == state for state in ACTIVE_STATES)), Order.id != bindparam("order_id"))
    .where(or_(FINDING.state == StepState.DONE, IS_LOOKING), ~IS_MADE)
    .order_by(Order.id)
)
"""The other orders that look for their customer, or found nobody and have not made theirs yet."""


def _may_clash(applicant: Applicant, account: Mapping[str, Any]) -> bool:
    """Whether another order's new account would stop one for the applicant, or is at the same site."""
    other = Applicant(**account["applicant"])
    return other.site_id == applicant.site_id or may_be_one(applicant, other)


def _stop_unless_new(work: Work, found: LookUpResult) -> None:
    decision = found.decision
    if decision.kind == "exists":
        raise CustomerExists(decision.reason, decision.customer_ids[0], changes=_kept(work, found))
    if decision.problem is not None:
        problem = problems.ALIKE[decision.problem]
        customers, changes = decision.customer_ids, _kept(work, found)
        raise NeedsReview(problem, decision.reason, customer_ids=customers, changes=changes)


def _kept(work: Work, found: LookUpResult) -> dict[str, Any]:
    """What the order's row keeps of the customers whom its person was compared with."""
    if not (found.decision.customer_ids or found.decision.elsewhere):
        return {"found_customers": None}
    with work.services.database.read() as session:
        plans = plans_given(session, found.decision.customer_ids, work.services.settings.zone)
    return {"found_customers": kept(found, plans)}


def create_customer(work: Work) -> Outcome:
    """Create the customer once: an earlier try in doubt is looked up before another is made."""
    account = work.order.account or {}
    applicant = Applicant(**account["applicant"])
    chosen = work.order.decision.get(CUSTOMER.kept_as)
    if chosen:
        _read_customer(work, chosen)
        return _created(chosen)
    if work.in_doubt_since is not None:
        ours = _look_up_ours(work, applicant, work.in_doubt_since)
        if ours:
            return _created(ours)
        work.sending()
    return _create(work, applicant)


def _created(customer_id: str) -> Outcome:
    return Outcome(value={"customer_id": customer_id}, changes={"customer_id": customer_id})


def _made_new(customer_id: str, remark: str | None = None) -> Outcome:
    """A new customer has no plans and no ticket from before, so nothing is in doubt any more."""
    changes = {"customer_id": customer_id, "in_doubt_since": None}
    return Outcome(value={"customer_id": customer_id}, changes=changes, remark=remark)


def _create(work: Work, applicant: Applicant) -> Outcome:
    client = work.services.powercode
    try:
        try:
            return _made_new(client.create_customer(_new_customer(work, applicant, geocode=True)))
        except powercode.Refused as refused:
            if refused.status_code != powercode.CANNOT_GEOCODE:
                raise
        work.sending()
        return _made_new(
            client.create_customer(_new_customer(work, applicant, geocode=False)),
            remark="PowerCode could not find the address on the map: check the customer's location there",
        )
    except powercode.OutcomeUnknown as unknown:
        raise _look_later(work, f"PowerCode did not say whether it made the customer ({unknown.detail})") from None
    except powercode.Refused as refused:
        reason = f"PowerCode refused to make the customer: {refused.detail}"
        raise NeedsReview(problems.CUSTOMER_REFUSED, reason) from None


def _look_later(work: Work, reason: str) -> Waits:
    late_writes.begins(work.order.id)
    settled = now() + timedelta(seconds=work.services.settings.pc_settle_seconds)
    why = f"{reason}; it is looked up"
    return Waits(System.POWERCODE, why, unanswered=True, retry_at=settled, step_state=StepState.UNKNOWN)


def _look_up_ours(work: Work, applicant: Applicant, since: datetime) -> str | None:
    """The customer that an earlier try made, by the order number in its notes; None when it made none.

    A request may still be at work after its connection is gone, so a fresh doubt waits first.
    """
    settled = late_writes.settled_at(work.order.id, since, work.services.settings.pc_settle_seconds)
    if settled is not None:
        raise Waits(
            System.POWERCODE,
            "An earlier try to make the customer has no known outcome; it is looked up",
            retry_at=settled,
            step_state=StepState.UNKNOWN,
        )
    client, orderref = work.services.powercode, work.order.orderref
    found = look_for(client, applicant)
    for one in found.like():
        customer_id = one.candidate.customer_id
        customer = found.records.get(customer_id) or client.read_customer(customer_id=customer_id)
        if customer and customer.mentions_order(orderref):
            return customer.customer_id
    _stop_if_look_alike(work, found)
    return None


def _stop_if_look_alike(work: Work, found: LookUpResult) -> None:
    """Stop if a customer is like ours but lacks our order number: a person decides whether it is ours.

    Go on if a person already said of exactly these customers that they are somebody else.
    """
    seen = (work.order.found_customers or {}).get("seen", []) if work.order.decision.get(NEW_CUSTOMER.kept_as) else []
    if set(found.decision.customer_ids) <= set(seen):
        return
    reason = "An earlier try to make the customer has no known outcome, and a customer like it is in PowerCode"
    raise NeedsReview(
        problems.LOOK_ALIKE,
        reason,
        customer_ids=found.decision.customer_ids,
        step_state=StepState.UNKNOWN,
        changes=_kept(work, found),
    )


def _new_customer(work: Work, applicant: Applicant, *, geocode: bool) -> powercode.NewCustomer:
    settings = work.services.settings
    password = settings.customer_portal_password
    notes = powercode.order_notes(work.order.orderref, applicant.site_id, applicant.terms_agreed_on)
    return powercode.NewCustomer(
        first_name=applicant.first_name,
        last_name=applicant.last_name,
        email=applicant.email,
        phone=digits(applicant.phone),
        street=applicant.street,
        city=applicant.city,
        state=applicant.state,
        zip=applicant.zip,
        geocode=geocode,
        tax_zone_id=str(settings.pc_tax_zone_id),
        invoice_preference=settings.pc_invoice_preference,
        bill_day=settings.pc_bill_day,
        due_by_days=str(settings.pc_due_by_days),
        grace_period_days=str(settings.pc_grace_period_days),
        notes=notes if applicant.terms_agreed_on else notes[:-1],
        portal_password=password.get_secret_value() if password else secrets.token_urlsafe(15),
        ext_account_id=applicant.site_id,
        portal_username=applicant.portal_username,
    )
