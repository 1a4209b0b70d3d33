"""What a person can do with an order as it stands, and what each action would do to PowerCode.

The rows are in `actions`; why an order needs a person is in `problems`.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.models import FIRST_ORDER, Order, OrderState, OrderStep
from app.provisioning import customer_search
from app.provisioning.actions import (
    ACTIONS,
    ADD_TO_THIS_CUSTOMER,
    BY_HAND,
    CORRECT,
    CUSTOMER,
    DISMISS,
    IT_IS_NOT_THERE,
    IT_IS_THERE,
    MAP_PLANS,
    NEW_CUSTOMER,
    OFFERED,
    RESUME,
    WITHOUT_IT,
    Action,
    Needs,
)
from app.provisioning.corrections import may_correct
from app.provisioning.plan_decisions import plans_asked_for
from app.provisioning.plans.mapping import plans_in
from app.provisioning.problems import PLAN_REFUSED, PROBLEMS
from app.provisioning.written_parts import (
    doubtful_step,
    has_written,
    plan_named,
    was_forgotten_half_done,
    was_to_be_created,
)

THE_TICKET = "the ticket"


@dataclass(frozen=True)
class Offer:
    """Something that a person can do with an order now: `says` is what will happen, `needs` what they give with it.

    `customer_id` is set when a certain customer is meant. `commands` do the same as the action; there are none where
    only a page can do it.
    """

    action: Action
    title: str
    says: str
    needs: Needs
    customer_id: str | None
    commands: Sequence[str]

    @property
    def looks_at_customer(self) -> bool:
        """Whether a person looks at the customer's page in PowerCode first."""
        return self.action.code == IT_IS_THERE.code


@dataclass(frozen=True)
class Situation:
    """How an order stands: its step whose outcome is unknown, and whether something of the order is in PowerCode."""

    order: Order
    doubtful: OrderStep | None
    written: bool

    @property
    def in_doubt(self) -> str:
        """The write whose outcome is unknown, in words: `the ticket`, `the plan 1 Gbps (164)`."""
        if self.doubtful is not None and self.doubtful.name.startswith("plan:"):
            return f"the plan {plan_named(self.order, self.doubtful.name)}"
        return THE_TICKET


def offers_for(session: Session, order: Order) -> list[Offer]:
    """What a person can do with the order as it stands, the likeliest first."""
    if was_forgotten_half_done(session, order):
        return []
    situation = Situation(order, doubtful_step(session, order), has_written(session, order))
    stopped = order.state == OrderState.NEEDS_REVIEW
    fitting = _for_review(order, correctable=may_correct(session, order)) if stopped else _by_state(order)
    return [_offer(situation, *each) for each in fitting]


def is_offered(session: Session, order: Order, action: Action) -> bool:
    """Whether a person can do this with the order, in whatever words."""
    return any(offer.action.code == action.code for offer in offers_for(session, order))


def _by_state(order: Order) -> Iterator[tuple[Action, str | None]]:
    follows = order.state == OrderState.WAITING and order.waiting_for == FIRST_ORDER
    for action in OFFERED.get(order.state, ()):
        if follows and action.code == RESUME.code:
            continue  # the first order decides whether it goes on
        if action is not ADD_TO_THIS_CUSTOMER:
            yield action, None
        elif order.customer_id:
            yield action, order.customer_id


def _for_review(order: Order, *, correctable: bool) -> Iterator[tuple[Action, str | None]]:
    """What fits an order that needs a person, with the customer who is meant."""
    problem = PROBLEMS.get(order.problem or "")
    cure = problem.cure if problem else None
    if (cure and cure.needs is Needs.PLANS) or (cure is CORRECT and correctable):
        yield cure, None
    kept = [row for row in order.actions if row.get("action") != DISMISS.code]
    yield from map(_as_kept, kept)
    names_one = [bool(row.get("customer_id")) for row in kept if row.get("action") == CUSTOMER.code]
    if names_one and all(names_one):
        yield CUSTOMER, None
    if cure is not CORRECT and correctable:
        yield CORRECT, None
    yield DISMISS, None


def _as_kept(row: Mapping[str, Any]) -> tuple[Action, str | None]:
    """An action from what an order keeps of its offers, in the words of that time."""
    action = ACTIONS.get(str(row.get("action")), RESUME)
    customer_id = row.get("customer_id")
    return action.saying(str(row.get("label") or action.label)), str(customer_id) if customer_id else None


def _offer(situation: Situation, action: Action, customer_id: str | None) -> Offer:
    return Offer(
        action=action,
        title=action.label_for(customer_id),
        says=_says(situation, action, customer_id),
        needs=Needs.NOTHING if action.needs is Needs.TICKET and situation.in_doubt != THE_TICKET else action.needs,
        customer_id=customer_id,
        commands=_commands(situation.order, action, customer_id),
    )


def _says(situation: Situation, action: Action, customer_id: str | None) -> str:
    if action.says and not customer_id:
        return action.says
    return _SAYS[action.code](situation, customer_id)


