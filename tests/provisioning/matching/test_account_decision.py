import json
import string
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.matching import (
    STREET_LINE,
    Aspect,
    Candidate,
    Door,
    Identity,
    Kind,
    Mark,
    MatchProblem,
    Person,
    compare,
    decide,
    is_new_beside,
)
from app.provisioning.matching.comparison import Comparison

STREET = "12 N EXAMPLE AVENUE"
MAIL = "ada.lind@example.com"
PHONE = "4065550143"
PHONE_AS_STORED = json.dumps([{"Type": "Home", "Number": PHONE}])


def a_person(**known: Any) -> Person:
    known = {"name": "Ada Lind", "street": STREET, "city": "Bozeman", "zip": "59715"} | known
    return Person(**{"email": MAIL, "phone": PHONE, "site_id": "714780"} | known)


def a_candidate(customer_id: str = "101", **known: Any) -> Candidate:
    known = {"name": "Ada Lind", "address": STREET, "city": "Bozeman"} | known
    return Candidate(customer_id, **known | {"texts": tuple(known.get("texts", ()))})


def beside(person: Person, texts: Sequence[str]) -> Comparison:
    """The person beside a customer whose record has these texts."""
    return compare(person, [a_candidate(texts=texts)])[0]


def shares_contact(comparison: Comparison) -> bool:
    return Mark.AGREES in (comparison.marks[Aspect.PHONE], comparison.marks[Aspect.MAIL])


def kind_of(person: Person, *candidates: Candidate) -> Kind:
    kind = decide(person, candidates).kind
    assert len(candidates) != 1 or is_new_beside(person, candidates[0]) == (kind is Kind.NEW)
    return kind


def test_a_person_nobody_knows_is_new() -> None:
    decision = decide(a_person(), [])
    assert (decision.kind, decision.customer_ids, decision.problem) == (Kind.NEW, (), None)
    assert decision.reason == "No PowerCode customer has this name at this address."


@pytest.mark.parametrize(
    "candidate",
    [
        a_candidate(),
        a_candidate(address="12 North Example Av."),
        a_candidate(city="BOZEMAN, MT 59715"),
        a_candidate(name="Lind, Ada"),
        a_candidate(address="", city="", same_site=True),
    ],
    ids=["as ordered", "spelt otherwise", "town with state and ZIP", "last name first", "same site, no address"],
)
def test_the_same_person_at_the_same_address_is_there_already(candidate: Candidate) -> None:
    decision = decide(a_person(), [candidate])
    assert (decision.kind, decision.customer_ids, decision.problem) == (Kind.EXISTS, ("101",), None)
    assert "101" in decision.reason


def test_the_same_name_in_two_apartments_is_two_customers() -> None:
    person = a_person(street=f"{STREET} APT 4")
    assert kind_of(person, a_candidate(address=f"{STREET} APT 5")) == Kind.NEW
    assert kind_of(person, a_candidate(address=f"{STREET} APT 5", same_site=True)) == Kind.NEW
    assert kind_of(person, a_candidate(address=f"{STREET} UNIT 4")) == Kind.EXISTS


@pytest.mark.parametrize(
    "candidate",
    [
        a_candidate(address="98 W OTHER ST"),
        a_candidate(address="14 N EXAMPLE AVENUE"),
        a_candidate(address="12 S EXAMPLE AVENUE"),
        a_candidate(city="Belgrade", zip="59714"),
        a_candidate(address="98 W OTHER ST", texts=[MAIL, PHONE_AS_STORED]),
    ],
    ids=["another street", "another number", "another direction", "another city", "same mail and phone"],
)
def test_a_second_home_gets_its_own_account(candidate: Candidate) -> None:
    decision = decide(a_person(), [candidate])
    assert (decision.kind, decision.customer_ids) == (Kind.NEW, ())
    assert "101: the same name at another address" in decision.reason


def test_a_new_tenant_gets_an_account_of_his_own() -> None:
    tenant = a_candidate(name="Bo Holm", texts=["bo@example.com", "4065550199"], same_site=True)
    decision = decide(a_person(), [tenant])
    assert decision.kind == Kind.NEW
    assert "101: another person at the same site (714780)" in decision.reason


