"""A row before, an outcome after: how every step of an order is run.

`perform` commits the step's row, lets it act, and commits the outcome together with what it changes on the
order. A step that is done is never done again, whatever the engine repeats; a run that a newer one has
replaced does nothing any more.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.durable import engine
from app.models import SYSTEM_NAMES, Order, OrderState, OrderStep, StepState, System, now
from app.observability import order_context
from app.provisioning import lifecycle, search
from app.provisioning.endings import REMOTE_ERRORS, NeedsReview, Stop, Waits, stop_for
from app.provisioning.problems import PROGRAM_FAULT
from app.remote import breaker, exchanges, probing
from app.services import Services
from wire.masking import customer_data

log = logging.getLogger(__name__)

QUICK_SECONDS = 5.0
"""A call that failed faster than this may be repeated within the step; a slow one makes the order wait."""


@dataclass(frozen=True)
class Outcome:
    """What a step brought: a JSON value, changes of the order's columns, and a remark for the notice.

    `afterwards` runs in the transaction that commits the outcome.
    """

    value: Any = None
    changes: dict[str, Any] = field(default_factory=dict)
    remark: str | None = None
    afterwards: Callable[[Session, Order], None] | None = None


@dataclass(frozen=True)
class Work:
    """What a step works on: the order as it was read, and whether an earlier try of it is in doubt.

    `failed_before`: an earlier try of it came to nothing. `said` collects what the step says to the remote systems.
    """

    services: Services
    order: Order
    step_id: int
    in_doubt_since: datetime | None
    failed_before: bool = False
    said: deque[exchanges.Exchange] = field(default_factory=exchanges.newest)

    def sending(self) -> None:
        """Commit that a write is sent now; for steps that look or ask before they write."""
        with self.services.database.write() as session:
            session.get_one(OrderStep, self.step_id).sent_at = now()


@dataclass(frozen=True)
class Run:
    """One run of an order's story."""

    services: Services
    orderref: str
    number: int


Act = Callable[[Work], Outcome]

CLOSED: dict[str, Any] = {"closed": True}
"""The step did not begin: its system is down."""


def perform(run: Run, name: str, act: Act, system: System | None, writes: bool) -> dict[str, Any]:
    """Run one step; returns `{"value": ...}`, or `{"over": true}` when the run ends here.

    `system` is the remote system that the step calls; `writes` marks a step that sends a write at once.
    Raises `engine.TryAgainError` when the call may simply be repeated in a moment.
    """
    with order_context(run.orderref):
        opened = _open(run, name, system, writes)
        if opened == CLOSED and system and probing.answers_newcomer(run.services, system):
            opened = _open(run, name, system, writes)
        if opened == CLOSED and system:
            return _wait_for(run, system)
        if not isinstance(opened, Work):
            return opened
        began = time.monotonic()
        with customer_data(_personal(opened.order)), exchanges.collecting(opened.said):
            try:
                outcome = act(opened)
            except Stop as stop:
                return _end(run, opened, stop, system)
            except REMOTE_ERRORS as error:
                return _failed(run, opened, stop_for(error), system, quick=time.monotonic() - began < QUICK_SECONDS)
            except Exception as fault:
                log.exception("Step %s failed on a fault of this program", name)
                return _end(run, opened, _fault(name, fault), system)
        return _done(run, name, opened, outcome, system, writes=writes)


def _open(run: Run, name: str, system: System | None, writes: bool) -> Work | dict[str, Any]:
    with run.services.database.write(repeatable=not writes) as session:
        order = lifecycle.current(session, run.orderref, run.number)
        if order is None:
            return {"over": True}
        step = session.scalar(select(OrderStep).filter_by(order_id=order.id, name=name))
        if step and step.state == StepState.DONE:
            return {"value": step.result}
        if system and breaker.is_down(session, system):
            return CLOSED
        in_doubt, failed_before = _in_doubt_since(order, step, writes=writes), step is not None
        if step is None:
            step = OrderStep(order_id=order.id, name=name, attempts=0)
            session.add(step)
        step.state, step.attempts, step.finished_at = StepState.RUNNING, step.attempts + 1, None
        step.started_at, step.result = now(), None
        step.sent_at = in_doubt or (now() if writes else None)
        order.state = OrderState.RUNNING
        session.flush()
        return Work(run.services, order, step.id, in_doubt, failed_before)


