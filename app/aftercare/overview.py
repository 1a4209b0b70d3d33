"""What of the aftercare waits for a person, in numbers: for Today, the overview and the morning's summary."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.aftercare import missing


@dataclass(frozen=True)
class Overview:
    """How much of what there is."""

    missing: int

    @property
    def is_quiet(self) -> bool:
        """Nothing waits for anybody."""
        return not self.missing


def overview(session: Session) -> Overview:
    """How the aftercare stands now."""
    return Overview(missing=missing.count(session))
