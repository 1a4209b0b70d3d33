"""Erases what the digest keeps of a customer, which is a mail address, in the caller's transaction.

The tickets and days that were told stay, without the address, so that no closing is told a second time.
"""

import json
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.digest import ledger, unknown_messages
from app.digest.report.cells import address_key
from app.models import (
    AuditEntry,
    DigestMessage,
    DigestPreview,
    DigestSetAside,
    MessageState,
    Notice,
    NoticeKind,
    PreviewState,
)
from app.wording.spelling import stands_alone_in

ERASED = "(erased)"
"""In place of an address and a name."""
SETTLED = (MessageState.ACCEPTED, MessageState.REFUSED, MessageState.NOT_SENT)


@dataclass(frozen=True)
class Erased:
    """How many messages and rows were erased, and how many messages have to stay for now."""

    messages: int
    rows_set_aside: int
    kept_for_now: int


def messages_to(session: Session, address: str) -> int:
    """How many messages name the address."""
    count = select(func.count()).select_from(DigestMessage).filter_by(email_key=address_key(address))
    return session.scalar(count) or 0


def forget_address(session: Session, address: str, iso_week: str) -> Erased:
    """Erase an address, and the names that went with it.

    A message of `iso_week` (the present one) stays: without it, the customer might get a second one this week. So does
    one that is being sent, or whose outcome is unknown.
    """
    key = address_key(address)
    messages = session.scalars(select(DigestMessage).filter_by(email_key=key).with_for_update()).all()
    under_way = {run.id for run in ledger.under_way(session)}
    over = [one for one in messages if _is_over(one, under_way, iso_week)]
    for message in over:
        message.email = message.full_name = ERASED
        message.email_key, message.slot, message.error = "", None, None
    _erase_decisions(session, key)
    _drop_previews(session, key)
    _erase_reports(session, key)
    return Erased(len(over), _erase_rows(session, key), len(messages) - len(over))


def _is_over(message: DigestMessage, under_way: set[int], iso_week: str) -> bool:
    this_week = (message.slot or "").startswith(f"{iso_week} ")
    return message.state in SETTLED and message.run_id not in under_way and not this_week


def _erase_rows(session: Session, key: str) -> int:
    """Erase rows that were set aside, as these keep a report's cells as they were written."""
    cells = select(DigestSetAside.id, DigestSetAside.email, DigestSetAside.written)
    found = session.execute(cells.where(or_(DigestSetAside.email != "", DigestSetAside.written != ""))).all()
    those = [row_id for row_id, *texts in found if any(_names_in_a_cell(text, key) for text in texts)]
    for row_id in those:
        row = session.get_one(DigestSetAside, row_id)
        row.email, row.name, row.written = ERASED, "", ERASED
    return len(those)


def _erase_decisions(session: Session, key: str) -> None:
    settled = AuditEntry.action.in_((unknown_messages.ARRIVED, unknown_messages.NOT_ARRIVED))
    for entry in session.scalars(select(AuditEntry).where(settled, AuditEntry.note.is_not(None))):
        if _names(entry.note or "", key):
            entry.note = ERASED


def _drop_previews(session: Session, key: str) -> None:
    """Drop previews that show the customer's message; a new preview is quickly made."""
    for preview in session.scalars(select(DigestPreview).where(DigestPreview.state != PreviewState.RUNNING)):
        if _names(json.dumps(preview.result, ensure_ascii=False), key):
            session.delete(preview)


def _erase_reports(session: Session, key: str) -> None:
    """Erase the rows that the notices to staff list as set aside: they quote the cells."""
    for notice in session.scalars(select(Notice).filter_by(kind=NoticeKind.DIGEST_REPORT)):
        rows = notice.content.get("rows_set_aside", [])
        kept = [ERASED if _names_in_a_cell(str(row), key) else row for row in rows]
        if kept != rows:
            notice.content = {**notice.content, "rows_set_aside": kept}


def _names_in_a_cell(text: str, key: str) -> bool:
    return _names(text, key) or _names(address_key(text), key)


def _names(text: str, key: str) -> bool:
    return stands_alone_in(text.casefold(), key)
