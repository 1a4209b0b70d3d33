"""Checks of a contract: applicant, plans and ticket text. A fault that stops an order is raised as `NeedsReview`."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.provisioning import problems, ticket_text
from app.provisioning.applicants import Applicant, faults_in_words, read_applicant
from app.provisioning.plans import mapping
from app.provisioning.plans.plan_table import PlanTable
from app.provisioning.run_endings import NeedsReview
from app.wording.placeholders import TemplateFault, read_template
from config import Settings
from utopia import Contract


def check_applicant(contract: Contract) -> Applicant:
    """Who ordered and where; stops with everything that is missing or unusable."""
    reading = read_applicant(contract)
    faults = "; ".join(faults_in_words(reading))
    if faults:
        reason = f"{faults}. Correct it on the order's page, or ask UTOPIA to correct it, then try again"
        raise NeedsReview(problems.CONTRACT_INCOMPLETE, reason)
    return reading.applicant


def check_plans(contract: Contract, table: PlanTable) -> Sequence[mapping.ServicePlan]:
    """The services that were ordered; stops over a plan that can't be turned into one."""
    try:
        ordered = mapping.match_plans(contract.items, table.plans)
        mapping.check_apart(ordered, table.additional)
        return ordered
    except mapping.UnknownPlan as unknown:
        if not all(name.strip() for name in unknown.descriptions):
            raise NeedsReview(
                problems.PLAN_FAULT, "UTOPIA's contract has a monthly item without a description"
            ) from None
        names = ", ".join(f'"{name}"' for name in unknown.descriptions)
        raise NeedsReview(
            problems.UNKNOWN_PLAN,
            f"No PowerCode service is known for the plan {names}. Say which one it is: every order that waits for it "
            "goes on",
            changes={"account": {"unknown_plans": list(unknown.descriptions)}},
        ) from None
    except mapping.PlanFault as fault:
        raise NeedsReview(problems.PLAN_FAULT, f"{str(fault)[:1].upper()}{str(fault)[1:]}") from None


def account_of(applicant: Applicant, ordered: Sequence[mapping.ServicePlan], table: PlanTable) -> dict[str, Any]:
    """What an order's row keeps of a contract that was checked."""
    return {
        "applicant": applicant.to_dict(),
        "plans": _pairs(ordered),
        "additional": _pairs(mapping.additional_plans(ordered, table.additional)),
    }


def _pairs(found: Iterable[mapping.ServicePlan]) -> list[list[int | str]]:
    return [[plan.service_id, plan.description] for plan in found]


def make_ticket_text(
    settings: Settings, orderref: str, customer_id: str, applicant: Applicant, descriptions: Iterable[str]
) -> str:
    """The ticket's description; the template is read at each use, so that an edit needs no restart."""
    values = ticket_text.values_of(orderref, customer_id, applicant, descriptions)
    try:
        return ticket_text.render(read_template(settings.ticket_template), values)
    except TemplateFault as fault:
        raise NeedsReview(problems.TICKET_TEMPLATE, f"The ticket's text can't be made: {fault}") from None
