"""Whether a person is a PowerCode customer already. Decides and says why; looks nothing up.

What counts, for each PowerCode customer that was found by the site or by the name:

| name      | same place                    | place not certain | elsewhere |
| --------- | ----------------------------- | ----------------- | --------- |
| same      | exists                        | review            | new       |
| similar   | review                        | review            | new       |
| another   | new; same mail or phone: review | likewise        | new       |

The same site is the same place, unless the addresses contradict it. "Exists" outweighs "review", which outweighs "new".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto

from app.provisioning.matching.addresses import nearly_same_street, normalised_address, normalised_city
from app.provisioning.matching.people import Likeness, compare_names


class Kind(StrEnum):
    """What to do: make an account, stop because there is one, or ask a person."""

    NEW = "new"
    EXISTS = "exists"
    REVIEW = "review"


class Problem(StrEnum):
    """Why a person has to decide."""

    SIMILAR_NAME = "similar_name"
    NO_NAME = "no_name"
    NO_ADDRESS = "no_address"
    UNIT_MISSING = "unit_missing"
    SIMILAR_STREET = "similar_street"
    SITE_ADDRESS_DIFFERS = "site_address_differs"
    SHARED_CONTACT = "shared_contact"


@dataclass(frozen=True, slots=True)
class Person:
    """Who ordered. `street` is the street line with its unit; fields that are not known are empty."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    street: str = field(repr=False)
    city: str = field(repr=False)
    site_id: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A PowerCode customer that might be the person.

    `address` is PowerCode's Address1, unit included. `texts` are all values of the customer's record: its field names
    for mail and phone are not certain, so they are looked for in every value. `same_site`: the customer's extAccountID
    is the order's site.
    """

    customer_id: str
    name: str = field(repr=False)
    address: str = field(repr=False)
    city: str = field(repr=False)
    texts: tuple[str, ...] = field(default=(), repr=False)
    same_site: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, with the PowerCode customers it rests on and a sentence for staff that names nobody."""

    kind: Kind
    customer_ids: tuple[str, ...]
    reason: str
    problem: Problem | None = None


class _Place(Enum):
    SAME = auto()
    ELSEWHERE = auto()
    NOT_KNOWN = auto()
    UNIT_MISSING = auto()
    SIMILAR_STREET = auto()
    SITE_ADDRESS_DIFFERS = auto()


_UNCERTAIN = {
    _Place.NOT_KNOWN: Problem.NO_ADDRESS,
    _Place.UNIT_MISSING: Problem.UNIT_MISSING,
    _Place.SIMILAR_STREET: Problem.SIMILAR_STREET,
    _Place.SITE_ADDRESS_DIFFERS: Problem.SITE_ADDRESS_DIFFERS,
}

_SENTENCES = {
    Problem.SIMILAR_NAME: "a name that is nearly the same, at what looks like the same address.",
    Problem.NO_NAME: "a name is missing, so it can't be told whether it is the same person.",
    Problem.NO_ADDRESS: "the same name, but no address to compare.",
    Problem.UNIT_MISSING: "the same name and street, but part of the unit is missing on one side.",
    Problem.SIMILAR_STREET: "the same name and house number, at a street that is written nearly the same.",
    Problem.SITE_ADDRESS_DIFFERS: "the same name and site, but the addresses differ.",
    Problem.SHARED_CONTACT: "another name at the same site or address, with the same mail address or phone number.",
}


def decide(person: Person, candidates: Sequence[Candidate]) -> Decision:
    """Whether to make an account for `person`, given all PowerCode customers found by site and by name.

    A customer may be among the candidates more than once. Empty `candidates`: new.
    """
    found = _merged(candidates)
    same = [one.customer_id for one in found if _is_the_person(person, one)]
    if same:
        return Decision(Kind.EXISTS, tuple(same), f"{_customers(same)}: the same name at the same address.")
    doubts = {one.customer_id: problem for one in found if (problem := _doubt(person, one))}
    if doubts:
        return _for_review(doubts)
    return Decision(Kind.NEW, (), _why_new(person, found))


def shares_contact(person: Person, texts: Iterable[str]) -> bool:
    """Whether the person's mail address (any case) or phone number (last 10 digits) is in one of `texts`."""
    patterns = [pattern for pattern in (_mail_pattern(person.email), _phone_pattern(person.phone)) if pattern]
    return any(pattern.search(text.casefold()) for text in texts for pattern in patterns)


