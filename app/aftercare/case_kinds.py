"""What a case can be about: one row for each kind, which pages, rules and commands read."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CaseKind:
    """A kind of case. `rule` is how a callback's rule names it.

    `change` is UTOPIA's call (`lookups.change_catalogue`); "" where there is none: then a person reads and closes the
    case. `powercode` says what a person does there. `is_billed` is whether the customer is still billed once both
    halves are done; None where the status doesn't show that.
    """

    code: str
    title: str
    rule: str
    change: str = ""
    powercode: str = ""
    is_billed: bool | None = None

    @property
    def has_halves(self) -> bool:
        """Whether there is something to be done at UTOPIA and in PowerCode."""
        return bool(self.change)


MESSAGE = CaseKind("message", "Read what UTOPIA says", "read what it says")
CANCEL = CaseKind(
    "cancel",
    "Cancel the service",
    "a cancellation",
    "cancel",
    "End the billing: set the customer to Not Active, and what else your office does for one who leaves.",
    is_billed=False,
)
SUSPEND = CaseKind(
    "suspend",
    "Suspend the service",
    "a suspension",
    "suspend",
    "Do what your office does with the billing of a customer whose service is stopped.",
)
UNSUSPEND = CaseKind(
    "unsuspend",
    "Restart the service",
    "a restart",
    "unsuspend",
    "Do what your office does with the billing of a customer whose service runs again.",
    is_billed=True,
)
SPEED = CaseKind(
    "change-speed",
    "Change the speed",
    "a change of speed",
    "change-speed",
    "Take the old plan off the customer and add the new one.",
    is_billed=True,
)
NEW_TENANT = CaseKind(
    "new_tenant",
    "A new tenant: end the former one's service",
    "a new tenant",
    "cancel",
    "End the former tenant's billing: set their account to Not Active. The new one has an account of their own.",
    is_billed=False,
)

CASE_KINDS: Mapping[str, CaseKind] = {
    kind.code: kind for kind in (MESSAGE, CANCEL, SUSPEND, UNSUSPEND, SPEED, NEW_TENANT)
}
"""The kinds by the code that is stored with a case."""
