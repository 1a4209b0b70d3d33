"""What of the aftercare waits for a person, in numbers: for Today, the overview and the morning's summary."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.aftercare import missing, statuses, writes


@dataclass(frozen=True)
class Overview:
    """How much of what there is."""

    missing: int
    inactive: int
    in_doubt: int

    @property
    def is_quiet(self) -> bool:
        """Nothing waits for anybody."""
        return not (self.missing or self.inactive or self.in_doubt)


def overview(session: Session) -> Overview:
    """How the aftercare stands now."""
    return Overview(
        missing=missing.count(session), inactive=statuses.count(session), in_doubt=len(writes.in_doubt(session))
    )