def _is_the_person(person: Person, candidate: Candidate) -> bool:
    return compare_names(person.name, candidate.name) is Likeness.SAME and _place(person, candidate) is _Place.SAME


def _doubt(person: Person, candidate: Candidate) -> Problem | None:
    """Why a person must look at this customer, who is not surely the same; None when it is surely somebody else."""
    place = _place(person, candidate)
    likeness = compare_names(person.name, candidate.name)
    if likeness is Likeness.SAME:
        return _UNCERTAIN.get(place)
    here = candidate.same_site or place not in {_Place.ELSEWHERE, _Place.NOT_KNOWN}
    if likeness is Likeness.NOT_KNOWN:
        return Problem.NO_NAME if here else None
    similar = likeness is Likeness.SIMILAR
    shared = shares_contact(person, candidate.texts)
    if similar and place is not _Place.ELSEWHERE and (here or shared):
        return Problem.SIMILAR_NAME
    return Problem.SHARED_CONTACT if here and shared else None


def _place(person: Person, candidate: Candidate) -> _Place:
    ours, theirs = normalised_address(person.street), normalised_address(candidate.address)
    if not (ours.street and theirs.street):
        return _Place.SAME if candidate.same_site else _Place.NOT_KNOWN
    same_city = _same_city(person.city, candidate.city)
    unit_missing = set(ours.unit) <= set(theirs.unit) or set(theirs.unit) <= set(ours.unit)
    if same_city and ours.street == theirs.street:
        if set(ours.unit) == set(theirs.unit):
            return _Place.SAME
        return _Place.UNIT_MISSING if unit_missing else _Place.ELSEWHERE
    if same_city and unit_missing and nearly_same_street(ours, theirs):
        return _Place.SIMILAR_STREET
    return _Place.SITE_ADDRESS_DIFFERS if candidate.same_site else _Place.ELSEWHERE


def _same_city(first: str, second: str) -> bool:
    """True as well when one of them is not known."""
    one, two = normalised_city(first), normalised_city(second)
    return one == two or not one or not two


def _merged(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each customer once, with all that the searches told about it."""
    merged: dict[str, Candidate] = {}
    for one in candidates:
        first = merged.setdefault(one.customer_id, one)
        merged[one.customer_id] = replace(
            first,
            name=first.name or one.name,
            address=first.address or one.address,
            city=first.city or one.city,
            texts=first.texts + one.texts,
            same_site=first.same_site or one.same_site,
        )
    return list(merged.values())


def _mail_pattern(email: str) -> re.Pattern[str] | None:
    """Finds the whole address only: not `lind@example.com` in `ada.lind@example.com`."""
    mail = email.strip().casefold()
    return re.compile(rf"(?<![\w.+%-]){re.escape(mail)}(?![\w-]|\.\w)") if "@" in mail else None


def _phone_pattern(phone: str) -> re.Pattern[str] | None:
    """Finds the last 10 digits, however grouped, with or without the country's 1; a filler (0000000000) never."""
    digits = re.sub(r"[^0-9]", "", phone)[-10:]
    if len(digits) < 10 or len(set(digits)) == 1:
        return None
    return re.compile(r"(?<![0-9])(?:1[^0-9a-z]{0,3})?" + r"[^0-9a-z]{0,3}".join(digits) + r"(?![0-9])")


def _customers(customer_ids: Sequence[str]) -> str:
    ids = " and ".join(customer_ids)
    return f"PowerCode customer{'s' if len(customer_ids) > 1 else ''} {ids}"


def _for_review(doubts: dict[str, Problem]) -> Decision:
    by_problem: dict[Problem, list[str]] = {}
    for customer_id, problem in doubts.items():
        by_problem.setdefault(problem, []).append(customer_id)
    sentences = [f"{_customers(ids)}: {_SENTENCES[problem]}" for problem, ids in by_problem.items()]
    return Decision(Kind.REVIEW, tuple(doubts), " ".join(sentences), next(iter(by_problem)))


def _why_new(person: Person, found: Sequence[Candidate]) -> str:
    namesakes = [one.customer_id for one in found if compare_names(person.name, one.name) is Likeness.SAME]
    neighbours = [one.customer_id for one in found if one.same_site and one.customer_id not in namesakes]
    notes = ["No PowerCode customer has this name at this address."]
    if namesakes:
        notes.append(f"{_customers(namesakes)}: the same name at another address.")
    if neighbours:
        notes.append(f"{_customers(neighbours)}: another person at the same site ({person.site_id}).")
    return " ".join(notes)
