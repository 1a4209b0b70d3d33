"""What of UTOPIA's contract keeps an order from becoming an account."""

import pytest

from app.provisioning.applicants import faults_in_words, read_applicant
from sandbox import a_contract
from utopia import Contract


def faults_of(**changes: str) -> str:
    contract = Contract.read(a_contract(**changes))
    assert contract is not None
    return "; ".join(faults_in_words(read_applicant(contract)))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"zip": "N/A"}, "ZIP code"),
        ({"phone": "call me"}, "phone number"),
        ({"email": "ada at example.com"}, "mail address"),
        ({"state": "Narnia"}, "state"),
        ({"firstname": "A" * 10_000}, "the first name"),
        ({"email": "a@" + "." * 60_000}, "the mail address"),
        ({"status": "Cancelled"}, "Cancelled"),
    ],
)
def test_what_cannot_be_right_is_named_and_stops_the_order(changes: dict[str, str], what: str) -> None:
    assert what in faults_of(**changes)


def test_everything_that_is_missing_is_named_at_once() -> None:
    said = faults_of(firstname="", phone="", zip="", siteid="")

    assert all(words in said for words in ("the first name", "the phone number", "the ZIP code", "the site id"))
