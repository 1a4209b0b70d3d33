"""Finding the person of an order in PowerCode, also where somebody typed them in by hand; and both side by side."""

from app.provisioning.finding.look_up import LookUpResult, look_for, may_be_one
from app.provisioning.finding.side_by_side import Row, SideBySide, elsewhere, kept, look_alikes, of_record, plans_given

__all__ = [
    "LookUpResult",
    "Row",
    "SideBySide",
    "elsewhere",
    "kept",
    "look_alikes",
    "look_for",
    "may_be_one",
    "of_record",
    "plans_given",
]
