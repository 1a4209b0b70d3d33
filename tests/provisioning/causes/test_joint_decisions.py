"""One decision settles all orders of a cause, and a wrong number harms one order and not all."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select

from app.models import JointDecision, Order, OrderDecision, OrderState, OrderStep, PlanTrial, StepState
from app.provisioning import plan_decisions, review
from app.provisioning.actions import DISMISS, RESUME
from app.provisioning.causes import joint_decisions, trial_orders
from app.provisioning.causes.open_causes import open_causes
from app.provisioning.causes.trial_orders import Verdict, verdict_on
from app.provisioning.offers import offers_for
from app.provisioning.plans import plan_changes
from app.provisioning.timeline import timeline
from tests.conftest import Service, wait_for

PLAN = "2.5 Gbps"
COUNT = 4


def refs(count: int = COUNT) -> list[str]:
    return [f"UIA202412-00{number}" for number in range(100, 100 + count)]


def household(number: str) -> dict[str, str]:
    return {
        "siteid": number,
        "address": f"{number} APART STREET",
        "email": f"{number}@example.com",
        "phone": f"4065550{number}",
        "lastname": f"Household{chr(ord('a') + int(number[-1]))}",
    }


def taken(service: Service, orderref: str, plan: str = PLAN) -> None:
    service.order(orderref, plan=plan, **household(orderref[-3:]))
    assert service.callback(orderref).status_code == 200


@pytest.fixture
def waiting(service: Service) -> list[str]:
    """Orders that stopped over one unknown plan."""
    for orderref in refs():
        taken(service, orderref)
    for orderref in refs():
        service.rested(orderref, OrderState.NEEDS_REVIEW)
    service.sandbox.powercode.services[165] = PLAN
    return refs()


def the_cause(service: Service) -> Any:
    (found,) = service.read(open_causes)
    return found


def sold_as(service: Service, number: int) -> None:
    cause = the_cause(service).cause
    service.act(plan_decisions.sell_as, "Stan", cause, dict.fromkeys(cause.plans, number))


def customers(service: Service) -> int:
    return len(service.sandbox.powercode.customers)


@pytest.mark.long
def test_a_wrong_number_stops_one_order_and_its_correction_frees_all(service: Service, waiting: list[str]) -> None:
    """46 customers were made, 46 orders stopped, and correcting the number released none."""
    sold_as(service, 999)
    first, *others = waiting
    service.rested(first, OrderState.NEEDS_REVIEW)

    assert customers(service) == 1
    assert {service.state(orderref) for orderref in others} == {OrderState.WAITING}
    found = the_cause(service)
    assert (found.count, str(found.cause)) == (1, f"PowerCode refused the plan {PLAN}")
    mail = service.notices("refused the plan")[-1]
    assert "- Correct the plan's number, for all orders that it stops\n" in mail.text
    assert "- Go on without it" not in mail.text  # that is on the order's own page, and the mail leads to all of them
    assert f"{COUNT - 1} of them wait until" in mail.text
    assert service.read(trial_orders.followers_of, found.cause.plan_keys) == COUNT - 1
    assert service.read(joint_decisions.held_up_by, found.cause.plan_keys) == COUNT

    sold_as(service, 165)

    for orderref in waiting:
        assert service.rested(orderref, OrderState.COMPLETED)["services"][0]["service_id"] == 165
    assert customers(service) == COUNT
    with service.services.database.read() as session:
        assert session.scalars(select(PlanTrial)).all() == []
        corrected = session.scalars(select(JointDecision).order_by(JointDecision.id.desc())).first()
        assert corrected and joint_decisions.reached(session, corrected) == COUNT
        told = timeline(session, session.scalars(select(Order).filter_by(orderref=first)).one())
        assert f"Add the plan {PLAN} (999), before the order was started again" in [event.title for event in told]


@pytest.mark.long
def test_one_order_goes_first_and_the_others_follow_once_powercode_took_the_plan(
    service: Service, waiting: list[str]
) -> None:
    service.sandbox.powercode.fault("createCustomer", "http", times=1, status=429, retry_after="1")

    sold_as(service, 165)

    (trial,) = service.read(trial_orders.on_trial)
    assert trial.followers == COUNT - 1
    for orderref in waiting:
        service.rested(orderref, OrderState.COMPLETED)
    joint = service.one(select(JointDecision))
    told = service.read(joint_decisions.progress, joint.id)
    assert told is not None
    assert (told.rests, told.left, told.states) == (True, 0, {OrderState.COMPLETED: COUNT})


@pytest.mark.long
def test_an_order_that_stops_over_something_else_lets_another_go_first(service: Service, waiting: list[str]) -> None:
    service.sandbox.powercode.fault("createCustomer", "status_code", times=1, status_code=9, message="invalid phone")

    sold_as(service, 165)

    for orderref in waiting[1:]:
        service.rested(orderref, OrderState.COMPLETED)
    assert service.show(waiting[0])["problem"] == "customer_refused"


@pytest.mark.long
def test_an_order_that_comes_while_the_number_is_on_trial_follows_too(service: Service, waiting: list[str]) -> None:
    sold_as(service, 999)
    service.rested(waiting[0], OrderState.NEEDS_REVIEW)

    taken(service, "UIA202412-00109")
    late = service.rested("UIA202412-00109", OrderState.WAITING)

    assert "Another order shows first" in late["reason"]
    assert customers(service) == 1
    sold_as(service, 165)
    service.rested("UIA202412-00109", OrderState.COMPLETED)


@pytest.mark.long
def test_an_order_that_follows_can_be_closed_and_not_be_hurried(service: Service, waiting: list[str]) -> None:
    sold_as(service, 999)
    service.rested(waiting[0], OrderState.NEEDS_REVIEW)

    with service.services.database.write() as session, pytest.raises(review.NotPossible, match="by itself"):
        review.resume(service.services, session, waiting[1], "Stan")
    order = service.one(select(Order).filter_by(orderref=waiting[1]))
    assert [offer.action.code for offer in service.read(offers_for, order)] == [DISMISS.code]
    service.act(review.dismiss, waiting[1], "Stan", "cancelled")

    sold_as(service, 165)
    for orderref in (waiting[0], *waiting[2:]):
        service.rested(orderref, OrderState.COMPLETED)
    assert service.state(waiting[1]) == OrderState.DISMISSED


@pytest.mark.long
def test_followers_need_a_person_again_when_the_plan_is_unmapped(service: Service, waiting: list[str]) -> None:
    sold_as(service, 999)
    service.rested(waiting[0], OrderState.NEEDS_REVIEW)

    service.write(plan_changes.unmap_plan, "Stan", plan_changes.Plan(PLAN, False, 999))

    for orderref in waiting[1:]:
        assert service.rested(orderref, OrderState.NEEDS_REVIEW)["problem"] == "unknown_plan"


def test_all_are_closed_with_one_note_and_those_that_came_later_are_not(service: Service, waiting: list[str]) -> None:
    found = the_cause(service)
    taken(service, "UIA202412-00109")
    service.rested("UIA202412-00109", OrderState.NEEDS_REVIEW)

    joint = service.write(
        joint_decisions.decide, "Stan", DISMISS, found.cause.key, newest=found.newest, note="we do not sell it"
    )

    wait_for(lambda: progress(service, joint.id).rests)
    assert progress(service, joint.id).states == {OrderState.DISMISSED: COUNT}
    assert service.show(waiting[0])["decisions"][-1]["note"] == "we do not sell it"
    assert service.state("UIA202412-00109") == OrderState.NEEDS_REVIEW


def progress(service: Service, joint_id: int) -> joint_decisions.Progress:
    found = service.read(joint_decisions.progress, joint_id)
    assert found is not None
    return found


@pytest.mark.long
def test_all_are_tried_again_once_each_also_those_that_stop_for_the_same_reason(service: Service) -> None:
    service.sandbox.powercode.fault(
        "createTicket", "status_code", times=None, status_code=9, message="no such category"
    )
    for orderref in refs(3):
        taken(service, orderref, "1 Gbps")
    for orderref in refs(3):
        service.rested(orderref, OrderState.NEEDS_REVIEW)
    found = the_cause(service)

    joint = service.write(joint_decisions.decide, "Stan", RESUME, found.cause.key, newest=found.newest)

    wait_for(lambda: progress(service, joint.id).rests)
    again = select(func.count()).select_from(OrderDecision).filter_by(joint_id=joint.id)
    assert service.scalar(again) == 3
    assert service.read(open_causes)[0].count == 3
    assert customers(service) == 3


@pytest.mark.long
def test_an_order_with_damaged_rows_is_told_and_holds_up_no_other(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "status_code", times=3, status_code=9, message="no such category")
    for orderref in refs(3):
        taken(service, orderref, "1 Gbps")
    for orderref in refs(3):
        service.rested(orderref, OrderState.NEEDS_REVIEW)
    with service.services.database.write() as session:
        damaged = session.scalars(select(Order).filter_by(orderref=refs(3)[1])).one()
        damaged.problem = "plan_refused"
        session.scalars(select(OrderStep).filter_by(order_id=damaged.id, name="find_customer")).one().result = {}
        found = open_causes(session)[0]
        joint = joint_decisions.decide(session, "Stan", RESUME, found.cause.key, newest=found.newest)

    wait_for(lambda: progress(service, joint.id).rests)
    left_alone = {one.orderref: one.left_alone for one in progress(service, joint.id).orders}
    assert [service.state(each) for each in refs(3)] == ["completed", "needs_review", "completed"]
    assert left_alone[refs(3)[0]] == left_alone[refs(3)[2]] == ""
    assert "decide for this order alone" in left_alone[refs(3)[1]]


def test_what_is_decided_for_each_alone_is_not_decided_for_all(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    taken(service, refs(1)[0], "1 Gbps")
    service.rested(refs(1)[0], OrderState.NEEDS_REVIEW)
    found = the_cause(service)

    with service.services.database.write() as session, pytest.raises(review.NotPossible, match="by itself"):
        joint_decisions.decide(session, "Stan", RESUME, found.cause.key, newest=found.newest)


@dataclass
class Row:
    state: str
    problem: str | None = None
    result: Any = None


@pytest.mark.parametrize(
    ("order", "step", "verdict"),
    [
        (None, None, Verdict.ANOTHER),
        (Row(OrderState.RUNNING), None, Verdict.UNDER_WAY),
        (Row(OrderState.WAITING), Row(StepState.NEVER_ARRIVED), Verdict.UNDER_WAY),
        (Row(OrderState.NEEDS_REVIEW, "plan_refused"), Row(StepState.REFUSED), Verdict.REFUSED),
        (Row(OrderState.NEEDS_REVIEW, "plan_refused"), None, Verdict.ANOTHER),
        (Row(OrderState.NEEDS_REVIEW, "outcome_unknown"), Row(StepState.UNKNOWN), Verdict.IN_DOUBT),
        (Row(OrderState.NEEDS_REVIEW, "outcome_unknown"), Row(StepState.DONE), Verdict.TAKEN),
        (Row(OrderState.NEEDS_REVIEW, "ticket_refused"), Row(StepState.DONE), Verdict.TAKEN),
        (Row(OrderState.COMPLETED), Row(StepState.DONE, result={"service_id": 165}), Verdict.TAKEN),
        (Row(OrderState.COMPLETED), Row(StepState.DONE, result={"settled": "by_hand"}), Verdict.ANOTHER),
        (Row(OrderState.EXISTS), None, Verdict.ANOTHER),
        (Row(OrderState.DISMISSED), Row(StepState.REFUSED), Verdict.ANOTHER),
    ],
)
def test_each_state_of_the_trial_order_has_its_verdict(order: Row | None, step: Row | None, verdict: Verdict) -> None:
    assert verdict_on(order, step) is verdict  # type: ignore[arg-type]
