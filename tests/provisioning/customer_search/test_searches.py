"""Looking for a person through the real client and a PowerCode that takes each search as it is written."""

from collections.abc import Iterator
from typing import Any

import pytest

import powercode
from app.provisioning.applicants import Applicant
from app.provisioning.customer_search import LookUpResult, look_for
from app.provisioning.matching import Kind, MatchProblem
from sandbox import PowerCode
from sandbox.accounts import Customer

DOOR = "1940 E 5625 S"
EVERYTHING = ("phone", "mail", "zip", "site", "status")
SEARCHES = 4


@pytest.fixture
def server() -> Iterator[PowerCode]:
    server = PowerCode()
    server.up()
    yield server
    server.stop()


def an_applicant(name: str = "Ada Lind", street: str = DOOR, **other: str) -> Applicant:
    first, _, last = name.partition(" ")
    fields = {
        "email": "ada.lind@example.com",
        "phone": "4065550143",
        "city": "Salt Lake City",
        "state": "UT",
        "zip": "84117",
        "site_id": "714780",
        "terms_agreed_on": "",
    }
    return Applicant(first_name=first, last_name=last, street=street, **{**fields, **other})


def typed_in(server: PowerCode, name: str = "Grace Moe", street: str = DOOR, **other: str) -> Customer:
    """A customer whom somebody typed in, with contacts that are nobody else's."""
    number = len(server.customers)
    fields = {"emailAddress": f"c{number}@example.com", "phone": f"(406) 555-02{number % 100:02}"}
    place = {"physicalStreet": street, "physicalCity": "Salt Lake City", "physicalState": "UT", "physicalZip": "84117"}
    return server.add_customer(**{"companyName": name, **fields, **place, **other})


def look(server: PowerCode, applicant: Applicant | None = None) -> LookUpResult:
    with powercode.PowerCodeClient(server.api_url, server.uapi_url, server.api_key) as client:
        return look_for(client, applicant or an_applicant())


def found_ids(found: LookUpResult) -> set[int]:
    return {int(one.candidate.customer_id) for one in found.decision.comparisons}


PAIRS = [
    ("Ada Lind", "9258 So 3090 W", "Ada Lind", "9258 SOUTH 3090 WEST"),
    ("Ada Lind", "1991S 900 E", "Ada Lind", "1991 S 900 E"),
    ("Ada Lind", "401 N HWY 89", "Ada Lind", "401 N US 89"),
    ("ADA LIND", "222 N 1200 W TRLR 44", "Ada Lind", "222 N 1200 W Trailer #44"),
    ("Ada Lind", "123½ S Main St", "Ada Lind", "123 1/2 S Main St"),
    ("Ada Lind", "PO BOX 342", "Ada Lind", "P.O. Box 342"),
    ("Ada Lind", DOOR, "Lind, Ada", DOOR),
    ("Robert Lind", DOOR, "Bob Lind", DOOR),
    ("Maria De La Cruz", DOOR, "Maria DeLaCruz", DOOR),
    ("Ana Garcia-Lopez", DOOR, "Ana Garcia", DOOR),
    ("José Muñoz", DOOR, "Jose Munoz", DOOR),
    ("Sean O'Brien", DOOR, "Sean O Brien", DOOR),
    ("Ian MacDonald", "1940 E Ridge La", "Ian McDonald", "1940 E Ridge Ln"),
    ("Jürgen Müller", DOOR, "Juergen Mueller", "1940 East 5625 South"),
    ("Ngọc Nguyễn", DOOR, "Ngoc Nguyen", "1940 East 5625 So."),
]


@pytest.mark.parametrize("folds", [False, True])
@pytest.mark.parametrize("pair", PAIRS, ids=" | ".join)
def test_a_customer_typed_in_by_hand_comes_up(server: PowerCode, folds: bool, pair: tuple[str, ...]) -> None:
    name, street, their_name, their_street = pair
    server.search_folds = folds
    known = typed_in(server, their_name, their_street)
    typed_in(server, "Somebody Else", "48 OLD MILL ROAD")

    assert found_ids(look(server, an_applicant(name, street))) == {known.customer_id}


@pytest.mark.parametrize("phone", ["4065550143", "(406) 555-0143", "406.555.0143"])
@pytest.mark.parametrize("tells", [(), EVERYTHING])
def test_somebody_with_another_name_is_known_by_their_phone(
    server: PowerCode, phone: str, tells: tuple[str, ...]
) -> None:
    server.search_tells = server.record_tells = tells
    known = typed_in(server, "Cleo Strand", phone=phone)

    decision = look(server).decision

    assert (decision.kind, decision.problem) == (Kind.REVIEW, MatchProblem.SHARED_CONTACT)
    assert decision.customer_ids == (str(known.customer_id),)


