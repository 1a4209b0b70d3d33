"""What will happen to an order, told beforehand: the workflow's checks and its look-up, without any write."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import powercode
import utopia
from app.provisioning import customer_search
from app.provisioning.applicants import CORRECTABLE, Applicant, Reading, Wrong, corrected, read_applicant
from app.provisioning.contract_checks import check_plans, make_ticket_text
from app.provisioning.customer_creation import tags_of
from app.provisioning.customer_search import SideBySide, kept, look_for, of_record, plans_given
from app.provisioning.matching import Candidate, Comparison, Door, Kind
from app.provisioning.plans.mapping import ServicePlan, additional_plans, monthly_descriptions
from app.provisioning.plans.plan_table import PlanTable, plan_table
from app.provisioning.run_endings import NeedsReview, stop_for
from app.services import Services
from utopia import Contract
from wire.masking import customer_data

NUMBER_TO_COME = "(the number of the new account)"


class NoContract(Exception):
    """UTOPIA gave no contract; the text says why. `not_ours`: it has none for this provider, and will not have one."""

    def __init__(self, reason: str, *, not_ours: bool) -> None:
        self.not_ours = not_ours
        super().__init__(reason)


class Match(StrEnum):
    """Whom the look-up in PowerCode found."""

    EXISTS = "exists"
    NEAR = "near"
    OTHER_TENANT = "other_tenant"
    NOBODY = "nobody"


@dataclass(frozen=True)
class FoundCustomers:
    """What the look-up in PowerCode says: a sentence for staff, and the customers whom it rests on.

    `beside` has those of them whom a person has to compare, each beside the order's person.
    """

    match: Match
    reason: str
    candidates: Sequence[Candidate]
    beside: Sequence[SideBySide]


@dataclass(frozen=True)
class Forecast:
    """What will happen to an order with this contract and these corrections.

    `wrong` has the fields that staff can correct, `stops` each other reason for which the order will need a person.
    `found` is None where nobody was looked for; `not_looked` says why. `ticket` is safe HTML, "" when it can't be made.
    `plans` and `additional` name services; `unknown` are the descriptions for which no service is known.
    """

    applicant: Applicant
    wrong: Mapping[str, Wrong]
    stops: Sequence[str]
    plans: Sequence[ServicePlan]
    unknown: Sequence[str]
    additional: Sequence[ServicePlan]
    tags: Sequence[int]
    ticket: str
    found: FoundCustomers | None
    not_looked: str

    @property
    def goes_through(self) -> bool:
        """Whether nothing is known that keeps the order from becoming an account."""
        free = self.found is not None and self.found.match in (Match.OTHER_TENANT, Match.NOBODY)
        return free and not (self.wrong or self.stops)


def look_up(services: Services, orderref: str) -> Contract:
    """UTOPIA's contract; raises `NoContract`."""
    try:
        return services.utopia.contract(orderref)
    except utopia.NotOurs as error:
        raise NoContract(stop_for(error).reason, not_ours=True) from None
    except utopia.UtopiaError as error:
        raise NoContract(stop_for(error).reason, not_ours=False) from None


def forecast(services: Services, orderref: str, contract: Contract, corrections: Mapping[str, str]) -> Forecast:
    """Run the checks of `check_contract` and the look-up of `find_customer` on the corrected contract."""
    whole = corrected(contract, corrections)
    reading = read_applicant(whole)
    with services.database.read() as session:
        table = plan_table(session)
    ordered, unknown, plan_stop = _plans(whole, table)
    ticket, ticket_stop = _ticket(services, orderref, reading, monthly_descriptions(whole.items))
    found, not_looked = _look_for(services, reading, ordered)
    return Forecast(
        applicant=reading.applicant,
        wrong={name: wrong for name, wrong in reading.wrong.items() if name in CORRECTABLE},
        stops=[*_stops(reading), *filter(None, (plan_stop, ticket_stop))],
        plans=ordered,
        unknown=unknown,
        additional=additional_plans(ordered, table.additional) if ordered else [],
        tags=tags_of(services.settings),
        ticket=ticket,
        found=found,
        not_looked=not_looked,
    )


def _stops(reading: Reading) -> Iterator[str]:
    """The faults of the contract that nobody can correct here."""
    if "site_id" in reading.wrong:
        yield "UTOPIA's contract has no site id that can be used. Ask UTOPIA to correct it"
    if reading.ended:
        yield f"UTOPIA says that the contract is {reading.ended}"


def _plans(contract: Contract, table: PlanTable) -> tuple[Sequence[ServicePlan], Sequence[str], str]:
    """The services, the plans for which none is known, and why the order stops over them ("": it doesn't)."""
    try:
        return check_plans(contract, table), [], ""
    except NeedsReview as stop:
        return [], stop.changes.get("account", {}).get("unknown_plans", []), stop.reason


def _ticket(services: Services, orderref: str, reading: Reading, descriptions: Sequence[str]) -> tuple[str, str]:
    try:
        return make_ticket_text(services.settings, orderref, NUMBER_TO_COME, reading.applicant, descriptions), ""
    except NeedsReview as stop:
        return "", stop.reason


def _look_for(services: Services, reading: Reading, plans: Sequence[ServicePlan]) -> tuple[FoundCustomers | None, str]:
    """The customer in PowerCode, or why nobody was looked for."""
    if reading.wrong:
        return None, "PowerCode is asked as soon as the person and the address are complete."
    applicant = reading.applicant
    try:
        with customer_data([value for value in applicant.to_dict().values() if len(value) > 2]):
            found = look_for(services.powercode, applicant)
    except powercode.PowerCodeError as error:
        return None, stop_for(error).reason
    return _told(services, applicant, found, plans), ""


def _told(
    services: Services, applicant: Applicant, found: customer_search.LookUpResult, plans: Sequence[ServicePlan]
) -> FoundCustomers:
    decision = found.decision
    with services.database.read() as session:
        given = plans_given(session, decision.customer_ids, services.settings.zone)
    return FoundCustomers(
        match=_match(found),
        reason=decision.reason,
        candidates=[one.candidate for one in decision.comparisons if _is_told(found, one)],
        beside=[of_record(applicant, list(map(str, plans)), each) for each in kept(found, given)["look_alikes"]],
    )


def _is_told(found: customer_search.LookUpResult, one: Comparison) -> bool:
    """Whether staff want to know of a customer: who may be the person, lives there, or is the person elsewhere."""
    return one.door is Door.SAME or one in found.like() or one.candidate.customer_id in found.decision.elsewhere


def _match(found: customer_search.LookUpResult) -> Match:
    if found.decision.kind is Kind.EXISTS:
        return Match.EXISTS
    if found.decision.kind is Kind.REVIEW:
        return Match.NEAR
    tenants = any(one.candidate.same_site or one.door is Door.SAME for one in found.decision.comparisons)
    return Match.OTHER_TENANT if tenants else Match.NOBODY
