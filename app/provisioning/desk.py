"""What people tell each other about orders. None of it changes what the system does, and none of it locks anything.

Each function works in the caller's transaction, and keeps who did it in the order's story.
"""

from sqlalchemy.orm import Session

from app.provisioning import review, search
from app.provisioning.actions import NOTE

LONGEST_NOTE = 1000
"""Characters. It is shown whole, and found by the search."""


def note(session: Session, orderref: str, by: str, text: str) -> None:
    """Keep a note on the order; raises `review.NotPossible` when there is no such order."""
    order = review.find(session, orderref)
    review.audit(session, order, by, NOTE, text[:LONGEST_NOTE])
    search.keep_note(session, order.id, text[:LONGEST_NOTE])
