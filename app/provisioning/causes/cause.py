"""What a cause is: a problem, and what it is about. Data in, words out."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.models import Order, OrderState
from app.provisioning.plans.mapping import plan_key, plans_in
from app.provisioning.problems import (
    CUSTOMER_REFUSED,
    GIVEN_UP,
    PLAN_FAULT,
    PLAN_REFUSED,
    PROBLEMS,
    PROGRAM_FAULT,
    REFUSED,
    TAG_REFUSED,
    TICKET_REFUSED,
    TICKET_TEMPLATE,
    UNKNOWN_PLAN,
    Problem,
)

EXISTS = Problem("exists", "The person has an account already", "The customer exists", actions=())
"""Not in `PROBLEMS`: the order's state says it, and what can be done is in `actions.OFFERED`."""

BY_PLANS = (UNKNOWN_PLAN.code, PLAN_REFUSED.code)
BY_WORDS = tuple(
    problem.code
    for problem in (
        PLAN_FAULT,
        TICKET_TEMPLATE,
        CUSTOMER_REFUSED,
        TICKET_REFUSED,
        TAG_REFUSED,
        REFUSED,
        GIVEN_UP,
        PROGRAM_FAULT,
    )
)
"""With one of these problems, two orders share a cause if the system's words are the same. Every other problem is a
question about each order's own person or account: such orders are listed together, and decided one by one."""
BETWEEN = "\n"
"""Between the keys of plans, which have no blanks."""
LONGEST = 500


@dataclass(frozen=True)
class Cause:
    """Why orders need a person. `key` is the same for all orders that share it, and has no customer's data in it.

    `plans` are those that it is about, as an order names them; there are none where the problem itself says all.
    """

    key: str
    problem: Problem
    plans: Sequence[str] = ()

    @property
    def about(self) -> str:
        """The plans in words."""
        return ", ".join(self.plans)

    @property
    def decided_together(self) -> bool:
        """Whether one decision settles all its orders."""
        return self.problem.code in (*BY_PLANS, *BY_WORDS)

    @property
    def plan_keys(self) -> Sequence[str]:
        """The plans that it is about, as the plan table knows them."""
        return keys_in(self.key)

    def __str__(self) -> str:
        """In a few words, as within a sentence: `plan 2.5 Gbps is unknown`."""
        if self.problem is UNKNOWN_PLAN:
            return f"plan {self.about} is unknown" if len(self.plans) < 2 else f"plans {self.about} are unknown"
        if self.problem is PLAN_REFUSED and self.plans:
            return f"PowerCode refused {_plans(self)}"
        words = self.problem.words
        return words if words.startswith("PowerCode") else words[:1].lower() + words[1:]

    def title(self, count: int) -> str:
        """Of the card that stands for all its orders: `46 orders wait for the plan 2.5 Gbps`."""
        if self.problem is UNKNOWN_PLAN:
            waits = "order waits" if count == 1 else "orders wait"
            return f"{count:,} {waits} for {_plans(self)}"
        return f"{count:,} {'order' if count == 1 else 'orders'}: {self}"


def cause_of(order: Order) -> Cause | None:
    """The cause for which an order stands; None when it doesn't need a person."""
    if order.state == OrderState.EXISTS:
        return Cause(EXISTS.code, EXISTS)
    problem = PROBLEMS.get(order.problem or "")
    if order.state != OrderState.NEEDS_REVIEW or problem is None:
        return None
    if problem.code in BY_PLANS:
        plans = {plan_key(name): name for name in reversed(_plans_of(order))}
        return Cause(key_of(problem, plans), problem, tuple(reversed(plans.values())))
    if problem.code in BY_WORDS:
        return Cause(f"{problem.code}:{fingerprint(_words(order.reason or ''))}", problem)
    return Cause(problem.code, problem)


def key_of(problem: Problem, plan_keys: Iterable[str]) -> str:
    """The key of a cause that is about plans."""
    key = f"{problem.code}:{BETWEEN.join(sorted(set(plan_keys)))}"
    return key if len(key) <= LONGEST else f"{problem.code}:{fingerprint(key)}"


def keys_in(cause: str) -> Sequence[str]:
    """The plans' keys in a cause's key."""
    code, _, rest = cause.partition(":")
    return rest.split(BETWEEN) if code in BY_PLANS else ()


def _plans_of(order: Order) -> list[str]:
    account = order.account or {}
    if order.problem == UNKNOWN_PLAN.code:
        return [str(name) for name in account.get("unknown_plans", [])]
    return [plan.description for plan in plans_in(account) if f" {plan}" in (order.reason or "")][:1]


def _words(reason: str) -> str:
    """A reason without what differs from order to order: numbers, and what is quoted."""
    return re.sub(r"\d+|\"[^\"]*\"|“[^”]*”", "#", reason).casefold()


def fingerprint(text: str) -> str:
    """A short name for a text that may be long, or must not be read."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _plans(cause: Cause) -> str:
    return f"the plan {cause.about}" if len(cause.plans) < 2 else f"the plans {cause.about}"
