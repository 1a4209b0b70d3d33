"""Why an order's run ends before its story does, and what a failed call means for the order."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import powercode
import utopia
from app.models import SYSTEM_NAMES, OrderState, StepState, System, now
from app.provisioning.actions import DISMISS, THIS_CUSTOMER, Action
from app.provisioning.problems import REFUSED, Problem
from app.wording.outage_words import key_refused


class Stop(Exception):
    """Ends the run in `state`; `step_state` says what is known of the step's effect.

    `changes` are values of the order's columns.
    """

    state: OrderState

    def __init__(
        self, reason: str, *, step_state: StepState = StepState.REFUSED, changes: dict[str, Any] | None = None
    ) -> None:
        self.reason = reason
        self.step_state = step_state
        self.changes = changes or {}
        super().__init__(reason)


class Waits(Stop):
    """The order waits, and is tried again by itself: when the system answers again, at `retry_at`, or by its schedule.

    `unanswered`: no usable answer came, and a harmless call tells whether system or order is the trouble.
    `soon`: a moment may be enough, so the call is first repeated within the step. `alone`: the system works, but not
    for this order.
    """

    state = OrderState.WAITING

    def __init__(
        self,
        system: System,
        reason: str,
        *,
        unanswered: bool = False,
        soon: bool = False,
        retry_at: datetime | None = None,
        step_state: StepState = StepState.NEVER_ARRIVED,
    ) -> None:
        self.system, self.unanswered, self.soon, self.retry_at = system, unanswered, soon, retry_at
        self.alone = False
        super().__init__(reason, step_state=step_state)

    def by_itself(self) -> "Waits":
        """The same, now that it is known that the system works."""
        reason = f"{SYSTEM_NAMES[self.system]} works, but not for this order: {self.reason}"
        alone = Waits(self.system, reason, retry_at=self.retry_at, step_state=self.step_state)
        alone.alone = True
        return alone


class Follows(Stop):
    """Another order shows first whether PowerCode takes a plan's number; `cause` names the plans."""

    state = OrderState.WAITING

    def __init__(self, reason: str, cause: str) -> None:
        super().__init__(reason, step_state=StepState.NEVER_ARRIVED, changes={"cause": cause})


class NeedsReview(Stop):
    """A person decides.

    Each of the customers in `customer_ids` is offered first. `actions` replaces the problem's actions if not all fit.
    """

    state = OrderState.NEEDS_REVIEW

    def __init__(
        self,
        problem: Problem,
        reason: str,
        *,
        customer_ids: Sequence[str] = (),
        actions: Sequence[Action] | None = None,
        step_state: StepState = StepState.REFUSED,
        changes: dict[str, Any] | None = None,
    ) -> None:
        self.problem = problem
        customers = [THIS_CUSTOMER.kept(customer_id) for customer_id in customer_ids]
        fitting = problem.actions if actions is None else actions
        self.actions = [*customers, *(action.kept() for action in (*fitting, DISMISS))]
        super().__init__(reason, step_state=step_state, changes=changes)


class CustomerExists(Stop):
    """The person has an account at this address already."""

    state = OrderState.EXISTS

    def __init__(self, reason: str, customer_id: str, *, changes: dict[str, Any] | None = None) -> None:
        self.customer_id = customer_id
        super().__init__(reason, step_state=StepState.DONE, changes=changes)


class BelongsElsewhere(Stop):
    """UTOPIA says that the order is another provider's."""

    state = OrderState.NOT_OURS


LOOK_UPS = ("searchCustomers", "readCustomer")
"""A search that finds nobody is answered, not refused. So when one of these is refused, our API key is the reason."""
LONGEST_WISH_SECONDS = 3600.0
"""A server that asks for a longer pause is asked after an hour whether it still wants it."""
NOT_THIS_CALLER = (401, 403)

REMOTE_ERRORS = (utopia.UtopiaError, powercode.PowerCodeError)


def stop_for(error: utopia.UtopiaError | powercode.PowerCodeError) -> Stop:
    """What a failed call means for the order: wait, ask a person, or not ours."""
    system = System.UTOPIA if isinstance(error, utopia.UtopiaError) else System.POWERCODE
    name = SYSTEM_NAMES[system]
    match error:
        case utopia.NotReady():
            return Waits(system, f"UTOPIA does not have it ready yet: {error.detail}")
        case utopia.Throttled() | powercode.Throttled():
            seconds = min(error.retry_after or 0, LONGEST_WISH_SECONDS)
            wish = now() + timedelta(seconds=seconds) if seconds else None
            return Waits(system, f"{name} asks for fewer calls", unanswered=wish is None, retry_at=wish)
        case utopia.NeverArrived() | powercode.NeverArrived():
            return Waits(system, f"{name} can't be reached: {error.detail}", unanswered=True, soon=True)
        case utopia.NotOurs() | utopia.Refused() | powercode.Refused():
            return _stop_for_refusal(error, name)
    reason = f"{name} gave no usable answer: {error.detail}"
    return Waits(system, reason, unanswered=True, soon=True, step_state=StepState.UNKNOWN)


def _stop_for_refusal(error: utopia.NotOurs | utopia.Refused | powercode.Refused, name: str) -> Stop:
    match error:
        case utopia.NotOurs():
            return BelongsElsewhere("UTOPIA has no record of this order for this provider")
        case utopia.AuthenticationFailed():
            return Waits(System.UTOPIA, key_refused("UTOPIA"), unanswered=True)
        case powercode.Refused() if error.action in LOOK_UPS or error.status in NOT_THIS_CALLER:
            return Waits(System.POWERCODE, key_refused("PowerCode", error.detail), unanswered=True)
    return NeedsReview(REFUSED, f"{name} refused {error.action}: {error.detail}")
