"""Changes by administrators at UTOPIA and PowerCode: a row before the call, its outcome after it.

The row's key comes from the confirmation: a second click, or the same form sent again, finds the row and sends nothing.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.lookups.affected_customers import Subject
from app.lookups.entry_fields import Field, Given
from app.lookups.remote_requests import REMOTE_ERRORS, a_turn, answer
from app.models import AuditEntry, CustomerWrite, StepState, System, now
from app.people import audit
from app.services import Services
from wire.masking import masked, on_one_line

log = logging.getLogger(__name__)

ANSWER_KEPT = 600
"""Characters of an answer that are kept with the change."""
DOUBT_LASTS = timedelta(days=7)
JUST_NOW = timedelta(hours=1)
CASE_LASTS = timedelta(days=30)
"""How long a case's call with the same customer, site and day counts as the same call."""
OF_A_CASE = "utopia:"
"""How the kinds of a case's calls begin; the change's name follows."""
UNDECIDED = (StepState.RUNNING, StepState.UNKNOWN)
OUTCOMES = {
    "never_arrived": StepState.NEVER_ARRIVED,
    "throttled": StepState.NEVER_ARRIVED,
    "refused": StepState.REFUSED,
    "not_ours": StepState.REFUSED,
    "not_ready": StepState.REFUSED,
}


@dataclass(frozen=True)
class Change:
    """A call that changes something. `will` says what it does, with the entries; `retyped` names the entry that has to
    be typed again before the call is sent."""

    name: str
    title: str
    will: str
    fields: tuple[Field, ...]
    subject: Callable[[Services, Given], Subject]
    send: Callable[[Services, Given], Any]
    retyped: str
    always_retyped: bool = False
    one_of: tuple[str, ...] = ()
    system: System = System.UTOPIA

    @property
    def system_name(self) -> str:
        """The system's name for people."""
        return "PowerCode" if self.system is System.POWERCODE else "UTOPIA"

    def sent(self, given: Given) -> dict[str, str]:
        """The entries that are sent."""
        return {field.name: given[field.name] for field in self.fields if field.name in given and not field.names_only}

    def sentence(self, given: Given) -> str:
        """What will happen, in words."""
        values = {field.name: given.get(field.name, "") for field in self.fields}
        return self.will.format_map({**values, "entries": self.entries(given)})

    def entries(self, given: Given) -> str:
        """What is entered besides the numbers that name the customer: `vlan 200, handoff untagged`."""
        named = {field.name: field.label for field in self.fields}
        return ", ".join(f"{named[name]} {given[name]}" for name in self.one_of if name in given)

    def fault(self, given: Given) -> str | None:
        """What is wrong with the entries as a whole."""
        missing = self.one_of and not any(name in given for name in self.one_of)
        return "Fill in at least one of the fields that can be changed" if missing else None


def find_subject(services: Services, change: Change, given: Given) -> Subject:
    """The customer the change concerns, asked for now. Raises `NotAnswered`: without a name nothing is changed."""
    return answer(lambda: change.subject(services, given))


@dataclass(frozen=True)
class Earlier:
    """The same change, sent before: from the page of changes (`entry_id`), or as a case's call (`case_id`)."""

    made_by: str
    made_at: datetime
    outcome: str | None
    entry_id: int | None = None
    case_id: int | None = None


def sent_before(services: Services, change: Change, given: Given) -> Earlier | None:
    """The same change, sent lately: done just now, done for a case, or with an unknown outcome."""
    with services.database.read() as session:
        entry = by_hand(session, change, given, done_within=JUST_NOW, doubt_within=DOUBT_LASTS)
        if entry is not None:
            return Earlier(entry.made_by, entry.made_at, entry.outcome, entry_id=entry.id)
        write = by_a_case(session, change, given)
    return Earlier(write.made_by, write.sent_at, write.state, case_id=write.case_id) if write else None


def by_hand(
    session: Session, change: Change, given: Given, *, done_within: timedelta, doubt_within: timedelta
) -> AuditEntry | None:
    """The same change, sent from the page of changes: done, or with an unknown outcome."""
    undecided = and_(AuditEntry.outcome.in_(UNDECIDED), AuditEntry.made_at > now() - doubt_within)
    done = and_(AuditEntry.outcome == StepState.DONE, AuditEntry.made_at > now() - done_within)
    query = select(AuditEntry).where(AuditEntry.action == action(change), or_(undecided, done))
    entries = session.scalars(query.order_by(AuditEntry.id.desc()).limit(100)).all()
    return next((entry for entry in entries if _first_line(entry) == _written(change, given)), None)


