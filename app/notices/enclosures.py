"""The contract that goes with a notice, or why there is none. The package that knows contracts fetches it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from app.wording.measures import how_much


class Without(StrEnum):
    """Why a contract is not attached. Only a contract that is not ready yet follows in a second mail."""

    NOT_READY = "not_ready"
    TOO_LARGE = "too_large"
    NOT_FETCHED = "not_fetched"
    NOT_TAKEN = "not_taken"
    BROKE_OFF = "broke_off"


@dataclass(frozen=True)
class Enclosure:
    """A contract in `file`, or `without` one; `size` in bytes where it is known."""

    file: BinaryIO | None = None
    without: Without | None = None
    size: int | None = None

    @property
    def size_in_words(self) -> str:
        """Such as ` (31 MB)`, or nothing."""
        return f" ({how_much(self.size)})" if self.size else ""
