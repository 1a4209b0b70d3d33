"""The parts of the aftercare that a setting switches off.

What is off has no page, no button and no command, and starts nothing. Its rows stay as they are, and show again once it
is on. What was sent before is still settled: a doubt about a write is never hidden.
"""

from dataclasses import dataclass

from config import Settings

OFF = "off"


@dataclass(frozen=True)
class Part:
    """A part with its own switch; `title` begins a sentence."""

    setting: str
    title: str

    def is_on(self, settings: Settings) -> bool:
        """Whether the part is there."""
        return bool(getattr(settings, self.setting.lower()) != OFF)


ACTIVATION = Part("ACTIVATION", "Customers who are not active yet")
CASES = Part("CASES", "Cases")
CUSTOMER_CHANGES = Part("CUSTOMER_CHANGES", "More for a customer who exists")
PARTS = (ACTIVATION, CASES, CUSTOMER_CHANGES)


def switched_off(settings: Settings) -> dict[str, Part]:
    """The parts that are off, by the names of their settings."""
    return {part.setting: part for part in PARTS if not part.is_on(settings)}
