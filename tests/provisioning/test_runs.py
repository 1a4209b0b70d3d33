"""One run of an order's story: what is committed when, and what a run that breaks off leaves behind."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.durable.engine import Suspended
from app.models import Order, OrderState, OrderStep, StepState, System, now
from app.provisioning import workflow
from app.provisioning.problems import PLAN_REFUSED
from app.provisioning.run_endings import NeedsReview
from app.provisioning.runs import Outcome, Replaced, Run
from app.provisioning.step_journal import Work, perform
from app.provisioning.workflow import Story
from app.services import Services
from sandbox import Sandbox
from tests.conftest import Service, settings_for

ORDER = "UIA202411-001186"
SYNCED, NOT_SYNCED = 2, 1


@pytest.fixture
def services(sandbox: Sandbox, tmp_path: Path) -> Iterator[Services]:
    """Of a service that executes nothing, with one order that nothing was done for."""
    service = Service(sandbox, settings_for(sandbox, tmp_path))
    service.add(Order(orderref=ORDER))
    yield service.services
    service.services.database.dispose()


def steps_of(services: Services) -> dict[str, OrderStep]:
    with services.database.read() as session:
        return {step.name: step for step in session.scalars(select(OrderStep))}


def order_of(services: Services) -> Order:
    with services.database.read() as session:
        return session.scalars(select(Order)).one()


def write(run: Run, name: str, seen: list[dict[str, OrderStep]] | None = None, **changes: Any) -> dict[str, Any]:
    """Perform a write to PowerCode; what the database holds while it acts goes into `seen`."""

    def act(_work: Work) -> Outcome:
        if seen is not None:
            seen.append(steps_of(run.services))
        return Outcome(value=name, changes=changes)

    return perform(run, name, act, System.POWERCODE, writes=True)


def settle(run: Run, name: str, **changes: Any) -> dict[str, Any]:
    return perform(run, name, lambda _work: Outcome(changes=changes), None, writes=False)


def test_a_write_is_on_record_before_it_is_sent_together_with_the_outcome_before_it(services: Services) -> None:
    seen: list[dict[str, OrderStep]] = []
    with Run(services, ORDER, 1) as run:
        write(run, "create_customer", seen, customer_id="7")
        write(run, "ticket", seen)

    before, between = seen
    assert before["create_customer"].state == StepState.RUNNING
    assert before["create_customer"].sent_at
    assert (between["create_customer"].state, between["create_customer"].result) == (StepState.DONE, "create_customer")
    assert between["ticket"].state == StepState.RUNNING
    assert between["ticket"].sent_at
    assert {step.state for step in steps_of(services).values()} == {StepState.DONE}
    assert (order_of(services).customer_id, order_of(services).state) == ("7", OrderState.RUNNING)


def test_the_log_names_the_steps_of_a_run_in_one_line_before_what_ended_it(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    def stopped(_work: Work) -> Outcome:
        raise NeedsReview(PLAN_REFUSED, "PowerCode refused the plan")

    caplog.set_level(logging.INFO)
    with Run(services, ORDER, 1) as run:
        settle(run, "check_contract")
        write(run, "create_customer")
        perform(run, "plan:163", stopped, System.POWERCODE, writes=True)
    with Run(services, ORDER, 1) as run:
        assert not run.read(None)

    lines = [record.getMessage() for record in caplog.records if record.name.startswith("app.provisioning")]
    assert lines == ["done: check_contract, create_customer", "needs_review: PowerCode refused the plan"]


def test_a_step_sees_what_those_before_it_changed_though_nothing_is_committed_yet(services: Services) -> None:
    with Run(services, ORDER, 1) as run:
        settle(run, "check_contract", account={"plans": []})
        assert run.order.account == {"plans": []}
        assert steps_of(services) == {}
        settle(run, "hand_over", remarks=["seen"])

    assert {step.state for step in steps_of(services).values()} == {StepState.DONE}
    assert (order_of(services).account, order_of(services).remarks) == ({"plans": []}, ["seen"])


def test_a_run_that_breaks_off_as_the_service_stops_leaves_no_write_in_doubt(services: Services) -> None:
    with pytest.raises(Suspended), Run(services, ORDER, 1) as run:
        write(run, "ticket", ticket_id="9")
        raise Suspended

    assert steps_of(services)["ticket"].state == StepState.DONE
    assert order_of(services).ticket_id == "9"


def test_what_a_commit_that_failed_would_have_made_is_made_by_the_next(services: Services) -> None:
    fails = iter([True, False])

    def work(_session: Session) -> None:
        if next(fails):
            raise OperationalError("COMMIT", None, Exception("disk full"))

    with Run(services, ORDER, 1) as run:
        settle(run, "check_contract", site_id="42")
        run.commit(work, repeatable=True)

    assert steps_of(services)["check_contract"].state == StepState.DONE
    assert order_of(services).site_id == "42"


def test_a_run_that_was_replaced_does_nothing_any_more(services: Services) -> None:
    seen: list[dict[str, OrderStep]] = []
    with Run(services, ORDER, 1) as run:
        write(run, "create_customer", customer_id="7")
        with services.database.write() as session:
            session.scalars(select(Order)).one().run = 2
        assert write(run, "ticket", seen) == {"over": True}

    assert not seen
    assert steps_of(services)["create_customer"].state == StepState.DONE
    assert "ticket" not in steps_of(services)


def test_a_step_that_is_done_is_not_done_again_by_the_next_run(services: Services) -> None:
    with Run(services, ORDER, 1) as run:
        write(run, "ticket")
    seen: list[dict[str, OrderStep]] = []
    with Run(services, ORDER, 1) as again:
        assert write(again, "ticket", seen) == {"value": "ticket"}

    assert not seen


def test_the_outcome_of_a_write_waits_for_the_disk_and_on_sqlite_what_can_be_done_again_does_not(
    services: Services,
) -> None:
    how = "PRAGMA synchronous" if services.database.is_sqlite else "SHOW synchronous_commit"
    modes: list[int | str] = []

    def look(session: Session) -> None:
        modes.append(session.connection().exec_driver_sql(how).scalar_one())

    with Run(services, ORDER, 1) as run:
        settle(run, "check_contract")
        run.commit(look, repeatable=True)
        write(run, "ticket")
        run.commit(look, repeatable=True)

    assert modes == ([NOT_SYNCED, SYNCED] if services.database.is_sqlite else ["on", "on"])


def test_a_run_behind_another_that_went_on_writes_nothing_and_sends_nothing(services: Services) -> None:
    """As when a machine slept and another one took its orders over meanwhile."""
    seen: list[dict[str, OrderStep]] = []
    with pytest.raises(Replaced), Run(services, ORDER, 1) as behind:
        settle(behind, "check_contract", site_id="behind")
        with Run(services, ORDER, 1) as ahead:
            settle(ahead, "check_contract", site_id="ahead")
        write(behind, "create_customer", seen)

    assert not seen
    assert set(steps_of(services)) == {"check_contract"}
    assert order_of(services).site_id == "ahead"


def test_a_story_behind_another_that_went_on_ends_without_a_fault(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def story(story: Story) -> None:
        with Run(services, ORDER, 1) as ahead:
            settle(ahead, "check_contract", site_id="ahead")
        story.settles("hand_over", lambda _work: Outcome())
        story.settles("check_contract", lambda _work: Outcome(changes={"site_id": "behind"}))

    monkeypatch.setattr(workflow, "take_order", story)
    with Run(services, ORDER, 1) as read_before:
        assert read_before.read(None)
        monkeypatch.setattr(workflow, "Run", lambda *_: read_before)
        workflow.workflows(services)["order"](ORDER, 1)

    assert order_of(services).site_id == "ahead"
    assert "Another process went on with this order" in caplog.text


def test_a_write_whose_beginning_was_not_committed_is_not_in_doubt(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit fails, and when it is tried again, PowerCode is known to be down."""
    answers = iter([True, False])
    failures = iter([OperationalError("COMMIT", None, Exception("disk full"))])

    def fail(_connection: Connection) -> None:
        for failure in failures:
            raise failure

    event.listen(services.database.engine, "commit", fail)
    with Run(services, ORDER, 1) as run:
        assert run.read(System.POWERCODE)
        monkeypatch.setattr(run, "standing", lambda *_: next(answers))
        step = run.new_step("ticket")
        begun = {"state": StepState.RUNNING, "attempts": 1, "started_at": now(), "sent_at": now()}
        assert run.begin(step, begun, System.POWERCODE) is False

    assert "ticket" not in run.steps
    assert not step.sent_at
    assert steps_of(services) == {}
