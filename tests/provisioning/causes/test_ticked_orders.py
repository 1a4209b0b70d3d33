"""Orders of several causes that a person ticked: one decision for what all of them allow, each as it was seen."""

import pytest
from sqlalchemy import select

from app.models import JointDecision, OrderState
from app.provisioning import review
from app.provisioning.actions import BY_HAND, DISMISS, RESUME
from app.provisioning.causes import joint_decisions, ticked_orders
from app.provisioning.causes.ticked_orders import Chosen, Tick
from tests.conftest import Service
from tests.console.decision_buttons import decisions, run_of
from tests.console.made_orders import apart, settled_as

UNKNOWN, REFUSED, ALIKE = (f"UIA202412-000{number}" for number in (301, 302, 303))


@pytest.fixture
def stopped(service: Service) -> list[Tick]:
    """One that stopped over an unknown plan, one whose ticket was refused, one whose person may be a customer."""
    settled_as(service, UNKNOWN, OrderState.NEEDS_REVIEW, **apart(301, plan="2.5 Gbps"))
    service.sandbox.powercode.fault("createTicket", "status_code", status_code=12, message="no such category")
    settled_as(service, REFUSED, OrderState.NEEDS_REVIEW, **apart(302, lastname="Berg"))
    home = apart(303, lastname="Moe")
    service.sandbox.powercode.add_customer(firstName="Ada", lastName="Moen", physicalStreet=home["address"])
    settled_as(service, ALIKE, OrderState.NEEDS_REVIEW, **home)
    return ticks(service, UNKNOWN, REFUSED, ALIKE)


def ticks(service: Service, *orderrefs: str) -> list[Tick]:
    return [Tick(run_of(service, each), each) for each in orderrefs]


def seen(service: Service, those: list[Tick]) -> Chosen:
    return service.read(ticked_orders.chosen, those)


def offered(service: Service, *orderrefs: str) -> list[str]:
    return [shared.action.code for shared in seen(service, ticks(service, *orderrefs)).shared]


def test_what_is_offered_is_what_every_order_allows(service: Service, stopped: list[Tick]) -> None:
    assert offered(service, REFUSED) == ["resume", "by_hand", "without_it", "dismiss"]
    assert offered(service, UNKNOWN) == ["dismiss"]
    assert offered(service, ALIKE) == ["dismiss"]
    assert offered(service, UNKNOWN, REFUSED, ALIKE) == ["dismiss"]
    chosen = seen(service, stopped)
    assert [one.orderref for one in chosen.orders] == [UNKNOWN, REFUSED, ALIKE]
    assert sorted(chosen.shared[0].says.values()) == [1, 2]
    assert chosen.cause is None
    alone = seen(service, ticks(service, UNKNOWN)).cause
    assert alone is not None and alone.cause.plans == ("2.5 Gbps",)


def test_one_note_closes_all_and_what_moved_on_is_told_and_left_alone(service: Service, stopped: list[Tick]) -> None:
    service.act(review.resume, REFUSED, "Bob", by_hand=True, note="made by Bob")
    service.rested(REFUSED, OrderState.COMPLETED)

    assert seen(service, stopped).moved_on == [REFUSED]
    joint = service.act(ticked_orders.decide, "Ada", DISMISS, stopped, note="twice by mistake").id

    assert [service.state(each) for each in (UNKNOWN, REFUSED, ALIKE)] == ["dismissed", "completed", "dismissed"]
    assert decisions(service, UNKNOWN) == [("Ada", "dismiss", "twice by mistake")]
    progress = service.read(joint_decisions.progress, joint)
    assert progress is not None and progress.rests
    assert {one.orderref: one.left_alone for one in progress.orders if one.left_alone} == {
        REFUSED: ticked_orders.MOVED_ON
    }


def test_what_was_refused_is_settled_by_hand_for_each(service: Service, stopped: list[Tick]) -> None:
    service.act(ticked_orders.decide, "Ada", BY_HAND, stopped[1:2], note="tickets made")

    assert service.rested(REFUSED, OrderState.COMPLETED)["decisions"][-1]["note"] == "tickets made"


def test_an_action_that_fits_none_of_them_changes_nothing(service: Service, stopped: list[Tick]) -> None:
    with pytest.raises(review.NotPossible), service.services.database.write() as session:
        ticked_orders.decide(service.services, session, "Ada", RESUME, [stopped[0], stopped[2]])

    assert service.state(UNKNOWN) == service.state(ALIKE) == "needs_review"
    assert service.rows(select(JointDecision)) == []


@pytest.mark.parametrize("text", ["", "3", "3:", ":UIA-1", "x:UIA-1", "-1:UIA-1", "٣:UIA-1", "9999999999:UIA-1"])
def test_a_text_that_is_no_tick_is_ignored(text: str) -> None:
    assert Tick.of(text) is None


def test_a_tick_names_its_order_and_run_whatever_the_reference_has_in_it() -> None:
    assert Tick.of("3:a:b") == Tick(3, "a:b")
    assert str(Tick(3, "a:b")) == "3:a:b"
