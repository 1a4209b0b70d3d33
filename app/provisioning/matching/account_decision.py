"""Whether to make an account, given the customers that were found. Decides and says why; looks nothing up.

| | same door | not certain | surely another door |
| --- | --- | --- | --- |
| same person | exists | review | new; the notice names the other customer |
| may be | review | review | new |
| surely somebody else | new | new | new |

The burden of proof is on "new": what the rules for persons and doors don't know is "may be" and "not certain".
"Exists" outweighs "review", which outweighs "new".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.provisioning.matching.comparison import Candidate, Comparison, Person, compare, is_somebody_else
from app.provisioning.matching.comparison_marks import STREET_LINE, Aspect, Mark
from app.provisioning.matching.doors import Door, has_street
from app.provisioning.matching.names import Identity, is_name


class Kind(StrEnum):
    """What to do: make an account, stop because there is one, or ask a person."""

    NEW = "new"
    EXISTS = "exists"
    REVIEW = "review"


class MatchProblem(StrEnum):
    """Why a person has to decide."""

    SIMILAR_NAME = "similar_name"
    NO_NAME = "no_name"
    NO_ADDRESS = "no_address"
    UNIT_MISSING = "unit_missing"
    SIMILAR_STREET = "similar_street"
    SIMILAR_TOWN = "similar_town"
    SITE_ADDRESS_DIFFERS = "site_address_differs"
    SHARED_CONTACT = "shared_contact"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, with the PowerCode customers it rests on and a sentence for staff that names nobody.

    `comparisons` has every customer that was found, those it rests on first. `elsewhere` are the customers who are the
    same person at surely another door: a second home, or a move.
    """

    kind: Kind
    customer_ids: tuple[str, ...]
    reason: str
    problem: MatchProblem | None = None
    comparisons: tuple[Comparison, ...] = ()
    elsewhere: tuple[str, ...] = ()


_TABLE: Mapping[tuple[Identity, Door], Kind] = {
    (Identity.SAME, Door.SAME): Kind.EXISTS,
    (Identity.SAME, Door.NOT_CERTAIN): Kind.REVIEW,
    (Identity.MAY_BE, Door.SAME): Kind.REVIEW,
    (Identity.MAY_BE, Door.NOT_CERTAIN): Kind.REVIEW,
}
"""All other pairs are NEW."""

_SENTENCES = {
    MatchProblem.SIMILAR_NAME: "a name that is nearly the same, at what looks like the same address.",
    MatchProblem.NO_NAME: "a name is missing, so it can't be told whether it is the same person.",
    MatchProblem.NO_ADDRESS: "the same name, but no address to compare.",
    MatchProblem.UNIT_MISSING: "the same name and street, but part of the unit is missing on one side.",
    MatchProblem.SIMILAR_STREET: "the same name, at a street that is written so that it may be the same address.",
    MatchProblem.SIMILAR_TOWN: (
        "the same name and street, but the town and the ZIP don't tell whether it is the same place."
    ),
    MatchProblem.SITE_ADDRESS_DIFFERS: "the same name and site, but the addresses differ.",
    MatchProblem.SHARED_CONTACT: (
        "another name at what may be the same address, with the same mail address or phone number."
    ),
}


def decide(person: Person, candidates: Sequence[Candidate]) -> Decision:
    """Whether to make an account for `person`, given all PowerCode customers that the searches found.

    A customer may be among the candidates more than once. Empty `candidates`: new.
    """
    found = compare(person, _merged(candidates))
    kind = max((kind_of(one) for one in found), key=_WEIGHTS.__getitem__, default=Kind.NEW)
    grounds = [] if kind is Kind.NEW else [one for one in found if kind_of(one) is kind]
    rest = [one for one in found if one not in grounds]
    return Decision(
        kind=kind,
        customer_ids=_ids(grounds),
        reason=_reason(kind, person, grounds, found),
        problem=_problem(person, grounds[0]) if kind is Kind.REVIEW else None,
        comparisons=(*grounds, *sorted(rest, key=_unlikeness)),
        elsewhere=_ids(one for one in found if one.identity is Identity.SAME and one.door is Door.ANOTHER),
    )


