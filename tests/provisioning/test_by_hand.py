"""What PowerCode refused and a person did there by hand, or leaves out: the order goes on, and tells it as it is."""

import pytest

from app.models import OrderState
from app.provisioning import review
from app.provisioning.plans import plan_table
from tests.conftest import Service
from tests.tools.command_runs import failed, run

REF = "UIA202411-001186"


@pytest.fixture
def refused_ticket(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "status_code", status_code=9, message="no such category")
    assert service.take(REF)["problem"] == "ticket_refused"


@pytest.fixture
def refused_plan(service: Service) -> None:
    service.write(plan_table.map_plan, "10 Gbps", 999)
    assert service.take(REF, plan="10 Gbps")["problem"] == "plan_refused"


def resume(service: Service, **how: object) -> None:
    service.act(review.resume, REF, "Stan", **how)


@pytest.mark.usefixtures("refused_ticket")
def test_a_ticket_that_a_person_made_by_hand_is_not_made_again(service: Service) -> None:
    resume(service, by_hand=True, note="ticket 4711 is there")

    order = service.rested(REF, OrderState.COMPLETED)
    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.tickets == []
    assert order["decisions"][-1]["note"] == "ticket 4711 is there"
    (mail,) = service.notices("Account created")
    assert "the welcome ticket, and it was added by hand (Stan: ticket 4711 is there)" in " ".join(mail.text.split())


@pytest.mark.usefixtures("refused_plan")
@pytest.mark.parametrize(
    ("how", "added", "told"), [("without_it", False, "left out"), ("by_hand", True, "added by hand")]
)
def test_a_plan_that_was_left_out_or_added_by_hand_is_told_as_that(
    service: Service, how: str, added: bool, told: str
) -> None:
    resume(service, **{how: True}, note="as they wish")

    order = service.rested(REF, OrderState.COMPLETED)
    assert [(one["service_id"], one["added"]) for one in order["services"]] == [(999, added), (172, True)]
    (mail,) = service.notices("Account created")
    assert f"10 Gbps (PowerCode service 999), {told}" in mail.text


def test_it_is_only_for_what_powercode_refused(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    service.take(REF)

    with pytest.raises(review.NotPossible):
        resume(service, by_hand=True, note="x")


@pytest.mark.long
@pytest.mark.usefixtures("refused_ticket")
def test_the_command_asks_for_a_note(service: Service) -> None:
    assert "--without-it needs --note" in failed(run(service, "orders", "resume", REF, "--without-it"))

    result = run(service, "orders", "resume", REF, "--without-it", "--note", "no mail wanted", "--no-wait")

    assert result.exit_code == 0, result.stderr
    service.rested(REF, OrderState.COMPLETED)
