"""Why an order goes to a person: one row each, read by lists, pages, mails, commands and the runbook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.provisioning.actions import (
    BY_HAND,
    CORRECT,
    CORRECT_NUMBER,
    CUSTOMER,
    IT_IS_NOT_THERE,
    IT_IS_THERE,
    MADE_BY_HAND,
    MAP_PLANS,
    NEW_CUSTOMER,
    NOBODY_LIKE_IT,
    RESUME,
    WITHOUT_IT,
    Action,
)
from app.provisioning.matching import MatchProblem


@dataclass(frozen=True)
class Problem:
    """Why an order goes to a person.

    `code` is what an order keeps of it, `words` are for lists, `section` is the runbook's. `actions` are offered
    besides closing the order; `cure`, which mends the cause, comes before them as long as it is possible.
    """

    code: str
    words: str
    section: str
    actions: Sequence[Action] = (RESUME,)
    cure: Action | None = None

    @property
    def anchor(self) -> str:
        """Its section of `docs/runbook.md`, as links name it."""
        letters = (letter for letter in self.section.lower() if letter.isalnum() or letter in " -")
        return "".join(letters).replace(" ", "-")


UNKNOWN_PLAN = Problem("unknown_plan", "A plan is unknown", "This plan is unknown", cure=MAP_PLANS)
PLAN_FAULT = Problem("plan_fault", "The plans of the contract are not clear", "This plan is unknown")
CONTRACT_INCOMPLETE = Problem(
    "contract_incomplete", "The contract lacks something", "The contract lacks something", cure=CORRECT
)
TICKET_TEMPLATE = Problem("ticket_template", "The ticket's text has a fault", "The ticket's text has a fault")

SAME_PERSON = "Is this the same person?"
LOOK_ALIKE = Problem("look_alike", "A customer looks like the one that was made", SAME_PERSON, (NEW_CUSTOMER,))
NO_SUCH_CUSTOMER = Problem(
    "no_such_customer", "PowerCode has no such customer", SAME_PERSON, (CUSTOMER, NEW_CUSTOMER, RESUME)
)
ALIKE: Mapping[MatchProblem, Problem] = {
    code: Problem(code, words, SAME_PERSON, (NEW_CUSTOMER,))
    for code, words in {
        MatchProblem.SIMILAR_NAME: "A similar name at this address",
        MatchProblem.NO_NAME: "The same address, a name is missing",
        MatchProblem.NO_ADDRESS: "The same name without an address",
        MatchProblem.UNIT_MISSING: "The same name, part of the unit is missing",
        MatchProblem.SIMILAR_STREET: "The same name at a similar street",
        MatchProblem.SIMILAR_TOWN: "The same name and street, the town is not clear",
        MatchProblem.SITE_ADDRESS_DIFFERS: "The same name and site at another address",
        MatchProblem.SHARED_CONTACT: "Another name with the same mail or phone",
    }.items()
}
"""The problems by what `matching` found."""

REFUSED_IT = "PowerCode refused it"
SETTLED_BY_HAND = (RESUME, BY_HAND, WITHOUT_IT)
CUSTOMER_REFUSED = Problem("customer_refused", "PowerCode refused the customer", REFUSED_IT, (RESUME, MADE_BY_HAND))
PLAN_REFUSED = Problem("plan_refused", "PowerCode refused a plan", REFUSED_IT, SETTLED_BY_HAND, cure=CORRECT_NUMBER)
TICKET_REFUSED = Problem("ticket_refused", "PowerCode refused the ticket", REFUSED_IT, SETTLED_BY_HAND)
TAG_REFUSED = Problem("tag_refused", "PowerCode refused a tag", REFUSED_IT)
REFUSED = Problem("refused", "A call was refused", REFUSED_IT)
OUTCOME_UNKNOWN = Problem(
    "outcome_unknown", "PowerCode did not say whether it was done", "Was it created?", (IT_IS_THERE, IT_IS_NOT_THERE)
)

ONLY_THIS_ORDER = Problem(
    "only_this_order",
    "No answer, and only for this order",
    "It works, but not for this order",
    (RESUME, MADE_BY_HAND, NOBODY_LIKE_IT),
)
GIVEN_UP = Problem("given_up", "A system did not answer for too long", "Given up after 72 hours")
RESTORED = Problem("restored", "It comes from a backup", "The order comes from a backup")
PROGRAM_FAULT = Problem("program_fault", "A fault of the program", "A fault of the program")

PROBLEMS: Mapping[str, Problem] = {
    problem.code: problem
    for problem in (
        UNKNOWN_PLAN,
        PLAN_FAULT,
        CONTRACT_INCOMPLETE,
        TICKET_TEMPLATE,
        LOOK_ALIKE,
        NO_SUCH_CUSTOMER,
        CUSTOMER_REFUSED,
        PLAN_REFUSED,
        TICKET_REFUSED,
        TAG_REFUSED,
        REFUSED,
        OUTCOME_UNKNOWN,
        ONLY_THIS_ORDER,
        GIVEN_UP,
        RESTORED,
        PROGRAM_FAULT,
        *ALIKE.values(),
    )
}
"""By the code that an order keeps."""
