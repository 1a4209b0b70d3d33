"""How every step of an order is run: before a step writes to a remote system, its row is committed, its outcome after.

`perform` commits the step's row together with the outcomes that wait for a commit (`runs`), and then lets the step act.
The step's outcome, and its changes to the order, go into the next commit. A step that only reads is simply repeated
when its process dies: its row is written with its outcome. A step that is done is never done again, whatever the engine
repeats; a run that a newer one has replaced does nothing any more.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.durable import engine
from app.models import SYSTEM_NAMES, Order, OrderState, OrderStep, StepState, System, now
from app.provisioning import lifecycle
from app.provisioning.problems import PROGRAM_FAULT
from app.provisioning.run_endings import REMOTE_ERRORS, NeedsReview, Stop, Waits, stop_for
from app.provisioning.runs import Done, Outcome, Replaced, Run, set_on
from app.remote import breaker, exchanges, probes
from app.services import Services
from app.wording.outage_words import why_it_waits
from wire.masking import customer_data

log = logging.getLogger(__name__)

QUICK_SECONDS = 5.0
"""A call that failed faster than this may be repeated within the step; a slow one makes the order wait."""


@dataclass(frozen=True)
class Work:
    """What a step works on: the order as it was read, and whether an earlier try of it is in doubt.

    `failed_before`: an earlier try of it came to nothing. `said` collects what the step says to the remote systems.
    """

    run: Run
    step: OrderStep
    in_doubt_since: datetime | None
    failed_before: bool = False
    said: deque[exchanges.Exchange] = field(default_factory=exchanges.newest)

    @property
    def services(self) -> Services:
        """What the step reaches the world through."""
        return self.run.services

    @property
    def order(self) -> Order:
        """The order, with what the steps before brought."""
        return self.run.order

    def sending(self) -> None:
        """Commit that a write is sent now; for steps that look or ask before they write."""
        self.run.commit(lambda session: self.keep(session, sent_at=now()), repeatable=False)

    def keep(self, session: Session, **values: Any) -> None:
        """Write the step's row with these values."""
        self.run.keep(session, self.step, **values)


Act = Callable[[Work], Outcome]

OVER: dict[str, Any] = {"over": True}
CLOSED: dict[str, Any] = {"closed": True}
"""The step did not begin: its system is down."""
WHY_NOT = {True: None, False: CLOSED, None: OVER}
"""What becomes of a step, by `Run.standing`."""


def perform(run: Run, name: str, act: Act, system: System | None, writes: bool) -> dict[str, Any]:
    """Run one step; returns `{"value": ...}`, or `{"over": true}` when the run ends here.

    `system` is the remote system that the step calls; `writes` marks a step that sends a write at once.
    Raises `engine.TryAgainError` when the call may simply be repeated in a moment, `Replaced` when another run wrote
    this step.
    """
    opened = _open(run, name, system, writes)
    if opened == CLOSED and system and probes.answers_newcomer(run.services, system):
        opened = _open(run, name, system, writes)
    if opened == CLOSED and system:
        return _wait_for(run, system)
    if not isinstance(opened, Work):
        return opened
    began = time.monotonic()
    with customer_data(_Personal(opened.order)), exchanges.collecting(opened.said):
        try:
            outcome = act(opened)
        except Stop as stop:
            return _end(run, opened, stop, system)
        except REMOTE_ERRORS as error:
            return _failed(run, opened, stop_for(error), system, quick=time.monotonic() - began < QUICK_SECONDS)
        except Replaced:
            raise
        except Exception as fault:
            log.exception("Step %s failed on a fault of this program", name)
            return _end(run, opened, _fault(name, fault), system)
    return _done(run, opened, outcome, system, writes=writes)


def _open(run: Run, name: str, system: System | None, writes: bool) -> Work | dict[str, Any]:
    """Begin the step, if it may act now."""
    if not run.read(system):
        return OVER
    known = run.steps.get(name)
    if known and known.state == StepState.DONE:
        return {"value": known.result}
    step = known or run.new_step(name)
    in_doubt_since = _in_doubt_since(run.order, known, writes=writes)
    begun = {
        "state": StepState.RUNNING,
        "attempts": step.attempts + 1,
        "started_at": now(),
        "finished_at": None,
        "result": None,
        "sent_at": in_doubt_since or (now() if writes else None),
    }
    if system:
        hindered = WHY_NOT[run.begin(step, begun, system) if writes else run.standing_now(system)]
        if hindered is not None:
            return hindered
    set_on(step, begun)  # the row of a step that only reads is written with its outcome
    return Work(run, step, in_doubt_since, known is not None)