def is_new_beside(person: Person, candidate: Candidate) -> bool:
    """Whether `decide` says "new" with this customer alone. Most people are told apart by name, with less to read."""
    return is_somebody_else(person, candidate) or decide(person, [candidate]).kind is Kind.NEW


def kind_of(one: Comparison) -> Kind:
    """What this customer alone means for the order."""
    return _TABLE.get((one.identity, one.door), Kind.NEW)


_WEIGHTS = {Kind.NEW: 0, Kind.REVIEW: 1, Kind.EXISTS: 2}


def _unlikeness(one: Comparison) -> tuple[int, int]:
    return list(Identity).index(one.identity), list(Door).index(one.door)


def _problem(person: Person, one: Comparison) -> MatchProblem:
    """Why a person must look at this customer."""
    if one.identity is Identity.SAME:
        return _problem_of_door(one)
    if not is_name(person.name) or not is_name(one.candidate.name):
        return MatchProblem.NO_NAME
    return MatchProblem.SHARED_CONTACT if one.marks[Aspect.NAME] is Mark.DIFFERS else MatchProblem.SIMILAR_NAME


def _problem_of_door(one: Comparison) -> MatchProblem:
    marks = one.marks
    if one.mark(*STREET_LINE, Aspect.TOWN, Aspect.ZIP) is Mark.DIFFERS and one.candidate.same_site:
        return MatchProblem.SITE_ADDRESS_DIFFERS
    if not has_street(one.candidate.address):
        return MatchProblem.NO_ADDRESS
    unclear = [aspect for aspect in STREET_LINE if marks[aspect] is not Mark.AGREES]
    if not unclear:
        return MatchProblem.SIMILAR_TOWN
    return MatchProblem.UNIT_MISSING if unclear == [Aspect.UNIT] else MatchProblem.SIMILAR_STREET


def _merged(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each customer once, with all that the searches told about it."""
    merged: dict[str, Candidate] = {}
    for one in candidates:
        first = merged.setdefault(one.customer_id, one)
        if first is not one:
            merged[one.customer_id] = _joined(first, one)
    return list(merged.values())


def _joined(first: Candidate, other: Candidate) -> Candidate:
    return replace(
        first,
        name=first.name or other.name,
        address=first.address or other.address,
        city=first.city or other.city,
        texts=first.texts + other.texts,
        same_site=first.same_site or other.same_site,
        zip=first.zip or other.zip,
        phone=first.phone or other.phone,
        email=first.email or other.email,
        site_id=first.site_id or other.site_id,
        status=first.status or other.status,
    )


def _ids(comparisons: Iterable[Comparison]) -> tuple[str, ...]:
    return tuple(one.candidate.customer_id for one in comparisons)


def _customers(customer_ids: Sequence[str]) -> str:
    ids = " and ".join(customer_ids)
    return f"PowerCode customer{'s' if len(customer_ids) > 1 else ''} {ids}"


def _reason(kind: Kind, person: Person, grounds: Sequence[Comparison], found: Sequence[Comparison]) -> str:
    match kind:
        case Kind.EXISTS:
            return f"{_customers(_ids(grounds))}: the same name at the same address."
        case Kind.REVIEW:
            return _why_review(person, grounds)
    return _why_new(person, found)


def _why_review(person: Person, grounds: Sequence[Comparison]) -> str:
    by_problem: dict[MatchProblem, list[Comparison]] = {}
    for one in grounds:
        by_problem.setdefault(_problem(person, one), []).append(one)
    return " ".join(f"{_customers(_ids(those))}: {_SENTENCES[problem]}" for problem, those in by_problem.items())


def _why_new(person: Person, found: Sequence[Comparison]) -> str:
    namesakes = [one for one in found if one.identity is Identity.SAME]
    neighbours = [one for one in found if one.candidate.same_site and one.identity is not Identity.SAME]
    notes = ["No PowerCode customer has this name at this address."]
    if namesakes:
        notes.append(f"{_customers(_ids(namesakes))}: the same name at another address.")
    if neighbours:
        notes.append(f"{_customers(_ids(neighbours))}: another person at the same site ({person.site_id}).")
    return " ".join(notes)
