"""Looking for a person in PowerCode: the searches, and a customer's whole record where the decision depends on it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import powercode
from app.provisioning.applicants import Applicant
from app.provisioning.customer_search.terms import phone_term, search_terms
from app.provisioning.matching import (
    Aspect,
    Candidate,
    Comparison,
    Decision,
    Door,
    Kind,
    Mark,
    Person,
    decide,
    is_new_beside,
    kind_of,
)

MOST_READ = 10
"""How many customers' records are read. More customers resemble the person only in a house where PowerCode names no
units; the searches found each of these by what is compared, the phone number included."""
MOST_ELSEWHERE = 3
CONTACTS = (Aspect.PHONE, Aspect.MAIL)


@dataclass(frozen=True)
class LookUpResult:
    """What the look-up says: `decision` rests on all who were found, `records` are those that were read."""

    decision: Decision
    records: Mapping[str, powercode.Customer]

    def like(self) -> list[Comparison]:
        """The customers who have, or may have, the same person's account at this door, and the others at this site."""
        return [one for one in self.decision.comparisons if kind_of(one) is not Kind.NEW or one.candidate.same_site]


def person_of(applicant: Applicant) -> Person:
    """The person as they are compared."""
    return Person(
        name=applicant.name,
        email=applicant.email,
        phone=applicant.phone,
        street=applicant.street,
        city=applicant.city,
        zip=applicant.zip,
        site_id=applicant.site_id,
    )


def may_be_one(applicant: Applicant, other: Applicant) -> bool:
    """Whether the two may be one person: with an account made for `other`, `applicant` would no longer be new."""
    made = Candidate(
        customer_id="",
        name=other.name,
        address=other.street,
        city=other.city,
        zip=other.zip,
        phone=other.phone,
        email=other.email,
        site_id=other.site_id,
    )
    return not is_new_beside(person_of(applicant), made)


def look_for(client: powercode.PowerCodeClient, applicant: Applicant) -> LookUpResult:
    """Whether the applicant is a PowerCode customer already, and the customers whom the decision rests on.

    Raises what the client raises: if one search gives no answer, we can't say that the applicant is new.
    """
    look = _Look(client, applicant)
    look.read_site()
    look.search()
    decision = look.decide()
    while to_read := list(_worth_reading(decision, look.records))[: max(0, MOST_READ - len(look.records))]:
        look.read(to_read)
        decision = look.decide()
    return LookUpResult(decision, look.records)


class _Look:
    """What is known so far: what the searches told of each customer, and the records that were read."""

    def __init__(self, client: powercode.PowerCodeClient, applicant: Applicant) -> None:
        self._client = client
        self._applicant = applicant
        self._hits: dict[str, powercode.Customer] = {}
        self._by_phone: set[str] = set()
        self.records: dict[str, powercode.Customer] = {}

    def read_site(self) -> None:
        """One of the customers of the order's site, where there is one with its number."""
        site = self._applicant.site_id
        record = self._client.read_customer(ext_account_id=site)
        if record is not None:
            self.records[record.customer_id] = record.model_copy(update={"ext_account_id": site})

    def search(self) -> None:
        who = self._applicant
        for term in search_terms(who.name, who.last_name, who.phone, who.street):
            for customer in self._client.search_customers(term):
                self._hits.setdefault(customer.customer_id, customer)
                if term == phone_term(who.phone):
                    self._by_phone.add(customer.customer_id)

    def read(self, customer_ids: Iterable[str]) -> None:
        for customer_id in customer_ids:
            record = self._client.read_customer(customer_id=customer_id)
            self.records[customer_id] = _joined(record, self._hits[customer_id])

    def decide(self) -> Decision:
        """Compare the person with everybody, by all that is known by now."""
        customers = {**self._hits, **self.records}.values()
        return decide(person_of(self._applicant), [self._candidate(customer) for customer in customers])

    def _candidate(self, customer: powercode.Customer) -> Candidate:
        return Candidate(
            customer_id=customer.customer_id,
            name=customer.name,
            address=customer.address,
            city=customer.city,
            texts=(*customer.texts, *self._hidden_phone(customer)),
            same_site=customer.ext_account_id == self._applicant.site_id,
            zip=customer.zip,
            phone=customer.phone,
            email=customer.email,
            site_id=customer.ext_account_id,
            status=customer.status,
        )

    def _hidden_phone(self, customer: powercode.Customer) -> tuple[str, ...]:
        """The order's number, where the search by phone found the customer by one that PowerCode doesn't show."""
        phone, zip_code = self._applicant.phone, customer.zip or self._applicant.zip
        shown = (customer.name, customer.address, customer.city, zip_code)
        hidden = customer.customer_id in self._by_phone and not customer.phone
        return (phone,) if hidden and not any(phone_term(phone) in each for each in shown) else ()


def _joined(record: powercode.Customer | None, hit: powercode.Customer) -> powercode.Customer:
    """The record, with what only the search told. The search's answer alone if the record is missing, or another's."""
    if record is None or record.customer_id != hit.customer_id:
        return hit
    told = {name: value for name, value in hit.model_dump().items() if value and not getattr(record, name)}
    return record.model_copy(update=told)


def _worth_reading(decision: Decision, records: Collection[str]) -> Iterator[str]:
    """The customers whose record has to be read, the likeliest first; left out where the searches told enough."""
    moved = decision.elsewhere[:MOST_ELSEWHERE]
    for one in decision.comparisons:
        who = one.candidate
        if who.customer_id in records:
            continue
        told = bool(who.phone and who.email and who.status and who.zip)
        grounds = kind_of(one) is not Kind.NEW and not told
        if grounds or _may_share_a_contact(one) or (who.customer_id in moved and not who.status):
            yield who.customer_id


def _may_share_a_contact(one: Comparison) -> bool:
    """Whether a contact that is not known yet could turn somebody else into one who may be the person."""
    return one.door is not Door.ANOTHER and any(one.marks[aspect] is Mark.UNKNOWN for aspect in CONTACTS)
