"""The two halves of a case: UTOPIA's, a call that we send, and PowerCode's, which a person does and ticks off."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.aftercare import cases, customer_statuses, writes
from app.aftercare.case_kinds import CASE_KINDS, CaseKind
from app.aftercare.writes import IN_DOUBT, Intent, WriteKind
from app.lookups import changes
from app.lookups.change_catalogue import BY_NAME
from app.lookups.changes import OF_A_CASE, Change
from app.lookups.remote_requests import NotAnswered, answer
from app.models import Billing, Case, CustomerWrite, StepState, System, now
from app.people import audit
from app.services import Services

BY_BOTH = "both halves"


def change_of(kind: CaseKind) -> Change:
    """UTOPIA's call of a kind of case; KeyError for one without halves."""
    return BY_NAME[kind.change]


# UTOPIA's half


def _done(session: Session, write: CustomerWrite) -> None:
    """Mark UTOPIA's half as done: UTOPIA confirmed it, or a person did."""
    case = session.get(Case, write.case_id, with_for_update=True) if write.case_id else None
    if case is not None and case.utopia_at is None:
        case.utopia_at, case.utopia_by = now(), write.settled_by or write.made_by
        close_when_done(case)


def _kind(change: Change) -> WriteKind:
    return WriteKind(
        f"{OF_A_CASE}{change.name}",
        System.UTOPIA,
        title=lambda write: f"{change.title} at UTOPIA (case {write.case_id})",
        send=lambda services, write: change.send(services, write.content["entries"]),
        done=_done,
    )


UTOPIA_CALLS: Mapping[str, WriteKind] = {
    kind.change: _kind(change_of(kind)) for kind in CASE_KINDS.values() if kind.has_halves
}
"""The calls that are halves of cases. Their outcome can't be looked up; when it is unknown, a person is asked."""


def last_sent(session: Session, case_id: int) -> CustomerWrite | None:
    """The last call to UTOPIA for a case."""
    mine = select(CustomerWrite).filter_by(case_id=case_id).order_by(CustomerWrite.id.desc())
    return session.scalars(mine.limit(1)).first()


def may_send(case: Case, sent: CustomerWrite | None) -> bool:
    """Whether UTOPIA's call may be sent: not twice, and not while the outcome of an earlier call is unknown."""
    is_open = case.closed_at is None and case.utopia_at is None
    return is_open and (sent is None or sent.state not in (*IN_DOUBT, StepState.DONE))


def send(services: Services, case_id: int, by: str, entries: Mapping[str, str], seen: int) -> CustomerWrite | None:
    """Send UTOPIA's call of a case, once. `seen` is the last call that the person saw, 0 for none.

    None when it may not be sent, as it was sent already or is being sent. Raises `NotAnswered`, with nothing sent.
    """
    with services.database.read() as session:
        case = session.get_one(Case, case_id)
        customer_id = cases.customer_of(session, case)
    kind = UTOPIA_CALLS[CASE_KINDS[case.kind].change]
    content = {"entries": dict(entries)}
    intent = Intent(f"case:{case_id}:{seen}", by, customer_id, case.order_id, content, case_id)
    return writes.carry_out(services, kind, intent, partial(_may_be_sent, case_id, entries, seen))


def _may_be_sent(case_id: int, entries: Mapping[str, str], seen: int, session: Session) -> bool:
    """Whether the case still needs this call; if so, keeps the entries. Runs in the transaction of the intent."""
    case = session.get_one(Case, case_id, with_for_update=True)
    sent = last_sent(session, case_id)
    if not may_send(case, sent) or (sent.id if sent else 0) != seen or _is_sent_elsewhere(session, case, entries):
        return False
    case.entries = dict(entries)
    return True


def _is_sent_elsewhere(session: Session, case: Case, entries: Mapping[str, str]) -> bool:
    """Whether the same call was sent for another case, or from the page of changes."""
    change, lasts = change_of(CASE_KINDS[case.kind]), changes.CASE_LASTS
    if changes.by_a_case(session, change, entries, case.id) is not None:
        return True
    return changes.by_hand(session, change, entries, done_within=lasts, doubt_within=lasts) is not None


def tick_utopia(session: Session, case_id: int, by: str) -> bool:
    """UTOPIA's half was done in another way; False when there is nothing to tick."""
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

    The half can be ticked also while PowerCode doesn't answer; the status is unknown then.
    """
    customer_id, status = _status(services, case_id)
    with services.database.write() as session:
        row = session.get(Case, case_id, with_for_update=True)
        if row is None or row.closed_at is not None or row.powercode_at is not None:
            return False
        row.powercode_at, row.powercode_by = now(), by[:80]
        _keep_status(row, customer_id, status)
        audit.record(session, by, "case: done in PowerCode", f"case {case_id}")
        close_when_done(row)
    return True


def read_status(services: Services, case_id: int) -> bool:
    """Read the status again; close the case if its halves agree now. False when PowerCode gives no status."""
    customer_id, status = _status(services, case_id)
    if status is None:
        return False
    with services.database.write() as session:
        row = session.get_one(Case, case_id, with_for_update=True)
        _keep_status(row, customer_id, status)
        if row.closed_at is None:
            close_when_done(row)
    return True


def _status(services: Services, case_id: int) -> tuple[str | None, str | None]:
    """The customer of a case, and their status in PowerCode's words; None where it gives none."""
    with services.database.read() as session:
        case = session.get(Case, case_id)
        customer_id = cases.customer_of(session, case) if case else None
    with suppress(NotAnswered):
        customer = answer(lambda: services.powercode.read_customer(customer_id=customer_id)) if customer_id else None
        if customer is not None and customer.customer_id == customer_id:
            return customer_id, customer.status[:40] or None
    return customer_id, None


def _keep_status(case: Case, customer_id: str | None, status: str | None) -> None:
    """Keep what was read, and of whom."""
    case.customer_id = customer_id
    if status is not None:
        case.status, case.status_read_at = status, now()


# Both


def disagreement(case: Case, kind: CaseKind, day: date) -> str | None:
    """What doesn't agree, in a sentence: a status that contradicts the case, or one half undone after its day."""
    if not kind.has_halves or case.closed_at is not None:
        return None
    billing = customer_statuses.billing_in(case.status or "")
    known = case.powercode_at is not None and kind.is_billed is not None and billing is not Billing.CANT_TELL
    if known and (billing is Billing.ACTIVE) != kind.is_billed:
        word = "is still billed" if billing is Billing.ACTIVE else "is not billed"
        return f"PowerCode's half is ticked, but the customer {word}: their status is {case.status}."
    if case.utopia_at is not None and _is_unread(case, kind):
        return "Both halves are ticked, and nobody can tell whether the customer is still billed: read the status now."
    if day <= case.due_on or (case.utopia_at is None) == (case.powercode_at is None):
        return None
    done, left = ("at UTOPIA", "in PowerCode") if case.utopia_at else ("in PowerCode", "at UTOPIA")
    return f"The day is over, and it is done {done} and not {left}."


def _is_unread(case: Case, kind: CaseKind) -> bool:
    """Whether the status that would show it was not read since PowerCode's half was ticked."""
    if kind.is_billed is None or case.customer_id is None or case.powercode_at is None:
        return False
    return case.status_read_at is None or case.status_read_at < case.powercode_at


def close_when_done(case: Case) -> None:
    """Close a case whose halves are both done and agree."""
    if case.utopia_at is None or case.powercode_at is None:
        return
    if disagreement(case, CASE_KINDS[case.kind], date.min) is None:
        case.closed_at, case.closed_by, case.slot = now(), BY_BOTH, None
