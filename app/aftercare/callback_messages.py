"""Messages of callbacks other than "Project New Order" and "Test": counted, notified once, and handled by a rule.

Each text has one rule. The order is not part of it; the callback's own row has that.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update
from sqlalchemy.orm import Session

from app import notices
from app.aftercare import cases
from app.aftercare.case_kinds import CASE_KINDS
from app.aftercare.order_references import REFERENCE
from app.aftercare.switches import CASES
from app.models import CallbackMessage, MessageRule, NoticeKind, Order, now
from app.people import audit
from app.services import Services
from app.storage.database import insert_if_new, one_at_a_time, rows_changed, session_in

CASE = "case:"
BY_RULE = "a callback's rule"
NEW = "*"
"""The row with the rule for new texts: whether the office is told of them."""
OTHERS = "(others)"
"""The row that counts callbacks whose texts were dropped in favour of newer ones. It has no rule."""
MOST_TEXTS = 200
"""Most texts kept that nobody has decided about: there is a limit because anybody can send callbacks."""
TOLD_A_DAY = 20
"""New texts in a day that get a mail of their own; further ones are reported in one mail a day."""
TEXTS_LOCK = 5050_448
NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")

IS_TEXT = CallbackMessage.key.not_in((NEW, OTHERS))
IS_UNDECIDED = and_(IS_TEXT, CallbackMessage.decided_by.is_(None))

Said = tuple[str, str | None, str | None]
"""A callback's `msg`, order reference and event."""


def key_of(msg: str) -> str:
    """The key of a text: the same for texts that differ only in case, blanks, order references and numbers."""
    said = NUMBER.sub("…", REFERENCE.sub("…", " ".join(msg.split()))).casefold()[:200]
    return f"“{said}”" if said in (NEW, OTHERS) else said


def opens_case(rule: str) -> bool:
    """Whether a callback with this rule opens a case; the office is told instead while cases are switched off."""
    return rule.startswith(CASE)


def rules() -> list[tuple[str, str]]:
    """Every rule with its words."""
    opens = [(f"{CASE}{kind.code}", f"Needs somebody: {kind.rule}") for kind in CASE_KINDS.values()]
    return [(MessageRule.IGNORE, "Ignore it"), (MessageRule.TELL, "Tell the office by mail"), *opens]


def listed(session: Session) -> Sequence[CallbackMessage]:
    """Every text that came, the newest first."""
    newest = select(CallbackMessage).where(IS_TEXT).order_by(CallbackMessage.last_at.desc())
    return session.scalars(newest).all()


def made_room(session: Session) -> int:
    """How many callbacks had texts that nobody had decided about and that were dropped in favour of newer ones."""
    row = session.get(CallbackMessage, OTHERS)
    return row.count if row else 0


def undecided(session: Session) -> int:
    """How many texts nobody has decided about."""
    return session.scalar(select(func.count()).select_from(CallbackMessage).where(IS_UNDECIDED)) or 0


def tells_of_new(session: Session) -> bool:
    """Whether the office is told of a text that never came before."""
    row = session.get(CallbackMessage, NEW)
    return row is None or row.rule == MessageRule.TELL


def decide(session: Session, key: str, rule: str, by: str) -> bool:
    """Keep the rule for a text from now on; False for a text that never came, and for an unknown rule."""
    words = dict(rules())
    if rule not in words or key == OTHERS:
        return False
    if key == NEW:
        insert_if_new(session, CallbackMessage, "key", **_new_row(NEW, "a new text"))
    row = session.get(CallbackMessage, key, with_for_update=True)
    if row is None:
        return False
    before, row.rule, row.decided_by = row.rule, rule, by[:80]
    audit.record(session, by, audit.RULE_CHANGED, row.msg, f"{words.get(before, before)} → {words[rule]}")
    return True


def take(services: Services, connection: Connection, said: Sequence[Said]) -> None:
    """Handle callbacks in the transaction that stores them; in a fixed order of rows, to avoid deadlocks."""
    with session_in(connection) as session:
        for one in sorted(said, key=lambda each: key_of(each[0])):
            _take(services, session, *one)


