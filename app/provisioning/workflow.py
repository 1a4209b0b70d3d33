"""The order's story, from the callback to the account. Read it from top to bottom.

Two workflows, one for each remote system, so that neither system's trouble holds up the other's orders.
The workflows' bodies use no clock, no database and no network: all of that is in the steps.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from app.durable import engine
from app.models import System
from app.observability import order_context
from app.provisioning import customer_creation, steps
from app.provisioning.runs import Replaced, Run
from app.provisioning.step_journal import Act, perform
from app.services import Services

ATTEMPTS = 3
PAUSE_SECONDS = 1.0
"""The pause before the first retry of a call within its step; it doubles before the next one."""


class RunIsOver(Exception):
    """A step ended the run; why is stored with the order."""


class Story:
    """Runs the steps of one run in their order; each step keeps its outcome in its row."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def reads(self, system: System, name: str, act: Act) -> Any:
        """A step that asks a remote system and changes nothing there."""
        return self._step(name, act, system, writes=False)

    def writes(self, name: str, act: Act) -> Any:
        """A step that writes to PowerCode."""
        return self._step(name, act, System.POWERCODE, writes=True)

    def settles(self, name: str, act: Act) -> Any:
        """A step of our own."""
        return self._step(name, act, None, writes=False)

    def _step(self, name: str, act: Act, system: System | None, *, writes: bool) -> Any:
        patience: dict[str, Any] = {"attempts": ATTEMPTS, "pause": PAUSE_SECONDS} if system else {}
        result = engine.attempt(perform, self._run, name, act, system, writes, **patience)
        if result.get("over"):
            raise RunIsOver
        return result["value"]


def take_order(story: Story) -> None:
    """Fetch the order and check all that can be checked, before anything is written anywhere."""
    story.reads(System.UTOPIA, "fetch_contract", steps.fetch_contract)
    story.settles("check_contract", steps.check_contract)
    story.settles("hand_over", steps.hand_over)


def open_account(story: Story) -> None:
    """Find or create the customer, then add plans, ticket and tags."""
    account = story.reads(System.POWERCODE, "find_customer", customer_creation.find_customer)
    if not account["customer_id"]:
        story.writes("create_customer", customer_creation.create_customer)
    for service_id in account["service_ids"]:
        story.writes(f"plan:{service_id}", partial(steps.add_plan, service_id))
    story.writes("ticket", steps.create_ticket)
    for tag_id in account["tag_ids"]:
        story.writes(f"tag:{tag_id}", partial(steps.add_tag, tag_id))
    story.settles("complete", steps.complete)


def workflows(services: Services) -> Mapping[str, Callable[..., None]]:
    """The workflows by the name of the order's stage."""

    def tell(story: Callable[[Story], None]) -> Callable[[str, int], None]:
        def workflow(orderref: str, number: int) -> None:
            with order_context(orderref), suppress(RunIsOver, Replaced), Run(services, orderref, number) as run:
                story(Story(run))

        return workflow

    return {"order": tell(take_order), "account": tell(open_account)}
