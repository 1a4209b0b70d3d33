"""How many things in the aftercare wait for a person: for Today, the overview and the morning's summary."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.aftercare import callback_messages, cases, customer_statuses, missing_orders, reconciliation, writes
from app.aftercare.switches import ACTIVATION, CASES
from config import Settings


@dataclass(frozen=True)
class OpenCounts:
    """The number of each kind; `blind` is whether nobody can tell whether orders are missing."""

    missing: int
    inactive: int
    in_doubt: int
    undecided: int
    due: int
    blind: bool = False

    @property
    def asks(self) -> bool:
        """Whether somebody has to do something, and not only to look."""
        return bool(self.missing or self.in_doubt or self.due)

    @property
    def is_quiet(self) -> bool:
        """Nothing waits for anybody."""
        return not (self.missing or self.inactive or self.in_doubt or self.undecided or self.due or self.blind)


def open_counts(session: Session, settings: Settings, moment: datetime) -> OpenCounts:
    """The numbers at a moment; parts that are switched off count 0."""
    return OpenCounts(
        missing=missing_orders.count(session),
        inactive=customer_statuses.count(session) if ACTIVATION.is_on(settings) else 0,
        in_doubt=len(writes.in_doubt(session)),
        undecided=callback_messages.undecided(session),
        due=cases.due(session, moment.astimezone(settings.zone).date()) if CASES.is_on(settings) else 0,
        blind=reconciliation.is_blind(session, settings, moment),
    )
