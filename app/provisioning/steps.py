"""What each step of an order does; the customer's are in `customer_creation.py`. `workflow.py` tells their order."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import powercode
from app.models import Order, StepState
from app.provisioning import lifecycle, problems
from app.provisioning.applicants import Applicant, contract_of
from app.provisioning.causes.cause import key_of
from app.provisioning.contract_checks import account_of, check_applicant, check_plans, make_ticket_text
from app.provisioning.plans import plans_seen, trials
from app.provisioning.plans.mapping import plans_in
from app.provisioning.plans.plan_table import plan_table
from app.provisioning.run_endings import NOT_THIS_CALLER, Follows, NeedsReview
from app.provisioning.runs import Outcome
from app.provisioning.step_journal import Work
from app.provisioning.written_parts import given_by_hand, plan_named
from config import Settings


def fetch_contract(work: Work) -> Outcome:
    """Ask UTOPIA for the order behind the callback."""
    contract = work.services.utopia.contract(work.order.orderref)
    site = contract.address.site_id[:64] or None
    return Outcome(
        changes={"contract": contract.to_dict(), "site_id": site},
        afterwards=lambda session, order: plans_seen.record(session, order.orderref, contract),
    )


def check_contract(work: Work) -> Outcome:
    """Check everything that can be checked before the first write: person, address, plans, ticket text."""
    contract = contract_of(work.order)
    applicant = check_applicant(contract)
    with work.services.database.read() as session:
        table, any_on_trial = plan_table(session), trials.are_any(session)
    ordered = check_plans(contract, table)
    account = account_of(applicant, ordered, table)
    _ticket_text(work, applicant, account)
    if any_on_trial:
        _take_turn(work, [plan.description for plan in ordered])
    return Outcome(changes={"account": account})


def _take_turn(work: Work, descriptions: Sequence[str]) -> None:
    """If a plan's number is new, one order shows whether PowerCode takes it; the others wait for that order."""
    on_trial = trials.blocking(work.services.database, work.order, descriptions)
    if on_trial:
        names = ", ".join(on_trial.values())
        reason = f"Another order shows first whether PowerCode takes the plan {names}; this one follows by itself"
        raise Follows(reason, key_of(problems.UNKNOWN_PLAN, on_trial))


def _ticket_text(work: Work, applicant: Applicant, account: dict[str, Any]) -> str:
    order = work.order
    descriptions = [plan.description for plan in plans_in(account, "plans")]
    return make_ticket_text(work.services.settings, order.orderref, order.customer_id or "", applicant, descriptions)


def hand_over(work: Work) -> Outcome:
    """Go on to the account, in the queue of orders that work in PowerCode."""
    return Outcome(changes={"stage": "account"}, afterwards=partial(lifecycle.enqueue, work.services.work_queue))


def add_plan(service_id: int, work: Work) -> Outcome:
    """Add a service plan once. PowerCode can't be asked which plans a customer has, so a doubt goes to a person."""
    name = plan_named(work.order, f"plan:{service_id}")
    if work.in_doubt_since is not None:
        raise _ask_whether(work, f"whether the plan {name} was added")
    with work.services.database.read() as session:
        given = given_by_hand(session, work.order, service_id)
    if given is not None:
        raise NeedsReview(
            problems.OUTCOME_UNKNOWN,
            f"{given.made_by} gave customer {work.order.customer_id} the plan {name} apart from this order, and now it "
            "would be billed twice. If it was meant for this order, it is there; if they get it once more, it is not",
            step_state=StepState.UNKNOWN,
        )
    try:
        work.services.powercode.add_customer_service(
            _customer_id(work.order), service_id, quantity=1, prorate=work.services.settings.pc_prorate_service
        )
    except powercode.OutcomeUnknown as unknown:
        raise _ask_whether(work, f"whether the plan {name} was added", unknown.detail) from None
    except powercode.Refused as refused:
        raise NeedsReview(
            problems.PLAN_REFUSED,
            f"PowerCode refused the plan {name}: {refused.detail}. If the number is wrong, correct it on the "
            "order's page: every order that it stops goes on then",
        ) from None
    return Outcome(value={"service_id": service_id})


def create_ticket(work: Work) -> Outcome:
    """Create the welcome ticket once; PowerCode mails it to the customer, so a doubt goes to a person."""
    if work.in_doubt_since is not None:
        raise _ask_whether(work, "whether the ticket was created")
    settings, account = work.services.settings, work.order.account or {}
    text = _ticket_text(work, Applicant(**account["applicant"]), account)
    new = new_ticket(settings, _customer_id(work.order), settings.pc_ticket_summary, text)
    try:
        ticket_id = work.services.powercode.create_ticket(new)
    except powercode.OutcomeUnknown as unknown:
        raise _ask_whether(work, "whether the ticket was created", unknown.detail) from None
    except powercode.Refused as refused:
        raise NeedsReview(problems.TICKET_REFUSED, f"PowerCode refused the ticket: {refused.detail}") from None
    return Outcome(value={"ticket_id": ticket_id}, changes={"ticket_id": ticket_id})


def new_ticket(settings: Settings, customer_id: str, summary: str, description: str) -> powercode.NewTicket:
    """A ticket with this text, as the server's settings have tickets."""
    return powercode.NewTicket(
        customer_id=customer_id,
        summary=summary,
        description=description,
        category=str(settings.pc_ticket_category),
        ticket_type=str(settings.pc_ticket_type),
        responsible_user=settings.pc_ticket_responsible,
        responsible_group_id=str(settings.pc_ticket_group),
    )


def add_tag(tag_id: int, work: Work) -> Outcome:
    """Tag the customer; after a doubt the tags are listed first."""
    client, customer_id = work.services.powercode, _customer_id(work.order)
    if work.in_doubt_since is not None:
        if any(tag.tag_id == str(tag_id) for tag in client.customer_tags(customer_id)):
            return Outcome(value={"tag_id": tag_id})
        work.sending()
    try:
        client.add_customer_tag(customer_id, tag_id)
    except powercode.Refused as refused:
        if refused.status in NOT_THIS_CALLER:
            raise
        raise NeedsReview(
            problems.TAG_REFUSED,
            f"PowerCode refused the tag {tag_id}: {refused.detail}. If it is the wrong one, correct PC_CUST_TAGS and "
            "restart, then try again",
        ) from None
    return Outcome(value={"tag_id": tag_id})


def complete(work: Work) -> Outcome:
    """Close the order and record the notice to staff."""
    return Outcome(changes=lifecycle.completion(), afterwards=partial(lifecycle.tell_completion, work.services))


def _customer_id(order: Order) -> str:
    if not order.customer_id:
        raise NeedsReview(problems.PROGRAM_FAULT, "The order has no customer id at a step that needs one")
    return order.customer_id


def _ask_whether(work: Work, what: str, said: str | None = None) -> NeedsReview:
    from_backup = work.in_doubt_since is not None and work.in_doubt_since == work.order.in_doubt_since
    why = "This order comes from a backup, and it is not known" if from_backup else "PowerCode did not say"
    answer = f" ({said})" if said else ""
    return NeedsReview(
        problems.OUTCOME_UNKNOWN,
        f"{why} {what} for customer {work.order.customer_id}{answer}. Look at the customer's page",
        step_state=StepState.UNKNOWN,
    )
