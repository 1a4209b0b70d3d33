"""How far pruning has come."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class LastPruning(Base):
    """One row: the moment as of which was pruned last, and what the clock said then, which may be wrong."""

    __tablename__ = "last_pruning"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    as_of: Mapped[datetime]
    pruned_at: Mapped[datetime]
