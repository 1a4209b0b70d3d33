"""The two halves of a case: UTOPIA's, which is a call of ours, and PowerCode's, which a person does and ticks."""

from collections.abc import Mapping
from datetime import date
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.aftercare import statuses, writes
from app.aftercare.case_kinds import CASE_KINDS, CaseKind
from app.aftercare.writes import IN_DOUBT, Intent, Kind
from app.lookups import changes
from app.lookups.asking import NotAnswered, answer
from app.lookups.change_catalogue import BY_NAME
from app.lookups.changes import OF_A_CASE, Change
from app.models import Billing, Case, CustomerWrite, StepState, System, now
from app.people import audit
from app.services import Services

BY_BOTH = "both halves"


def change_of(kind: CaseKind) -> Change:
    """UTOPIA's call of a kind of case; KeyError for one without halves."""
    return BY_NAME[kind.change]


# UTOPIA's half


def _send(change: Change, services: Services, write: CustomerWrite) -> object:
    return change.send(services, write.content["entries"])


def _done(session: Session, write: CustomerWrite) -> None:
    """UTOPIA did it, or a person said that it did."""
    case = session.get(Case, write.case_id, with_for_update=True) if write.case_id else None
    if case is not None and case.utopia_at is None:
        case.utopia_at, case.utopia_by = now(), write.settled_by or write.made_by
        close_when_done(case)


def _kind(change: Change) -> Kind:
    def title(write: CustomerWrite) -> str:
        return f"{change.title} at UTOPIA (case {write.case_id})"

    return Kind(f"{OF_A_CASE}{change.name}", System.UTOPIA, title, partial(_send, change), done=_done)


UTOPIA_CALLS: Mapping[str, Kind] = {
    kind.change: _kind(change_of(kind)) for kind in CASE_KINDS.values() if kind.has_halves
}
"""Each call that is a half of a case, by the name of the change. None can be looked up: a person is asked."""


def last_sent(session: Session, case_id: int) -> CustomerWrite | None:
    """The last call to UTOPIA for a case."""
    mine = select(CustomerWrite).filter_by(case_id=case_id).order_by(CustomerWrite.id.desc())
    return session.scalars(mine.limit(1)).first()


def may_send(case: Case, sent: CustomerWrite | None) -> bool:
    """Whether UTOPIA's call may go out: not twice, and not while nobody knows what became of an earlier one."""
    is_open = case.closed_at is None and case.utopia_at is None
    return is_open and (sent is None or sent.state not in (*IN_DOUBT, StepState.DONE))


def send(services: Services, case_id: int, by: str, entries: Mapping[str, str], seen: int) -> CustomerWrite | None:
    """Send UTOPIA's call of a case, once. `seen` is the last call that the person saw, 0 for none.

    None when it may not be sent: it was already, or just is. Raises `NotAnswered` with nothing sent.
    """
    with services.database.read() as session:
        case = session.get_one(Case, case_id)
    kind = UTOPIA_CALLS[CASE_KINDS[case.kind].change]
    content = {"entries": dict(entries)}
    intent = Intent(f"case:{case_id}:{seen}", by, case.customer_id, case.order_id, content, case_id)
    return writes.carry_out(services, kind, intent, partial(_may_be_sent, case_id, entries, seen))


def _may_be_sent(case_id: int, entries: Mapping[str, str], seen: int, session: Session) -> bool:
    """Whether the case still wants this call; then it keeps the entries. In the transaction of the intent."""
    case = session.get_one(Case, case_id, with_for_update=True)
    sent = last_sent(session, case_id)
    if not may_send(case, sent) or (sent.id if sent else 0) != seen or _is_sent_elsewhere(session, case, entries):
        return False
    case.entries = dict(entries)
    return True


def _is_sent_elsewhere(session: Session, case: Case, entries: Mapping[str, str]) -> bool:
    """Whether another case sent the very same, or somebody did from the page of changes."""
    change, lasts = change_of(CASE_KINDS[case.kind]), changes.CASE_LASTS
    if changes.by_a_case(session, change, entries, case.id) is not None:
        return True
    return changes.by_hand(session, change, entries, done_within=lasts, doubt_within=lasts) is not None


def tick_utopia(session: Session, case_id: int, by: str) -> bool:
    """UTOPIA's half was done otherwise; False when there is nothing to tick."""
    case = session.get(Case, case_id, with_for_update=True)
    if case is None or not may_send(case, last_sent(session, case_id)):
        return False
    case.utopia_at, case.utopia_by = now(), by[:80]
    audit.record(session, by, "case: done at UTOPIA", f"case {case_id}")
    close_when_done(case)
    return True


# PowerCode's half


def tick_powercode(services: Services, case_id: int, by: str) -> bool:
    """PowerCode's half is done; the status is read back. False when there is nothing to tick.

    That PowerCode doesn't answer just now keeps nobody from ticking: the status is not known then.
    """
    with services.database.read() as session:
        case = session.get(Case, case_id)
    if case is None:
        return False
    status = _status(services, case.customer_id)
    with services.database.write() as session:
        row = session.get_one(Case, case_id, with_for_update=True)
        if row.closed_at is not None or row.powercode_at is not None:
            return False
        row.powercode_at, row.powercode_by = now(), by[:80]
        _keep_status(row, status)
        audit.record(session, by, "case: done in PowerCode", f"case {case_id}")
        close_when_done(row)
    return True


def read_status(services: Services, case_id: int) -> bool:
    """Read the customer's status again; a case whose halves agree by now is closed. False: PowerCode doesn't say."""
    with services.database.read() as session:
        case = session.get(Case, case_id)
    status = _status(services, case.customer_id) if case else None
    if status is None:
        return False
    with services.database.write() as session:
        row = session.get_one(Case, case_id, with_for_update=True)
        _keep_status(row, status)
        if row.closed_at is None:
            close_when_done(row)
    return True


def _status(services: Services, customer_id: str | None) -> str | None:
    """PowerCode's word for the customer's status; None where it gives none."""
    if not customer_id:
        return None
    try:
        customer = answer(lambda: services.powercode.read_customer(customer_id=customer_id))
    except NotAnswered:
        return None
    return customer.status[:40] or None if customer else None


def _keep_status(case: Case, status: str | None) -> None:
    if status is not None:
        case.status, case.status_read_at = status, now()


# Both


def disagreement(case: Case, kind: CaseKind, day: date) -> str | None:
    """What doesn't fit together, in a sentence: a status that tells otherwise, or, after the day, one half alone."""
    if not kind.has_halves or case.closed_at is not None:
        return None
    billing = statuses.billing_in(case.status or "")
    known = case.powercode_at is not None and kind.is_billed is not None and billing is not Billing.CANT_TELL
    if known and (billing is Billing.ACTIVE) != kind.is_billed:
        word = "is still billed" if billing is Billing.ACTIVE else "is not billed"
        return f"PowerCode's half is ticked, but the customer {word}: their status is {case.status}."
    if day <= case.due_on or (case.utopia_at is None) == (case.powercode_at is None):
        return None
    done, left = ("at UTOPIA", "in PowerCode") if case.utopia_at else ("in PowerCode", "at UTOPIA")
    return f"The day is over, and it is done {done} and not {left}."


def close_when_done(case: Case) -> None:
    """A case whose halves are both done, and agree, is over."""
    if case.utopia_at is None or case.powercode_at is None:
        return
    if disagreement(case, CASE_KINDS[case.kind], date.min) is None:
        case.closed_at, case.closed_by, case.slot = now(), BY_BOTH, None