def _in_doubt_since(order: Order, step: OrderStep | None, *, writes: bool) -> datetime | None:
    """Since when the step's effect is unknown: by its row, or because the order is from a backup."""
    if step and step.state in (StepState.RUNNING, StepState.UNKNOWN) and step.sent_at:
        return step.sent_at
    since = order.in_doubt_since
    forgotten = writes and since is not None and (step is None or step.started_at <= since)
    return since if forgotten else None


def _wait_for(run: Run, system: System) -> dict[str, Any]:
    def commit(session: Session) -> None:
        order = lifecycle.current(session, run.orderref, run.number)
        if order is not None:
            error = breaker.error_of(session, system)
            _settle(run, session, order, Waits(system, why_it_waits(SYSTEM_NAMES[system], error), unanswered=True))

    run.commit(commit, repeatable=False, waits_for=system)
    return OVER


def _failed(run: Run, work: Work, stop: Stop, system: System | None, *, quick: bool) -> dict[str, Any]:
    """Raise `TryAgainError` for a call that may be repeated in a moment; any other failure ends the run."""
    if isinstance(stop, Waits) and stop.soon and quick and not engine.last_attempt():
        run.commit(lambda session: _keep_failure(session, work, stop), repeatable=False)
        log.warning("%s is tried again in a moment: %s", work.step.name, stop.reason)
        raise engine.TryAgainError(stop.reason)
    return _end(run, work, stop, system)


def _keep_failure(session: Session, work: Work, stop: Stop, **values: Any) -> None:
    work.keep(session, state=_known_of(work.step, work, stop), error=stop.reason, **values)
    exchanges.store(session, work.step, work.said)


def _known_of(step: OrderStep, work: Work, stop: Stop) -> StepState:
    """What is known of the step's effect: as long as nothing was sent since, an earlier doubt stays a doubt."""
    doubt_stands = work.in_doubt_since is not None and step.sent_at == work.in_doubt_since
    return StepState.UNKNOWN if doubt_stands else stop.step_state


def _fault(name: str, fault: Exception) -> NeedsReview:
    reason = f"The step {name} met a fault of this program ({type(fault).__name__}); the log has the details"
    return NeedsReview(PROGRAM_FAULT, reason, step_state=StepState.UNKNOWN)


def _end(run: Run, work: Work, stop: Stop, system: System | None) -> dict[str, Any]:
    if system and _says_nothing(work, stop) and not engine.is_stopping():  # no further call while the process stops
        works = probes.works(run.services, system)
        stop = stop.by_itself() if works and isinstance(stop, Waits) else stop

    def commit(session: Session) -> None:
        _keep_failure(session, work, stop, finished_at=now())
        order = lifecycle.current(session, run.orderref, run.number)
        if order is not None:
            _settle(run, session, order, stop)

    run.commit(commit, repeatable=False, waits_for=stop.system if isinstance(stop, Waits) else None)
    return OVER


def _says_nothing(work: Work, stop: Stop) -> bool:
    """Whether this step's end leaves open whether the system works at all."""
    if isinstance(stop, NeedsReview) and stop.problem is PROGRAM_FAULT:
        return False
    lost = stop.step_state is StepState.UNKNOWN and work.in_doubt_since is None
    return lost or (isinstance(stop, Waits) and stop.unanswered)


def _settle(run: Run, session: Session, order: Order, stop: Stop) -> None:
    lifecycle.stop(run.services, session, order, stop)
    run.log_done()
    log.info("%s: %s", order.state, stop.reason)


def _done(run: Run, work: Work, outcome: Outcome, system: System | None, *, writes: bool) -> dict[str, Any]:
    order, changes = work.order, dict(outcome.changes)
    if order.state == OrderState.RECEIVED:
        changes.setdefault("state", OrderState.RUNNING)
    if outcome.remark:
        changes["remarks"] = [*order.remarks, outcome.remark]
    if system and (order.waiting_since is not None or order.restarts):
        changes |= {"waiting_since": None, "restarts": 0}
    if system and work.failed_before and order.tries:
        changes["tries"] = 0
    ended = {"state": StepState.DONE, "result": outcome.value, "finished_at": now(), "error": None}
    set_on(work.step, ended)
    run.done(Done(work.step, outcome, changes, work.said, of_a_write=writes))
    return {"value": outcome.value}


class _Personal(Iterable[str]):
    """The customer's values, which must not reach the log while this order is worked on."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def __iter__(self) -> Iterator[str]:
        order, contract = self._order, self._order.contract or {}
        alike = [each for those in (order.found_customers or {}).values() for each in those]
        parts = [contract.get("customer"), contract.get("address"), order.corrections, order.account, *alike]
        flat = [value for part in parts if isinstance(part, dict) for value in part.values() if isinstance(value, str)]
        return (value for value in flat if len(value) > 2)