def test_somebody_with_another_name_is_known_by_their_mail(server: PowerCode) -> None:
    typed_in(server, "Cleo Strand", emailAddress="ADA.LIND@example.com")

    assert look(server).decision.problem is MatchProblem.SHARED_CONTACT


def test_a_number_that_is_part_of_the_address_is_no_phone(server: PowerCode) -> None:
    server.search_tells = server.record_tells = ()
    typed_in(server, "Grace Moe")

    assert look(server, an_applicant(phone="4065551940")).decision.kind is Kind.NEW
    assert look(server, an_applicant(phone="4065558411")).decision.kind is Kind.NEW


def test_an_ordinary_order_asks_five_times(server: PowerCode) -> None:
    for number in range(10):
        typed_in(server, f"Bo{number} Lind", f"{2000 + number} E 5625 S")
        typed_in(server, f"Cleo Moe{number}", f"19{number} S 1940 E")

    assert look(server).decision.kind is Kind.NEW
    assert (server.count("readCustomer"), server.count("searchCustomers")) == (1, SEARCHES)


@pytest.mark.long
def test_hundreds_of_hits_hide_nobody_and_cost_no_further_call(server: PowerCode) -> None:
    for number in range(300):
        typed_in(server, f"Bo Lind {number}", f"{10_000 + number} W 100 N")
        typed_in(server, f"Cleo Moe {number}", f"{20_000 + number} S 1940 E")
    known = typed_in(server, "Lind, Ada", "1940 East 5625 South")

    decision = look(server).decision

    assert (decision.kind, decision.customer_ids) == (Kind.EXISTS, (str(known.customer_id),))
    assert server.count("readCustomer") + server.count("searchCustomers") == 1 + SEARCHES + 1


def test_what_the_searches_tell_is_not_read_again(server: PowerCode) -> None:
    server.search_tells = EVERYTHING
    typed_in(server, "Ada Lindt")
    typed_in(server, "Grace Moe")

    assert look(server).decision.problem is MatchProblem.SIMILAR_NAME
    assert server.count("readCustomer") == 1


@pytest.mark.parametrize("shape", ["nested", "flat"])
@pytest.mark.parametrize("tells", [(), EVERYTHING])
def test_former_tenants_at_the_site_hide_nobody(server: PowerCode, shape: str, tells: tuple[str, ...]) -> None:
    server.record_shape, server.search_tells = shape, tells  # type: ignore[assignment]
    typed_in(server, "Grace Moe", extAccountID="714780")
    typed_in(server, "Ole Berg", extAccountID="714780", status="Not Active")
    known = typed_in(server, "A. Lind", "", extAccountID="714780")

    decision = look(server).decision

    assert (decision.kind, decision.problem) == (Kind.REVIEW, MatchProblem.SIMILAR_NAME)
    assert decision.customer_ids == (str(known.customer_id),)
    assert len(decision.comparisons) == 3


def test_a_house_without_unit_numbers_is_read_in_part_only(server: PowerCode) -> None:
    for number in range(40):
        typed_in(server, f"Cleo Moe{number}")

    assert look(server, an_applicant(street=f"{DOOR} APT 4")).decision.kind is Kind.NEW
    assert server.count("readCustomer") == 1 + 10


def test_a_move_tells_the_other_accounts_status(server: PowerCode) -> None:
    known = typed_in(server, "Ada Lind", "48 OLD MILL ROAD", status="Not Active")

    decision = look(server).decision

    assert (decision.kind, decision.elsewhere) == (Kind.NEW, (str(known.customer_id),))
    assert [one.candidate.status for one in decision.comparisons] == ["Not Active"]


def test_an_account_whose_record_is_gone_meanwhile_is_compared_as_the_search_told_it(server: PowerCode) -> None:
    typed_in(server, "Ada Lind")
    server.fault("readCustomer", "status_code", times=2, status_code=4, message="Customer not found")

    assert look(server).decision.kind is Kind.EXISTS


FAILURES: dict[str, dict[str, Any]] = {
    "garbage": {},
    "empty": {},
    "http": {"status": 500},
    "status_code": {"status_code": 1, "message": "Lock wait timeout exceeded"},
}


@pytest.mark.parametrize("before", range(SEARCHES))
@pytest.mark.parametrize("kind", FAILURES)
def test_a_search_that_fails_is_never_nobody(server: PowerCode, before: int, kind: str) -> None:
    typed_in(server, "Ada Lind")
    if before:
        server.fault("searchCustomers", "slow", times=before, seconds=0)
    server.fault("searchCustomers", kind, **FAILURES[kind])

    with pytest.raises(powercode.OutcomeUnknown):
        look(server)
