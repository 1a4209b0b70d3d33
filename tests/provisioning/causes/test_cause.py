"""Which orders share a cause, and how it is called."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.models import OrderState
from app.provisioning import problems
from app.provisioning.causes.cause import cause_of


@dataclass
class Stopped:
    problem: str | None
    reason: str | None = None
    account: dict[str, Any] | None = None
    state: str = OrderState.NEEDS_REVIEW


def unknown(*plans: str) -> Stopped:
    return Stopped("unknown_plan", f"No service for {plans}", {"unknown_plans": list(plans)})


def refused_plan(plan: str, number: int) -> Stopped:
    account = {"plans": [[number, plan], [7, "Voice"]], "additional": [[172, "Bond fee"]]}
    return Stopped("plan_refused", f"PowerCode refused the plan {plan} ({number}): no such service", account)


def key(order: Stopped) -> str:
    cause = cause_of(order)
    assert cause is not None
    return cause.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (unknown("2.5 Gbps"), unknown("2.5gbps ")),
        (unknown("A", "B"), unknown("b", "a", "B")),
        (refused_plan("2.5 Gbps", 999), refused_plan("2.5 GBPS", 165)),
        (
            Stopped("ticket_refused", "PowerCode refused the ticket: category 54 is closed (request 1)"),
            Stopped("ticket_refused", "PowerCode refused the ticket: category 54 is closed (request 2)"),
        ),
        (Stopped("similar_name", "customer 1001 is Ada Lindt"), Stopped("similar_name", "customer 1002 is Ole Borg")),
    ],
)
def test_orders_that_one_decision_settles_share_a_cause(one: Stopped, other: Stopped) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (unknown("2.5 Gbps"), unknown("3 Gbps")),
        (unknown("A"), unknown("A", "B")),
        (refused_plan("2.5 Gbps", 999), unknown("2.5 Gbps")),
        (Stopped("ticket_refused", "the category is closed"), Stopped("ticket_refused", "the text is too long")),
        (Stopped(None, state=OrderState.EXISTS), Stopped("similar_name")),
    ],
)
def test_orders_that_need_two_decisions_do_not(one: Stopped, other: Stopped) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize("state", [OrderState.COMPLETED, OrderState.WAITING, OrderState.DISMISSED, OrderState.NOT_OURS])
def test_an_order_that_needs_nobody_has_no_cause(state: OrderState) -> None:
    assert cause_of(Stopped("unknown_plan", state=state)) is None


@pytest.mark.parametrize("problem", problems.PROBLEMS.values(), ids=lambda problem: problem.code)
def test_every_problem_is_named_without_a_customer_s_words(problem: problems.Problem) -> None:
    cause = cause_of(Stopped(problem.code, "Ada Lind, ada@example.com", {}))

    assert cause is not None
    assert "Lind" not in cause.key + str(cause) + cause.title(2)
    assert cause.title(1).startswith("1 order")


def test_a_cause_is_called_by_what_it_is_about() -> None:
    plan, refused = cause_of(unknown("2.5 Gbps")), cause_of(refused_plan("2.5 Gbps", 999))

    assert plan is not None
    assert refused is not None
    assert (str(plan), plan.title(46)) == ("plan 2.5 Gbps is unknown", "46 orders wait for the plan 2.5 Gbps")
    assert refused.title(1) == "1 order: PowerCode refused the plan 2.5 Gbps"
    assert (plan.plan_keys, refused.plan_keys) == (["2.5gbps"], ["2.5gbps"])


def test_the_longest_plans_still_make_a_key_that_fits_an_index() -> None:
    assert len(key(unknown(*("x" * 4_000 + str(number) for number in range(9))))) < 100