def _take(services: Services, session: Session, msg: str, orderref: str | None, event: str | None) -> None:
    key, is_new = key_of(msg), False
    last = {"last_at": now(), "last_orderref": orderref, "last_event": event}
    if not _count(session, key, 1, **last):
        one_at_a_time(session, TEXTS_LOCK)  # or each of several new texts would find room for one
        _make_room(session)
        is_new = insert_if_new(session, CallbackMessage, "key", **_new_row(key, msg))
        _count(session, key, 1, **last)
    row = session.get_one(CallbackMessage, key, populate_existing=True)
    if is_new:
        _tell_of_new(services, session, row)
    elif row.rule == MessageRule.TELL:
        _tell(services, session, row, msg, f"{orderref}:{now():%Y-%m-%d}")
    elif opens_case(row.rule):
        _have_it_seen_to(services, session, row, msg, orderref)


def _have_it_seen_to(
    services: Services, session: Session, row: CallbackMessage, msg: str, orderref: str | None
) -> None:
    """Open a case, and tell of it; while cases are switched off, tell of what nobody opens a case for."""
    kind = CASE_KINDS[row.rule.removeprefix(CASE)]
    if not CASES.is_on(services.settings):
        _tell(services, session, row, msg, f"{kind.code}:{orderref}:{now():%Y-%m-%d}", needs=kind.rule)
        return
    case = cases.open_case(
        session,
        kind,
        by=BY_RULE,
        due_on=cases.today(services),
        slot=f"{_digest(row.key)}:{orderref}",
        orderref=orderref,
        note=f"UTOPIA says: {msg}",
    )
    if case is not None:
        _tell(services, session, row, msg, f"case:{case.id}", case_id=case.id)


def _count(session: Session, key: str, more: int, **last: Any) -> bool:
    """Count callbacks under a key; False when it has no row."""
    counted = update(CallbackMessage).filter_by(key=key).execution_options(synchronize_session=False)
    return rows_changed(session, counted.values(count=CallbackMessage.count + more, **last)) > 0


def _make_room(session: Session) -> None:
    """When there are too many undecided texts, drop those that came longest ago; their callbacks stay."""
    too_many = undecided(session) - MOST_TEXTS + 1
    if too_many <= 0:
        return
    oldest = select(CallbackMessage.key).where(IS_UNDECIDED).order_by(CallbackMessage.last_at).limit(too_many)
    goes = delete(CallbackMessage).where(CallbackMessage.key.in_(oldest.scalar_subquery()), IS_UNDECIDED)
    counts = session.scalars(goes.returning(CallbackMessage.count).execution_options(synchronize_session=False)).all()
    insert_if_new(session, CallbackMessage, "key", **_new_row(OTHERS, OTHERS))
    _count(session, OTHERS, sum(counts), last_at=now())


def _new_row(key: str, msg: str) -> dict[str, object]:
    return {"key": key, "msg": msg[:200], "rule": MessageRule.TELL if key == NEW else MessageRule.IGNORE}


def _tell_of_new(services: Services, session: Session, row: CallbackMessage) -> None:
    """Tell the office of a new text once, with a daily limit so that callers can't flood its mailbox."""
    if not tells_of_new(session):
        return
    lately = select(func.count()).select_from(CallbackMessage).where(IS_TEXT)
    today = session.scalar(lately.where(CallbackMessage.first_at > now() - timedelta(days=1))) or 0
    if today <= TOLD_A_DAY:
        _tell(services, session, row, row.msg, "new", is_new=True)
        return
    once = f"many:{cases.today(services)}"
    _record(services, session, row, once, msg=row.msg, is_new=True, is_many=True, told=TOLD_A_DAY)


def _tell(services: Services, session: Session, row: CallbackMessage, msg: str, once: str, **about: Any) -> None:
    order = session.scalar(select(Order).filter_by(orderref=row.last_orderref)) if row.last_orderref else None
    once = f"{_digest(row.key)}:{once}"
    _record(services, session, row, once, order, msg=msg, orderref=row.last_orderref, **about)


def _record(
    services: Services, session: Session, row: CallbackMessage, once: str, order: Order | None = None, **about: Any
) -> None:
    key, opens_cases = f"{NoticeKind.CALLBACK_MESSAGE}:{once}", CASES.is_on(services.settings)
    content = {"event": row.last_event, "opens_cases": opens_cases, **about}
    notices.record(services.work_queue, session, NoticeKind.CALLBACK_MESSAGE, key, order, **content)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
