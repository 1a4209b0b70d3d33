"""The person of an order beside PowerCode's customers: kept with the order's stop, and laid out for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Order, OrderState, StepState
from app.provisioning.applicants import Applicant
from app.provisioning.customer_search.searches import LookUpResult
from app.provisioning.matching import STREET_LINE, Aspect, Comparison, Door, Mark
from app.provisioning.plans.mapping import plans_in

Json = dict[str, Any]

MOST_KEPT = 5
NOT_SAID = "PowerCode doesn't say"
CANT_TELL = "can't tell: PowerCode has no call that lists plans. Their page there shows them"
SIMILAR = "similar"
WORDS = {"agrees": "the same", SIMILAR: "nearly the same", "differs": "different", "unknown": "can't tell"}
SIGNS = {"agrees": "=", SIMILAR: "≈", "differs": "≠", "unknown": "?"}
PLACE = (*STREET_LINE, Aspect.TOWN, Aspect.ZIP)
PARTS: Mapping[str, str] = {
    Aspect.HOUSE_NUMBER: "house number",
    Aspect.NUMBERS: "another number",
    Aspect.DIRECTION: "direction",
    Aspect.STREET_NAME: "street name",
    Aspect.STREET_KIND: "kind of street",
    Aspect.UNIT: "unit",
    Aspect.TOWN: "town",
    Aspect.ZIP: "ZIP code",
}


@dataclass(frozen=True)
class Row:
    """A line of the comparison. `mark` is agrees, similar, differs, unknown, or "" for what is not compared."""

    label: str
    ours: str
    theirs: str
    mark: str = ""
    note: str = ""

    @property
    def word(self) -> str:
        """The mark in words."""
        return WORDS.get(self.mark, "")

    @property
    def sign(self) -> str:
        """The mark as a sign, for those who can't tell its colour."""
        return SIGNS.get(self.mark, "")


@dataclass(frozen=True)
class SideBySide:
    """One customer beside the order's person; `contacts` names what both have: the phone number, the mail address."""

    customer_id: str
    rows: Sequence[Row]
    contacts: Sequence[str]


# What is kept


def kept(found: LookUpResult, plans: Mapping[str, Sequence[str]]) -> Json:
    """The customers whom the decision rests on, and those who are the same person elsewhere, as plain JSON.

    `plans` has what our own orders gave to a customer, by the customer's id.
    """
    by_id = {one.candidate.customer_id: one for one in found.decision.comparisons}
    return {
        "look_alikes": [_kept(by_id[each], plans) for each in found.decision.customer_ids[:MOST_KEPT]],
        "seen": list(found.decision.customer_ids),
        "elsewhere": [_kept(by_id[each], plans) for each in found.decision.elsewhere[:MOST_KEPT]],
    }


def plans_given(session: Session, customer_ids: Sequence[str], zone: tzinfo) -> dict[str, list[str]]:
    """What our own orders gave to these customers, and when: `1 Gbps (164), 2026-11-02, by UIA202411-001186`."""
    made = select(Order).where(Order.customer_id.in_(customer_ids), Order.state == OrderState.COMPLETED)
    given: dict[str, list[str]] = {}
    for order in session.scalars(made.order_by(Order.id)):
        added = {step.name: step.finished_at for step in order.steps if step.state == StepState.DONE}
        for plan in plans_in(order.account):
            if moment := added.get(f"plan:{plan.service_id}"):
                words = f"{plan}, {moment.astimezone(zone):%Y-%m-%d}, by {order.orderref}"
                given.setdefault(str(order.customer_id), []).append(words)
    return given


def _kept(one: Comparison, plans: Mapping[str, Sequence[str]]) -> Json:
    record = asdict(one.candidate)
    del record["texts"]
    marks = {str(aspect): str(mark) for aspect, mark in one.marks.items()}
    given = list(plans.get(one.candidate.customer_id, ()))
    return {**record, "door": str(one.door), "marks": marks, "plans": given}


# What is shown


def look_alikes(order: Order) -> list[SideBySide]:
    """The customers over whom the order stopped, each beside its person; none once the order's details were removed."""
    account = order.account or {}
    if "applicant" not in account:
        return []
    applicant = Applicant(**account["applicant"])
    plans = [str(plan) for plan in plans_in(account, "plans")]
    return [of_record(applicant, plans, each) for each in (order.found_customers or {}).get("look_alikes", [])]


def of_record(applicant: Applicant, plans: Sequence[str], record: Json) -> SideBySide:
    """One customer, as `kept` has it, beside the applicant and the plans that were ordered."""
    marks = record["marks"]
    shared = [word for aspect, word in CONTACTS.items() if marks[aspect] == Mark.AGREES]
    return SideBySide(record["customer_id"], list(_rows(applicant, plans, record)), shared)


CONTACTS: Mapping[str, str] = {Aspect.PHONE: "phone number", Aspect.MAIL: "mail address"}


def elsewhere(order: Order) -> list[Json]:
    """The same person's accounts at other addresses: `customer_id`, `status` ("": not said), `where`."""
    found = (order.found_customers or {}).get("elsewhere", [])
    return [{"customer_id": one["customer_id"], "status": one["status"], "where": _where(one)} for one in found]


def _rows(applicant: Applicant, plans: Sequence[str], record: Json) -> Iterator[Row]:
    marks: Mapping[str, str] = record["marks"]
    named = SIMILAR if marks[Aspect.NAME] == Mark.UNKNOWN and record["name"] else marks[Aspect.NAME]
    yield Row("Name", applicant.name, record["name"] or NOT_SAID, named)
    ours = f"{applicant.city} {applicant.state} {applicant.zip}"
    yield Row("Address", f"{applicant.street}, {ours}", _where(record) or NOT_SAID, *_place(record))
    yield Row("Phone", applicant.phone, record["phone"] or _hidden(marks[Aspect.PHONE], applicant), marks[Aspect.PHONE])
    yield Row("Mail", applicant.email, record["email"] or NOT_SAID, marks[Aspect.MAIL])
    yield Row("Site", applicant.site_id, record["site_id"] or "none", marks[Aspect.SITE])
    yield Row("Status", "a new order", record["status"] or NOT_SAID)
    yield Row("Plans, since when", ", ".join(plans) or "none", "; ".join(record["plans"]) or CANT_TELL)


def _hidden(mark: str, applicant: Applicant) -> str:
    """What is known of a phone number that PowerCode doesn't show."""
    found = f"PowerCode finds them by …{applicant.phone[-4:]}, and doesn't show the number"
    return found if mark == Mark.AGREES else NOT_SAID


def _place(record: Json) -> tuple[str, str]:
    """The mark of the whole address, and which parts of it are not the same."""
    if record["door"] == Door.SAME:
        return Mark.AGREES, ""
    by_mark = {mark: [PARTS[one] for one in PLACE if record["marks"][one] == mark] for mark in Mark}
    differs, unknown = by_mark[Mark.DIFFERS], by_mark[Mark.UNKNOWN]
    if len(unknown) == len(PLACE):
        return Mark.UNKNOWN, ""
    notes = [f"different: {', '.join(differs)}"] if differs else []
    notes += [f"can't tell: {', '.join(unknown)}"] if unknown else []
    return Mark.DIFFERS if differs else Mark.UNKNOWN, "; ".join(notes)


def _where(record: Json) -> str:
    return ", ".join(part for part in (record["address"], f"{record['city']} {record['zip']}".strip()) if part)
