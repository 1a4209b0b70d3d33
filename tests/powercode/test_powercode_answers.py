"""What an answer comes to: done, refused for certain, or not known."""

import copy
import pickle

import pytest

from powercode import NewTicket, OutcomeUnknown, PowerCodeError, Refused, Throttled
from tests.powercode.one_call import ADA, Said

TICKET = NewTicket(customer_id="7", description="<p>Welcome</p>", category=54)


# statusCode


@pytest.mark.parametrize("code", [0, "0", " 0 ", 0.0])
def test_status_code_zero_is_success_as_a_number_or_a_string(said: Said, code: int | float | str) -> None:
    message, _ = said(lambda pc: pc.add_customer_service(7, 164), {"statusCode": code, "message": "Service added"})
    assert message == "Service added"


@pytest.mark.parametrize("code", [23, "23", " 23 "])
def test_a_geocoding_refusal_is_recognised_as_a_number_or_a_string(said: Said, code: int | str) -> None:
    with pytest.raises(Refused) as caught:
        said(lambda pc: pc.create_customer(ADA), {"statusCode": code, "message": "could not be geocoded"})
    assert (caught.value.status_code, caught.value.detail) == (23, "could not be geocoded")


@pytest.mark.parametrize(
    "content", [{"message": "ok"}, {"statusCode": None}, {"statusCode": "ok"}, {"statusCode": True}, [], "0"]
)
def test_an_answer_without_a_status_code_is_unknown(said: Said, content: object) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.create_customer(ADA), content)


def test_an_http_error_that_claims_success_is_unknown(said: Said) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.add_customer_service(7, 164), {"statusCode": 0}, 404)


def test_an_http_error_with_a_reason_is_a_refusal(said: Said) -> None:
    with pytest.raises(Refused, match="Invalid serviceID") as caught:
        said(lambda pc: pc.add_customer_service(7, 1), {"statusCode": 4, "message": "Invalid serviceID"}, 400)
    assert (caught.value.status, caught.value.status_code) == (400, 4)


# Refusals of a change


NAMES_THE_FAULT = [
    "Invalid serviceID",
    "Missing required field: lastName",
    "Customer not found",
    "no such category",
    "The plan is retired",
    "The customer portal username is already in use",
    "physicalState must be a USPS code",
    "You are not allowed to use this action",
    "API key is not authorized",
]
TELLS_NOTHING = [
    "Lock wait timeout exceeded; try restarting transaction",
    "Deadlock found when trying to get lock; try restarting transaction",
    "MySQL server has gone away",
    "Invalid query: Duplicate entry '15' for key 'PRIMARY'",
    "Not found: the database is not available",
    "Not today",
    "Unknown error",
    "Your request was received",
    "",
    "Invalid serviceID " + "x" * 200,
]
CHANGES = {
    "customer": lambda pc: pc.create_customer(ADA),
    "plan": lambda pc: pc.add_customer_service(7, 164),
    "ticket": lambda pc: pc.create_ticket(TICKET),
}


@pytest.mark.parametrize("words", NAMES_THE_FAULT)
def test_a_refusal_that_names_what_is_wrong_is_certain(said: Said, words: str) -> None:
    for change in CHANGES.values():
        with pytest.raises(Refused):
            said(change, {"statusCode": 1, "message": words})


@pytest.mark.parametrize("words", TELLS_NOTHING)
def test_a_refusal_in_words_of_trouble_or_in_unknown_words_tells_nothing_of_a_change(said: Said, words: str) -> None:
    for change in CHANGES.values():
        with pytest.raises(OutcomeUnknown) as caught:
            said(change, {"statusCode": 1, "message": words})
        assert words[:40] in caught.value.detail


def test_the_status_code_of_geocoding_is_a_refusal_whatever_its_words(said: Said) -> None:
    for words in ("", "Lock wait timeout exceeded", "Not today"):
        with pytest.raises(Refused):
            said(CHANGES["customer"], {"statusCode": 23, "message": words})


def test_a_tag_refused_in_words_of_trouble_tells_nothing(said: Said) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.add_customer_tag(7, 5), {"Success": False, "Message": "Lock wait timeout exceeded"})


@pytest.mark.parametrize(("prompt", "error"), [(60.0, Throttled), (0.0, OutcomeUnknown)])
def test_too_many_requests_is_proof_only_where_it_comes_at_once(
    said: Said, monkeypatch: pytest.MonkeyPatch, prompt: float, error: type[PowerCodeError]
) -> None:
    monkeypatch.setattr("powercode.answers.PROMPT_SECONDS", prompt)
    for change in (*CHANGES.values(), lambda pc: pc.add_customer_tag(7, 5)):
        with pytest.raises(error) as caught:
            said(change, {}, 429)
        assert type(caught.value) is error


def test_too_many_requests_to_a_look_up_may_be_repeated_however_late_it_comes(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("powercode.answers.PROMPT_SECONDS", 0.0)
    with pytest.raises(Throttled):
        said(lambda pc: pc.search_customers("Ada"), {}, 429)


# The errors


@pytest.mark.parametrize(
    "error", [Refused("no", "createCustomer", 200, 23), Throttled("later", "readTicket", 429, 7.0)]
)
def test_an_error_survives_being_copied_and_stored(error: Refused | Throttled) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))
