"""The values that staff write instead of those of UTOPIA's contract, and who wrote them.

A correction stays with the order, and replaces UTOPIA's value whenever the contract is read. Once something of the
order is in PowerCode, nothing is corrected here any more: the customer was made with the former value.
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Order, OrderState
from app.provisioning import intake, review
from app.provisioning.actions import CORRECT, SUBMIT, Action
from app.provisioning.applicants import (
    CORRECTABLE,
    WORDS,
    Wrong,
    contract_of,
    corrected,
    fields_of,
    read_applicant,
)
from app.provisioning.problems import OUTCOME_UNKNOWN
from app.provisioning.written_parts import has_written
from app.remote import breaker
from app.services import Services
from app.wording.invisible_characters import one_line
from utopia import Contract


class NotUsable(Exception):
    """Values that no account can be made with; `wrong` has them by field."""

    def __init__(self, wrong: Mapping[str, Wrong]) -> None:
        self.wrong = wrong
        super().__init__(", ".join(WORDS[name] for name in wrong))


def corrections_of(theirs: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The values in `wanted` that differ from UTOPIA's; what `wanted` lacks stays as UTOPIA has it."""
    written = {name: one_line(wanted.get(name, theirs[name])) for name in CORRECTABLE}
    return {name: value for name, value in written.items() if value != theirs[name]}


def unusable(contract: Contract, corrections: Mapping[str, str]) -> dict[str, Wrong]:
    """What is wrong with the corrections themselves, by field; what else the contract lacks is not told."""
    wrong = read_applicant(corrected(contract, corrections)).wrong
    return {name: wrong[name] for name in corrections if name in wrong}


def may_correct(session: Session, order: Order) -> bool:
    """Whether the order waits for a person, its contract is known, and nothing of it is in PowerCode."""
    waits = order.state == OrderState.NEEDS_REVIEW and order.problem != OUTCOME_UNKNOWN.code
    return waits and bool(order.contract) and not has_written(session, order)


def correct(
    services: Services, session: Session, orderref: str, by: str, *, run: int, wanted: Mapping[str, str]
) -> Order:
    """Correct an order that needs a person, and go on with it.

    `run` is the order's run that the person saw. Earlier decisions about the customer are asked again: they were made
    about other values. Raises `NotUsable`, and `review.NotPossible` when a correction doesn't fit the order.
    """
    breaker.ask_now(session)
    order = review.find(session, orderref, run)
    if not may_correct(session, order):
        raise review.NotPossible(
            f"{orderref} can't be corrected here: that is possible as long as it needs a person and nothing of it "
            "is in PowerCode"
        )
    contract = Contract.from_dict(order.contract or {})
    corrections = corrections_of(fields_of(contract), wanted)
    whole = corrected(contract, corrections)
    wrong = {name: kind for name, kind in read_applicant(whole).wrong.items() if name in CORRECTABLE}
    if wrong:
        raise NotUsable(wrong)
    before, after = fields_of(contract_of(order)), fields_of(whole)
    _record(session, order, by, CORRECT, before=before, after=after)
    order.corrections, order.decision = corrections or None, {}
    return review.resume(services, session, orderref, by)


def submit(
    services: Services,
    session: Session,
    orderref: str,
    by: str,
    *,
    theirs: Mapping[str, str],
    wanted: Mapping[str, str],
) -> None:
    """Take an order in by hand, with its corrections if there are any.

    `theirs` are UTOPIA's values as the person saw them, `wanted` what they left of them; both empty while UTOPIA
    does not answer. Raises `NotUsable`, and `review.NotPossible` when the order is known already.
    """
    corrections = corrections_of(theirs, wanted) if theirs else {}
    wrong = unusable(corrected(Contract(), theirs), corrections)
    if wrong:
        raise NotUsable(wrong)
    if not intake.take_in(services, session.connection(), [orderref]):
        raise review.NotPossible(f"{orderref} is known already. Nothing was changed")
    order = session.scalars(select(Order).filter_by(orderref=orderref)).one()
    order.corrections = corrections or None
    _record(session, order, by, SUBMIT, before=theirs, after=corrections)


def _record(
    session: Session, order: Order, by: str, action: Action, *, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Who did it, and each field with what it was and what it is."""
    changed = [
        f'{WORDS[name]}: "{before[name]}" -> "{value}"' for name, value in after.items() if before[name] != value
    ]
    review.audit(session, order.id, by, action, *changed)
