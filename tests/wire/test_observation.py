"""What an observer is told of a call: everything that staff need to understand it, and no secret."""

import base64
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powercode import NewTicket, PowerCodeClient, Refused
from sandbox import Sandbox
from tests.powercode import one_call
from wire import Call, Failure, Observation, Reply, Request
from wire.observation import SHOWN_BYTES

KEY = "key/with+odd&letters\"'ü"
PASSWORD = 'a "portal" pass/word'
ADA = one_call.ADA.model_copy(update={"portal_password": PASSWORD, "notes": ("Order# UIA-1",)})


def told_of(request: Request, reply: Reply | Failure, secrets: tuple[str, ...]) -> Observation:
    heard: list[Observation] = []
    with Call(heard.append, "powercode", "readCustomer", request, secrets) as call:
        call.reply = reply
    return heard[0]


def observed(body: bytes, content_type: str = "application/json", secrets: tuple[str, ...] = (KEY, PASSWORD)) -> str:
    request = Request("POST", "https://pc.example.com/api", data={})
    return told_of(request, Reply(200, content_type, body), secrets).answered


def test_staff_read_what_was_sent_and_what_came_back() -> None:
    heard: list[Observation] = []
    with (
        Sandbox() as sandbox,
        PowerCodeClient(
            sandbox.powercode.api_url, sandbox.powercode.uapi_url, sandbox.powercode.api_key, observe=heard.append
        ) as client,
    ):
        customer_id = client.create_customer(ADA)
        client.add_customer_tag(customer_id, 5)
        with pytest.raises(Refused):
            client.read_ticket("99")
    created, tagged, refused = heard
    assert created.sent.startswith('POST /api/1/index.php {"action": "createCustomer", "firstName": "Ada"')
    assert json.loads(created.answered.removeprefix("200 "))["message"] == "Customer created"
    assert tagged.sent == f'POST /uapi/customer/tags/customer {{"customerID": "{customer_id}", "tags[]": "5"}}'
    assert "Invalid ticketID" in refused.answered
    said = " ".join(f"{each.sent} {each.answered}" for each in heard)
    basic = base64.b64encode(sandbox.powercode.api_key.encode()).decode()
    assert [secret for secret in (sandbox.powercode.api_key, basic, PASSWORD, PASSWORD[3:]) if secret in said] == []


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"message": f"Invalid key {KEY}"}).encode(),
        json.dumps({"message": f"Invalid key {KEY}"}, ensure_ascii=False).encode(),
        json.dumps({"query": f"customerPortalPassword={PASSWORD}&x=1"}).replace("/", "\\/").encode(),
        json.dumps({"customer": [{"customerPortalPassword": "somebody else's"}]}).encode(),
        json.dumps({"phone": json.dumps({"portal_password": "somebody else's"})}).encode(),
        f"<html>apiKey={KEY}</html>".encode(),
        b'{"customerPortalPassword": "somebody else\'s", "cut',
        b"Authorization: Basic " + base64.b64encode(KEY.encode()),
    ],
)
def test_a_secret_that_powercode_repeats_is_masked_however_it_is_written(body: bytes) -> None:
    answered = observed(body)

    assert "***" in answered
    for secret in (KEY, "odd&letters", PASSWORD, "somebody else", base64.b64encode(KEY.encode()).decode()):
        assert secret not in answered


@given(
    secret=st.text(string.printable, min_size=4, max_size=30).filter(lambda text: len(text.strip()) > 3),
    around=st.text(max_size=40),
    as_json=st.booleans(),
)
def test_no_answer_ever_carries_a_secret_that_was_told(secret: str, around: str, as_json: bool) -> None:
    said = f"{around}{secret}{around}"
    body = json.dumps({"message": said}) if as_json else said

    answered = observed(body.encode("utf-8", "replace"), "application/json" if as_json else "text/html", (secret,))

    assert secret not in answered.replace("***", "")


@given(body=st.binary(max_size=600), times=st.integers(1, 60))
def test_the_texts_are_single_lines_of_four_kilobytes_at_most(body: bytes, times: int) -> None:
    answered = observed(body * times, "text/html")

    assert not set(answered) & set("\n\r\t\x00\x1b\u2028")
    assert len(answered.encode()) <= SHOWN_BYTES


def test_a_secret_at_the_cut_is_not_shown_in_half() -> None:
    filling = "x" * (SHOWN_BYTES - 10)

    assert KEY[:6] not in observed(f"{filling}{KEY}".encode(), "text/html")


def test_a_file_shows_as_its_type_and_size() -> None:
    assert observed(b"%PDF-1.4 Ada Lind", "application/pdf") == "200 application/pdf, 17 bytes"
    assert observed(b"%PDF-1.4 Ada Lind", "") == "200 (a file of 17 bytes)"
    assert observed(b"", "") == "200 (empty)"


def test_a_failure_shows_as_its_reason() -> None:
    ticket = NewTicket(customer_id="7", description="Welcome")
    request = Request("POST", "https://pc.example.com/api", data=ticket.fields())

    seen = told_of(request, Failure(True, "no complete answer in time"), ())

    assert seen.answered == "no complete answer in time"
    assert '"description": "Welcome"' in seen.sent


def test_deeply_nested_answers_are_shown_as_they_are() -> None:
    answered = observed(b'{"a":' * 5000 + b"1" + b"}" * 5000)

    assert answered.startswith('200 {"a":{"a":')
