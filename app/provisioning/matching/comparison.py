"""The person of an order beside PowerCode's customers: what agrees, what differs, what can't be told."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.provisioning.matching.comparison_marks import Aspect, Mark, overall
from app.provisioning.matching.doors import Door, Place, compare_doors
from app.provisioning.matching.names import Identity, compare_names

_EXTENSION = re.compile(r"(?:e?xt?(?:ension)?\.?|#)\s*\d{1,6}\s*$", re.IGNORECASE)
_NO_DIGIT = re.compile(r"[^0-9]+")
_GAP = "[^0-9a-z]{0,3}"
_ANY_NUMBER = re.compile(rf"(?<![0-9])(?:1{_GAP})?[0-9](?:{_GAP}[0-9]){{9}}(?![0-9])")
_APART = "\n" * 4
"""Between two texts: no number goes on over so many characters, and no address over one."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who ordered. `street` is the street line with its unit; fields that are not known are empty."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    street: str = field(repr=False)
    city: str = field(repr=False)
    site_id: str
    zip: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A PowerCode customer that might be the person. What PowerCode's answers don't hold is "".

    `address` is PowerCode's Address1, unit included. `texts` are all values of the customer's record: its field names
    for mail and phone are not certain, so they are looked for in every value. `same_site`: the customer's extAccountID
    (`site_id`) is the order's site. `status` is for people to read, as `phone` and `email` are beside being compared.
    """

    customer_id: str
    name: str = field(repr=False)
    address: str = field(repr=False)
    city: str = field(repr=False)
    texts: tuple[str, ...] = field(default=(), repr=False)
    same_site: bool = False
    zip: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    site_id: str = ""
    status: str = ""


@dataclass(frozen=True)
class Comparison:
    """A customer beside the person. `marks` has every aspect, in the order in which people read it, as plain JSON."""

    candidate: Candidate
    identity: Identity
    door: Door
    marks: Mapping[Aspect, Mark]

    def mark(self, *aspects: Aspect) -> Mark:
        """One mark for several aspects: `mark(*STREET_LINE)`."""
        return overall(self.marks[aspect] for aspect in aspects)


def compare(person: Person, candidates: Iterable[Candidate]) -> list[Comparison]:
    """The person beside each customer, in the same order."""
    if not (candidates := list(candidates)):  # as for most people who are new
        return []
    ours = Place.read(person.street, person.city, person.zip)
    contacts = _contacts_of(person)
    return [_compared(person, ours, contacts, candidate) for candidate in candidates]


def is_somebody_else(person: Person, candidate: Candidate) -> bool:
    """Whether name and contacts say that a customer is surely somebody else; then no address needs to be read."""
    if compare_names(person.name, candidate.name) is not Identity.SOMEBODY_ELSE:
        return False
    return Mark.AGREES not in _contact_marks(_contacts_of(person), candidate).values()


def _compared(person: Person, ours: Place, contacts: Mapping[Aspect, str], candidate: Candidate) -> Comparison:
    theirs = Place.read(candidate.address, candidate.city, candidate.zip)
    door, address = compare_doors(ours, theirs, same_site=candidate.same_site)
    named = compare_names(person.name, candidate.name)
    contact = _contact_marks(contacts, candidate)
    marks = {Aspect.NAME: _NAME_MARKS[named], **contact, **address, Aspect.SITE: _site(candidate)}
    may_be = named is Identity.SOMEBODY_ELSE and Mark.AGREES in contact.values()
    return Comparison(candidate, Identity.MAY_BE if may_be else named, door, {one: marks[one] for one in Aspect})


_NAME_MARKS = {
    Identity.SAME: Mark.AGREES,
    Identity.MAY_BE: Mark.UNKNOWN,
    Identity.SOMEBODY_ELSE: Mark.DIFFERS,
}


def _contacts_of(person: Person) -> Mapping[Aspect, str]:
    return {Aspect.PHONE: _number(person.phone), Aspect.MAIL: _mail(person.email)}


def _contact_marks(contacts: Mapping[Aspect, str], candidate: Candidate) -> Mapping[Aspect, Mark]:
    shown = {Aspect.PHONE: candidate.phone, Aspect.MAIL: candidate.email}
    texts = _APART.join((*candidate.texts, candidate.phone, candidate.email)).casefold()
    return {aspect: _contact(one, texts, shown[aspect]) for aspect, one in contacts.items()}


def _contact(ours: str, texts: str, shown: str) -> Mark:
    if ours and _stands_in(texts, ours):
        return Mark.AGREES
    return Mark.DIFFERS if ours and shown else Mark.UNKNOWN


def _stands_in(text: str, contact: str) -> bool:
    """Whether a number or an address is in a text; a pattern is built only where its characters are."""
    if "@" in contact:
        return contact in text and _mail_pattern(contact).search(text) is not None
    if contact not in _NO_DIGIT.sub("", text):
        return False
    if any(_NO_DIGIT.sub("", number)[-10:] == contact for number in _ANY_NUMBER.findall(text)):
        return True  # without a pattern of its own, which takes as long to build as all else that is compared
    return _phone_pattern(contact).search(text) is not None


def _site(candidate: Candidate) -> Mark:
    if candidate.same_site:
        return Mark.AGREES
    return Mark.DIFFERS if candidate.site_id else Mark.UNKNOWN


def _mail(email: str) -> str:
    """The address as it is compared, or nothing."""
    mail = email.strip().casefold()
    return mail if "@" in mail else ""


def _mail_pattern(mail: str) -> re.Pattern[str]:
    """Finds the whole address only: not `lind@example.com` in `ada.lind@example.com`."""
    return re.compile(rf"(?<![\w.+%-]){re.escape(mail)}(?![\w-]|\.\w)")


def phone_digits(phone: str) -> str:
    """The last 10 digits of a phone number, without an extension: `+1 (406) 555-0143 ext. 12` -> `4065550143`."""
    return _NO_DIGIT.sub("", _EXTENSION.sub("", phone))[-10:]


def _number(phone: str) -> str:
    """The number's digits, or nothing: a filler (0000000000) is none."""
    digits = phone_digits(phone)
    return digits if len(digits) == 10 and len(set(digits)) > 1 else ""


def _phone_pattern(digits: str) -> re.Pattern[str]:
    """Finds the number, however grouped, with or without the country's 1."""
    return re.compile(rf"(?<![0-9])(?:1{_GAP})?{_GAP.join(digits)}(?![0-9])")