def by_a_case(session: Session, change: Change, given: Given, case_id: int | None = None) -> CustomerWrite | None:
    """The same change as the call of a case other than `case_id`: done, or with an unknown outcome."""
    mine = (CustomerWrite.kind == f"{OF_A_CASE}{change.name}", CustomerWrite.case_id.is_distinct_from(case_id))
    known = (CustomerWrite.state.in_((*UNDECIDED, StepState.DONE)), CustomerWrite.sent_at > now() - CASE_LASTS)
    writes = session.scalars(select(CustomerWrite).where(*mine, *known).order_by(CustomerWrite.id.desc()))
    return next((each for each in writes if change.sent(each.content.get("entries", {})) == change.sent(given)), None)


def calls_of_cases(session: Session, limit: int = 50) -> Sequence[CustomerWrite]:
    """The newest so many calls of cases."""
    query = select(CustomerWrite).where(CustomerWrite.case_id.is_not(None)).order_by(CustomerWrite.id.desc())
    return session.scalars(query.limit(limit)).all()


def carry_out(services: Services, change: Change, given: Given, key: str, *, by: str, whom: str) -> bool:
    """Send a change that `by` confirmed once; False when its key is known: it was sent already, or is being sent.

    `whom` is the customer whom the person was shown.
    The outcome is in the audit: `StepState` done, refused, never_arrived or unknown. When too many requests are under
    way, raises `NotAnswered` before anything is recorded or sent.
    """
    with a_turn():
        with services.database.write() as session:
            note = _written(change, given)
            if not audit.begin(session, key, by=by, action=action(change), subject=whom, note=note):
                return False
        outcome, words = outcome_of(services, lambda: change.send(services, given))
        services.database.insist(lambda session: audit.end(session, key, outcome, words))
    log.info("%s by hand: %s", action(change), outcome.value)
    return True


def outcome_of(services: Services, send: Callable[[], Any]) -> tuple[StepState, str]:
    """The outcome of a call that changes something, and the system's words, without secrets."""
    try:
        said = send()
    except REMOTE_ERRORS as error:
        return OUTCOMES.get(error.outcome, StepState.UNKNOWN), _masked(services, error.detail)
    except Exception as fault:
        log.exception("A change by hand met a fault of this program")
        return StepState.UNKNOWN, f"a fault of this program ({type(fault).__name__}); the log has the details"
    words = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str)
    return StepState.DONE, _masked(services, words)


def entry_of(session: Session, key: str) -> AuditEntry | None:
    """The record of a change."""
    return session.scalar(select(AuditEntry).filter_by(key=key))


def action(change: Change) -> str:
    """The change's name in the audit."""
    return f"{change.system_name}: {change.title.lower()}"


def what_came_of_it(entry: AuditEntry) -> str:
    """The outcome of a change in words, with what to do."""
    return outcome_in_words(entry.action.partition(":")[0], StepState(entry.outcome or StepState.UNKNOWN))


def outcome_in_words(system: str, outcome: StepState) -> str:
    """The outcome of a write to a system, in words, with what to do."""
    words = {
        StepState.DONE: f"{system} says that it is done.",
        StepState.REFUSED: f"{system} refused; nothing was changed. Read its answer, correct the entry, and try again.",
        StepState.NEVER_ARRIVED: f"It never reached {system}; nothing was changed. Try again when {system} answers.",
        StepState.UNKNOWN: f"It was sent, and nobody knows whether {system} did it: there was no usable answer. "
        f"Look it up at {system} before you send it again.",
        StepState.RUNNING: f"It is being sent, and {system} has not answered yet. Load this page again. If this stays, "
        f"the service was stopped meanwhile: look it up at {system} before you send it again.",
    }
    return words[outcome]


def _written(change: Change, given: Given) -> str:
    return ", ".join(f"{name} {value}" for name, value in change.sent(given).items())


def _first_line(entry: AuditEntry) -> str:
    return (entry.note or "").partition("\n")[0]


def _masked(services: Services, text: str) -> str:
    return masked(on_one_line(text), services.settings.secrets())[:ANSWER_KEPT]
