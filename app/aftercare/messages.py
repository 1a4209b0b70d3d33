"""What callbacks say besides "Project New Order" and "Test": counted, told of once, and dealt with by a rule.

A rule is kept for each text. It says nothing about the order, which the callback's own row keeps.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session

from app import notices
from app.aftercare import cases
from app.aftercare.case_kinds import CASE_KINDS
from app.aftercare.references import REFERENCE
from app.models import CallbackMessage, MessageRule, NoticeKind, Order, now
from app.people import audit
from app.services import Services
from app.storage.database import insert_if_new, session_in

CASE = "case:"
NEW = "*"
"""The row of the rule for a text that never came before: it is told of once, or not."""
OTHERS = "(others)"
"""Anybody can send callbacks; of so many texts, the further ones share this row."""
MOST_TEXTS = 200
TOLD_A_DAY = 20

Said = tuple[str, str | None, str | None]
"""A callback's `msg`, order reference and event."""


def key_of(msg: str) -> str:
    """What two callbacks that say the same have in common."""
    return REFERENCE.sub("…", " ".join(msg.split())).casefold()[:200]


def rules() -> list[tuple[str, str]]:
    """Every rule with its words."""
    opens = [(f"{CASE}{kind.code}", f"Needs somebody: {kind.rule}") for kind in CASE_KINDS.values()]
    return [(MessageRule.IGNORE, "Ignore it"), (MessageRule.TELL, "Tell the office by mail"), *opens]


def listed(session: Session) -> Sequence[CallbackMessage]:
    """Every text that came, the newest first."""
    newest = select(CallbackMessage).where(CallbackMessage.key != NEW).order_by(CallbackMessage.last_at.desc())
    return session.scalars(newest).all()


def undecided(session: Session) -> int:
    """How many texts nobody has decided about."""
    open_ones = select(func.count()).select_from(CallbackMessage)
    return session.scalar(open_ones.where(CallbackMessage.decided_by.is_(None), CallbackMessage.key != NEW)) or 0


def tells_of_new(session: Session) -> bool:
    """Whether the office is told of a text that never came before."""
    row = session.get(CallbackMessage, NEW)
    return row is None or row.rule == MessageRule.TELL


def decide(session: Session, key: str, rule: str, by: str) -> bool:
    """Keep what is done with a text from now on; False for one that never came, and for no rule."""
    if rule not in dict(rules()):
        return False
    if key == NEW:
        insert_if_new(session, CallbackMessage, "key", **_new_row(NEW, "a new text"))
    row = session.get(CallbackMessage, key, with_for_update=True)
    if row is None:
        return False
    before, row.rule, row.decided_by = row.rule, rule, by[:80]
    audit.record(session, by, audit.RULE_CHANGED, row.msg, f"{before} -> {rule}")
    return True


def take(services: Services, connection: Connection, said: Sequence[Said]) -> None:
    """Deal with callbacks in the transaction that stores them; always in the same order, so that two don't block."""
    with session_in(connection) as session:
        for one in sorted(said, key=lambda each: key_of(each[0])):
            _take(services, session, *one)


def _take(services: Services, session: Session, msg: str, orderref: str | None, event: str | None) -> None:
    key, is_new = _key(session, msg)
    counted = update(CallbackMessage).filter_by(key=key)
    session.execute(
        counted.values(count=CallbackMessage.count + 1, last_at=now(), last_orderref=orderref, last_event=event)
    )
    row = session.get_one(CallbackMessage, key, populate_existing=True)
    if is_new:
        _tell_of_new(services, session, row)
    elif row.rule == MessageRule.TELL:
        _tell(services, session, row, msg, f"{orderref}:{now():%Y-%m-%d}")
    elif row.rule.startswith(CASE):
        kind = CASE_KINDS[row.rule.removeprefix(CASE)]
        case = cases.open_for_callback(services, session, kind, orderref, msg, slot=f"{_digest(key)}:{orderref}")
        if case is not None:
            _tell(services, session, row, msg, f"case:{case.id}", case_id=case.id)


def _key(session: Session, msg: str) -> tuple[str, bool]:
    """The key under which a text is counted, and whether it is new."""
    key = key_of(msg) or OTHERS
    if session.get(CallbackMessage, key) is not None:
        return key, False
    if (session.scalar(select(func.count()).select_from(CallbackMessage)) or 0) > MOST_TEXTS:
        key, msg = OTHERS, OTHERS
    return key, insert_if_new(session, CallbackMessage, "key", **_new_row(key, msg))


def _new_row(key: str, msg: str) -> dict[str, object]:
    moment = now()
    rule = MessageRule.TELL if key == NEW else MessageRule.IGNORE
    return {"key": key, "msg": msg[:200], "rule": rule, "count": 0, "first_at": moment, "last_at": moment}


def _tell_of_new(services: Services, session: Session, row: CallbackMessage) -> None:
    """Once; but whoever sends a new text with each callback does not fill the office's mailbox."""
    lately = select(func.count()).select_from(CallbackMessage)
    today = session.scalar(lately.where(CallbackMessage.first_at > now() - timedelta(days=1))) or 0
    if today <= TOLD_A_DAY and tells_of_new(session):
        _tell(services, session, row, row.msg, "new", is_new=True)


def _tell(
    services: Services,
    session: Session,
    row: CallbackMessage,
    msg: str,
    once: str,
    *,
    is_new: bool = False,
    case_id: int | None = None,
) -> None:
    key = f"{NoticeKind.CALLBACK_MESSAGE}:{_digest(row.key)}:{once}"
    order = session.scalar(select(Order).filter_by(orderref=row.last_orderref)) if row.last_orderref else None
    content: dict[str, Any] = {"msg": msg, "orderref": row.last_orderref, "event": row.last_event}
    content |= {"is_new": is_new, "case_id": case_id}
    notices.record(services.work_queue, session, NoticeKind.CALLBACK_MESSAGE, key, order, **content)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