def _in_doubt_since(order: Order, step: OrderStep | None, *, writes: bool) -> datetime | None:
    """Since when nobody knows whether the step had its effect: by its own row, or as the order comes from a backup."""
    if step and step.state in (StepState.RUNNING, StepState.UNKNOWN) and step.sent_at:
        return step.sent_at
    since = order.in_doubt_since
    forgotten = writes and since is not None and (step is None or step.started_at <= since)
    return since if forgotten else None


def _wait_for(run: Run, system: System) -> dict[str, Any]:
    with run.services.database.write() as session:
        order = lifecycle.current(session, run.orderref, run.number)
        if order is not None:
            error = breaker.error_of(session, system)
            why = f"{SYSTEM_NAMES[system]} does not answer ({error}); it is asked again and again until it does"
            _settle(run, session, order, Waits(system, why))
    return {"over": True}


def _failed(run: Run, work: Work, stop: Stop, system: System | None, *, quick: bool) -> dict[str, Any]:
    """A call that may be repeated freely is, for a moment; anything else ends the run."""
    if isinstance(stop, Waits) and stop.soon and quick and not engine.last_attempt():
        with run.services.database.write() as session:
            step = session.get_one(OrderStep, work.step_id)
            step.state, step.error = _known_of(step, work, stop), stop.reason
            exchanges.store(session, step, work.said)
        log.warning("%s is tried again in a moment: %s", step.name, stop.reason)
        raise engine.TryAgainError(stop.reason)
    return _end(run, work, stop, system)


def _known_of(step: OrderStep, work: Work, stop: Stop) -> StepState:
    """What is known of the step's effect: as long as nothing was sent since, an earlier doubt stays a doubt."""
    doubt_stands = work.in_doubt_since is not None and step.sent_at == work.in_doubt_since
    return StepState.UNKNOWN if doubt_stands else stop.step_state


def _fault(name: str, fault: Exception) -> NeedsReview:
    reason = f"The step {name} met a fault of this program ({type(fault).__name__}); the log has the details"
    return NeedsReview(PROGRAM_FAULT, reason, step_state=StepState.UNKNOWN)


def _end(run: Run, work: Work, stop: Stop, system: System | None) -> dict[str, Any]:
    if system and _says_nothing(work, stop) and not engine.is_stopping():  # a stop waits for no further call
        works = probing.works(run.services, system)
        stop = stop.by_itself() if works and isinstance(stop, Waits) else stop

    def commit(session: Session) -> None:
        step = session.get_one(OrderStep, work.step_id)
        step.state, step.error, step.finished_at = _known_of(step, work, stop), stop.reason, now()
        exchanges.store(session, step, work.said)
        order = lifecycle.current(session, run.orderref, run.number)
        if order is not None:
            _settle(run, session, order, stop)

    run.services.database.insist(commit)
    return {"over": True}


def _says_nothing(work: Work, stop: Stop) -> bool:
    """Whether the end of this step leaves open if the system works at all."""
    if isinstance(stop, NeedsReview) and stop.problem is PROGRAM_FAULT:
        return False
    lost = stop.step_state is StepState.UNKNOWN and work.in_doubt_since is None
    return lost or (isinstance(stop, Waits) and stop.unanswered)


def _settle(run: Run, session: Session, order: Order, stop: Stop) -> None:
    lifecycle.stop(run.services, session, order, stop)
    log.info("%s: %s", order.state, stop.reason)


def _done(run: Run, name: str, work: Work, outcome: Outcome, system: System | None, *, writes: bool) -> dict[str, Any]:
    def commit(session: Session) -> None:
        step = session.get_one(OrderStep, work.step_id)
        step.state, step.result, step.finished_at, step.error = StepState.DONE, outcome.value, now(), None
        exchanges.store(session, step, work.said)
        order = session.get_one(Order, work.order.id)
        for column, value in outcome.changes.items():
            setattr(order, column, value)
        if outcome.remark:
            order.remarks = [*order.remarks, outcome.remark]
        if system:
            order.waiting_since, order.restarts = None, 0
            if work.failed_before:
                order.tries = 0
        if outcome.afterwards:
            outcome.afterwards(session, order)
        if outcome.changes:
            search.keep(session, order)

    run.services.database.insist(commit, repeatable=not writes)
    log.info("%s: done", name)
    return {"value": outcome.value}


def _personal(order: Order) -> list[str]:
    """The customer's values, which must not reach the log while this order is worked on."""
    contract = order.contract or {}
    alike = [each for those in (order.found_customers or {}).values() for each in those]
    parts = [contract.get("customer"), contract.get("address"), order.corrections, order.account, *alike]
    flat = [value for part in parts if isinstance(part, dict) for value in part.values() if isinstance(value, str)]
    return [value for value in flat if len(value) > 2]