@pytest.mark.parametrize("text", [MAIL.upper(), PHONE_AS_STORED, "+1 (406) 555-0143"])
@pytest.mark.parametrize("found", [{"same_site": True}, {"address": STREET}, {"address": "", "same_site": True}])
def test_another_name_with_the_same_mail_or_phone_at_the_site_is_for_a_person_to_decide(
    text: str, found: dict[str, Any]
) -> None:
    decision = decide(a_person(), [a_candidate(name="Bo Holm", texts=["1", text], **found)])
    assert (decision.kind, decision.problem) == (Kind.REVIEW, MatchProblem.SHARED_CONTACT)


def test_another_name_with_the_same_mail_surely_somewhere_else_is_another_person() -> None:
    assert kind_of(a_person(), a_candidate(name="Bo Holm", address="98 W OTHER ST", texts=[MAIL])) == Kind.NEW
    assert kind_of(a_person(), a_candidate(name="Bo Holm", address="", texts=[MAIL])) == Kind.REVIEW


@pytest.mark.parametrize(
    ("candidate", "problem"),
    [
        (a_candidate(name="Ada Lindt"), MatchProblem.SIMILAR_NAME),
        (a_candidate(name="Ada Lidn"), MatchProblem.SIMILAR_NAME),
        (a_candidate(name="Ada M Lind"), MatchProblem.SIMILAR_NAME),
        (a_candidate(name="Ada Lind Jr."), MatchProblem.SIMILAR_NAME),
        (a_candidate(name="A. Lind"), MatchProblem.SIMILAR_NAME),
        (a_candidate(name="Ada Lindt", address=f"{STREET} APT 4"), MatchProblem.SIMILAR_NAME),
        (a_candidate(name="Ada Lindt", address="", same_site=True), MatchProblem.SIMILAR_NAME),
        (a_candidate(name="Ada Lindt", address="", texts=[MAIL]), MatchProblem.SIMILAR_NAME),
        (a_candidate(name=""), MatchProblem.NO_NAME),
        (a_candidate(name="", address="98 W OTHER ST", same_site=True), MatchProblem.NO_NAME),
        (a_candidate(address=""), MatchProblem.NO_ADDRESS),
        (a_candidate(address=f"{STREET} APT 4"), MatchProblem.UNIT_MISSING),
        (a_candidate(address=f"{STREET} #4", same_site=True), MatchProblem.UNIT_MISSING),
        (a_candidate(address="12 EXAMPLE AVE"), MatchProblem.SIMILAR_STREET),
        (a_candidate(address="12 N EXAMPEL AVE"), MatchProblem.SIMILAR_STREET),
        (a_candidate(address="98 W OTHER ST", same_site=True), MatchProblem.SITE_ADDRESS_DIFFERS),
        (a_candidate(city="Provo", same_site=True), MatchProblem.SITE_ADDRESS_DIFFERS),
        (a_candidate(city=""), MatchProblem.SIMILAR_TOWN),
        (a_candidate(city="Belgrade"), MatchProblem.SIMILAR_TOWN),
        (a_candidate(zip="59718"), MatchProblem.SIMILAR_TOWN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_near_duplicate_is_not_guessed(candidate: Candidate, problem: MatchProblem) -> None:
    decision = decide(a_person(), [candidate])
    assert (decision.kind, decision.problem, decision.customer_ids) == (Kind.REVIEW, problem, ("101",))
    assert "101" in decision.reason


def test_a_unit_on_the_orders_side_alone_is_not_guessed_either() -> None:
    assert decide(a_person(street=f"{STREET} APT 4"), [a_candidate()]).problem == MatchProblem.UNIT_MISSING


def test_a_building_that_only_one_side_names_is_not_guessed() -> None:
    person = a_person(street=f"{STREET} BLDG 2 APT 4")
    assert decide(person, [a_candidate(address=f"{STREET} APT 4")]).problem == MatchProblem.UNIT_MISSING


@pytest.mark.parametrize("address", ["98 W OTHER ST", f"{STREET} APT 5"])
def test_a_similar_name_somewhere_else_is_another_person(address: str) -> None:
    assert kind_of(a_person(street=f"{STREET} APT 4"), a_candidate(name="Ada Lindt", address=address)) == Kind.NEW


NEIGHBOURS = [
    "Bo Lind",
    "Cy Lind",
    "Dora Lind",
    "Emil Lind",
    "Fay Lind",
    "Gus Lind",
    "Hedy Lind",
    "Ivo Lind",
    "Jo Lind",
]


@pytest.mark.parametrize("name", [*NEIGHBOURS, "Ada Holm", "Bo Holm", "Acme LLC"])
def test_a_family_neighbours_and_tenants_with_names_of_their_own_stop_nobody(name: str) -> None:
    """At the same door, in another unit, without a unit, and down the street."""
    person = a_person(street=f"{STREET} APT 4")
    addresses = [f"{STREET} APT 4", f"{STREET} APT 5", STREET, "14 N EXAMPLE AVENUE", ""]
    found = [a_candidate(str(number), name=name, address=address) for number, address in enumerate(addresses)]
    decision = decide(person, found)
    assert (decision.kind, decision.customer_ids, decision.elsewhere) == (Kind.NEW, (), ())


def test_new_people_of_one_surname_in_one_street_all_get_accounts() -> None:
    names = ["Ada Lind", *NEIGHBOURS, "Kai Lind"]
    customers: list[Candidate] = []
    for number, name in enumerate(names):
        street = f"{100 + 2 * number} N EXAMPLE AVENUE"
        assert kind_of(a_person(name=name, street=street, email="", phone=""), *customers) == Kind.NEW
        customers.append(a_candidate(str(number), name=name, address=street))


@pytest.mark.parametrize(
    ("name", "contact", "address", "kind"),
    [
        ("Ada Lind", "", STREET, Kind.EXISTS),
        ("Ada Lind", "", "12 EXAMPLE AVENUE", Kind.REVIEW),
        ("Ada Lind", "", "98 W OTHER ST", Kind.NEW),
        ("A Lind", "", STREET, Kind.REVIEW),
        ("A Lind", "", "12 EXAMPLE AVENUE", Kind.REVIEW),
        ("A Lind", "", "98 W OTHER ST", Kind.NEW),
        ("Bo Holm", MAIL, STREET, Kind.REVIEW),
        ("Bo Holm", PHONE, "12 EXAMPLE AVENUE", Kind.REVIEW),
        ("Bo Holm", PHONE, "98 W OTHER ST", Kind.NEW),
        ("Bo Holm", "", STREET, Kind.NEW),
        ("Bo Holm", "", "12 EXAMPLE AVENUE", Kind.NEW),
        ("Bo Holm", "", "98 W OTHER ST", Kind.NEW),
    ],
)
def test_each_pair_of_person_and_door_is_decided_as_the_table_says(
    name: str, contact: str, address: str, kind: Kind
) -> None:
    assert kind_of(a_person(), a_candidate(name=name, address=address, texts=[contact])) == kind


def test_two_accounts_of_one_person_at_one_address_are_both_named() -> None:
    decision = decide(a_person(), [a_candidate("101"), a_candidate("102", address="12 N EXAMPLE AVE")])
    assert (decision.kind, decision.customer_ids) == (Kind.EXISTS, ("101", "102"))
    assert "customers 101 and 102" in decision.reason


def test_an_account_that_exists_outweighs_a_doubt_and_a_doubt_outweighs_a_second_home() -> None:
    there, doubt, elsewhere = a_candidate("101"), a_candidate("102", address=""), a_candidate("103", city="Provo")
    assert decide(a_person(), [elsewhere, doubt, there]).customer_ids == ("101",)
    assert decide(a_person(), [elsewhere, doubt]).customer_ids == ("102",)
    assert kind_of(a_person(), elsewhere) == Kind.NEW


def test_a_customer_is_shown_beside_the_person() -> None:
    person = a_person(street=f"{STREET} APT 4")
    elsewhere = a_candidate("102", address="14 N EXAMPLE AVENUE", city="Provo", name="Bo Holm")
    doubt = a_candidate("101", texts=[PHONE_AS_STORED], email="bo@example.com")
    decision = decide(person, [elsewhere, doubt])
    assert [one.candidate.customer_id for one in decision.comparisons] == ["101", "102"]
    first, second = decision.comparisons
    assert (first.identity, first.door, shares_contact(first)) == (Identity.SAME, Door.NOT_CERTAIN, True)
    assert (second.identity, second.door, shares_contact(second)) == (Identity.SOMEBODY_ELSE, Door.ANOTHER, False)
    assert list(first.marks) == list(Aspect)
    assert {first.marks[one] for one in STREET_LINE if one is not Aspect.UNIT} == {Mark.AGREES}
    assert (first.marks[Aspect.UNIT], first.mark(*STREET_LINE)) == (Mark.UNKNOWN, Mark.UNKNOWN)
    assert (first.marks[Aspect.MAIL], first.marks[Aspect.SITE]) == (Mark.DIFFERS, Mark.UNKNOWN)
    assert (second.marks[Aspect.NAME], second.marks[Aspect.TOWN]) == (Mark.DIFFERS, Mark.DIFFERS)


def test_the_same_person_at_surely_another_door_is_named_for_the_notice() -> None:
    decision = decide(a_person(), [a_candidate("101", address="14 N EXAMPLE AVENUE"), a_candidate("102", name="Bo")])
    assert (decision.kind, decision.elsewhere) == (Kind.NEW, ("101",))


def test_several_doubts_are_all_named() -> None:
    decision = decide(a_person(), [a_candidate("101", address=""), a_candidate("102", name="Ada Lindt")])
    assert decision.customer_ids == ("101", "102")
    assert "101" in decision.reason
    assert "102" in decision.reason


def test_a_customer_found_by_the_site_and_by_name_is_one_customer() -> None:
    by_site = a_candidate(name="", address="", city="", texts=[MAIL], same_site=True)
    assert decide(a_person(), [by_site, a_candidate()]).customer_ids == ("101",)
    assert kind_of(a_person(), by_site, a_candidate(name="Bo Holm")) == Kind.REVIEW


@pytest.mark.parametrize(
    "candidate", [a_candidate(), a_candidate(name="Ada Lindt"), a_candidate(address=""), a_candidate(city="Belgrade")]
)
def test_nobody_is_named_in_a_reason_or_in_a_log(candidate: Candidate) -> None:
    person = a_person()
    shown = decide(person, [candidate]).reason + repr(person) + repr(candidate)
    assert not any(word in shown for word in ("Ada", "Lind", "EXAMPLE", MAIL, PHONE, "Bozeman", "Belgrade"))


@pytest.mark.parametrize(
    ("texts", "shared"),
    [
        (["ADA.LIND@Example.com "], True),
        (["mail: ada.lind@example.com, bo@example.com"], True),
        (["Contact ada.lind@example.com."], True),
        (["not.ada.lind@example.com"], False),
        (["ada.lind@example.com.invalid"], False),
        ([PHONE_AS_STORED], True),
        (["14065550143"], True),
        (["+1 406 555 0143"], True),
        (["406.555.0143 4065550199"], True),
        (["24065550143"], False),
        (["40655501430"], False),
        (["406", "5550143"], False),
        ([], False),
    ],
)
def test_mail_and_phone_are_found_in_any_field(texts: list[str], shared: bool) -> None:
    assert shares_contact(beside(a_person(), texts)) is shared


@pytest.mark.parametrize("phone", ["406-555-0143 x12", "(406) 555-0143 ext. 12", "+1 406 555 0143 #12", "406.555.0143"])
def test_an_extension_or_a_country_is_not_the_phone_number(phone: str) -> None:
    assert shares_contact(beside(a_person(email="", phone=phone), [PHONE_AS_STORED]))


@pytest.mark.parametrize("phone", ["", "5550143", "0000000000", "None"])
def test_a_phone_number_that_is_none_matches_nobody(phone: str) -> None:
    assert not shares_contact(beside(a_person(email="", phone=phone), ["", "0000000000", "5550143", "None"]))


WORDS = st.text(string.ascii_lowercase, min_size=3, max_size=9).map(str.title)
NAMES = st.builds("{} {}".format, WORDS, WORDS)


@given(NAMES, st.data())
def test_a_misspelt_name_at_the_same_address_never_becomes_a_second_account(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("abcxyz"))
    misspelt = data.draw(st.sampled_from([name[:at] + letter + name[at:], name[:at] + letter + name[at + 1 :]]))
    assert kind_of(a_person(name=name), a_candidate(name=misspelt)) != Kind.NEW


@given(NAMES, st.sampled_from([str.upper, str.lower, str.title]), st.sampled_from([" ", "  "]))
def test_case_and_blanks_of_a_name_never_make_a_second_account(
    name: str, recase: Callable[[str], str], blank: str
) -> None:
    assert kind_of(a_person(name=name), a_candidate(name=recase(name).replace(" ", blank))) == Kind.EXISTS


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.booleans())
def test_any_record_of_powercode_leads_to_a_decision(name: str, address: str, text: str, same_site: bool) -> None:
    decision = decide(a_person(), [a_candidate(name=name, address=address, texts=[text], same_site=same_site)])
    assert (decision.kind == Kind.NEW) == (not decision.customer_ids)
    assert (decision.kind == Kind.REVIEW) == (decision.problem is not None)