def _commands(order: Order, action: Action, customer_id: str | None) -> Sequence[str]:
    if not action.command:
        return ()
    quoted = {"orderref": shlex.quote(order.orderref)}
    if action.code == MAP_PLANS.code:
        return [action.command.format(plan=shlex.quote(plan)) for plan in plans_asked_for(order)]
    named = [customer_id or "N"] if action.needs is Needs.CUSTOMER else []
    return [" ".join([action.command.format(**quoted), *([action.option] if action.option else []), *named])]


# What will happen


def _closes(situation: Situation, _: str | None) -> str:
    left = "What is in PowerCode already stays there; look after it by hand."
    kept = left if situation.written else "PowerCode stays as it is."
    return f"Nothing more is done for it. {kept} Your note is kept with it."


def _goes_on(situation: Situation, _: str | None) -> str:
    if situation.written:
        return "The order goes on where it stopped; what is done already is not done again."
    return "The order starts over with UTOPIA's contract; nothing of it is in PowerCode yet."


def _adds_to(situation: Situation, customer_id: str | None) -> str:
    """What naming this customer does to PowerCode."""
    plans = _and_the_rest(_plans(situation.order, "plans"))
    return (
        f"In PowerCode: customer {customer_id} gets {plans}. Their bill grows by that, "
        "and the ticket's text is mailed to them. No new account is made."
    )


def _opens_account(situation: Situation, _: str | None) -> str:
    """What a new account does to PowerCode, and which customers it leaves alone."""
    order = situation.order
    made = f"In PowerCode: a new customer is made, with {_and_the_rest(_plans(order, 'plans', 'additional'))}."
    found = [one.customer_id for one in customer_search.look_alikes(order)]
    if found:
        made += f" Nothing is changed at customer {' and '.join(found)}."
    contacts = shared_contacts(order)
    if contacts:
        made += f" Both have the same {contacts}, so you are asked once more."
    if order.state == OrderState.EXISTS:
        made += " The same person has two accounts then, and gets a bill for each."
    return made


def shared_contacts(order: Order) -> str:
    """The contacts that the order's person shares with a look-alike: `phone number and mail address`; "" for none."""
    shared = dict.fromkeys(word for one in customer_search.look_alikes(order) for word in one.contacts)
    return " and ".join(shared)


def _plans(order: Order, *kinds: str) -> list[str]:
    return [str(plan) for plan in plans_in(order.account, *kinds)]


def _and_the_rest(plans: Sequence[str]) -> str:
    named = [f"the plan {plan}" for plan in plans] or ["the order's plans"]
    return ", ".join([*named, "the welcome ticket and any tags"])


def _is_there(situation: Situation, _: str | None) -> str:
    customer_id = situation.order.customer_id
    if situation.in_doubt == THE_TICKET:
        return (
            f"You looked at customer {customer_id}'s page, and the welcome ticket is there. PowerCode is asked "
            "whether the number is right; then the order goes on, and no second ticket is mailed to the customer."
        )
    return (
        f"You looked at customer {customer_id}'s page, and {situation.in_doubt} is there. It "
        "is not added again, and the order goes on. PowerCode can't be asked about plans: your word counts."
    )


def _is_not_there(situation: Situation, _: str | None) -> str:
    harm = "reads it twice" if situation.in_doubt == THE_TICKET else "pays for it twice"
    return (
        f"You looked at customer {situation.order.customer_id}'s page, and {situation.in_doubt} is not there. It is "
        f"sent to PowerCode once more. If it is there after all, the customer {harm}."
    )


def _done_by_hand(situation: Situation, _: str | None) -> str:
    return (
        f"You did in PowerCode, at customer {situation.order.customer_id}, what it refused. The order goes on after "
        "it; its notice says that it was done by hand, with your note."
    )


def _left_out(situation: Situation, _: str | None) -> str:
    what = "their plan is not billed" if situation.order.problem == PLAN_REFUSED.code else "they get no welcome ticket"
    return f"The order goes on without it: {what}, as long as nobody adds it. Its notice says so, with your note."


_SAYS: Mapping[str, Callable[[Situation, str | None], str]] = {
    RESUME.code: _goes_on,
    CUSTOMER.code: _adds_to,
    NEW_CUSTOMER.code: _opens_account,
    IT_IS_THERE.code: _is_there,
    IT_IS_NOT_THERE.code: _is_not_there,
    BY_HAND.code: _done_by_hand,
    WITHOUT_IT.code: _left_out,
    DISMISS.code: _closes,
}
"""The functions that say what will happen, where it depends on the order; for other actions their row says it."""


def additions(session: Session, order: Order) -> list[str]:
    """The plans that a customer whom a person names gets from this order, in words: `1 Gbps (164)`."""
    new_account = was_to_be_created(session, order)
    return _plans(order, "plans", "additional") if new_account else _plans(order, "plans")
