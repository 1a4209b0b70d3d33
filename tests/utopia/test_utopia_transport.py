"""Faults on the way: what a caller of UtopiaClient learns, and what goes over the wire."""

import logging
from typing import Any

import pytest

import utopia
from tests.tools.raw_server import UNKNOWN, RawServer, answers, http
from utopia import NeverArrived, OutcomeUnknown, Throttled, UtopiaClient, UtopiaError
from wire.observation import Observation

KEY = "utopia-key-7731"
OK = http({"result": "success"})


def a_client(url: str, **changes: Any) -> UtopiaClient:
    settings = {"connect_timeout": 5.0, "read_timeout": 10.0, "deadline": 20.0}
    return UtopiaClient(url, KEY, **{**settings, **changes})


def assert_tells_nothing(error: UtopiaError) -> None:
    """No key, no customer's data, and no exception of requests (which holds both) behind it."""
    assert error.__cause__ is None
    assert error.__context__ is None
    for shown in (str(error), repr(error), error.detail):
        assert KEY not in shown
        assert "secret-cid" not in shown


@pytest.mark.parametrize("fault", UNKNOWN)
def test_a_change_without_a_usable_answer_is_unknown_and_sent_once(fault: str) -> None:
    with RawServer(UNKNOWN[fault]) as server, a_client(server.url, read_timeout=0.2) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            client.suspend("secret-cid", 5)
        assert len(server.arrived(1)) == 1
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize(
    ("address", "detail"),
    [("refusing_url", "no connection"), ("unanswering_url", "in time"), ("unresolvable_url", "resolved")],
)
def test_a_request_that_found_no_server_never_arrived(
    address: str, detail: str, request: pytest.FixtureRequest
) -> None:
    with (
        a_client(request.getfixturevalue(address), connect_timeout=0.1) as client,
        pytest.raises(NeverArrived, match=detail) as caught,
    ):
        client.suspend("secret-cid", 5)
    assert caught.value.status is None
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize(("retry_after", "seconds"), [("7", 7.0), ("soon", None), ("99999999", 86400.0)])
def test_a_throttled_request_may_be_repeated_after_the_named_time(retry_after: str, seconds: float | None) -> None:
    refusal = http(b"slow down", 429, "text/plain", Retry_After=retry_after)
    with RawServer(answers(refusal)) as server, a_client(server.url) as client:
        with pytest.raises(Throttled) as caught:
            client.suspend("secret-cid", 5)
        assert len(server.arrived(1)) == 1
    assert caught.value.retry_after == seconds
    assert isinstance(caught.value, NeverArrived)


def test_the_key_is_in_no_log_line_and_no_repr(caplog: pytest.LogCaptureFixture, refusing_url: str) -> None:
    caplog.set_level(logging.DEBUG)
    with RawServer(answers(http({"error": f"bad key {KEY}"}))) as server:
        client = a_client(server.url)
        with pytest.raises(utopia.Refused) as caught:
            client.products()
        assert "bad key ***" in str(caught.value)
    with pytest.raises(NeverArrived):
        a_client(refusing_url).products()
    assert KEY not in caplog.text + repr(client) + str(client)


def test_an_observer_hears_the_outcome_of_each_call(refusing_url: str) -> None:
    heard: list[Observation] = []
    replies = [OK, http({"error": "no"}), http({"error": "No valid records found for this ISP"}, 404), http(b"")]
    with RawServer(answers(*replies)) as server, a_client(server.url, observe=heard.append) as client:
        client.products()
        for _ in replies[1:]:
            with pytest.raises(utopia.UtopiaError):
                client.contract("UIA202411-001186")
    with pytest.raises(NeverArrived):
        a_client(refusing_url, observe=heard.append).products()
    assert [(each.system, each.action, each.outcome) for each in heard] == [
        ("utopia", "products", "ok"),
        ("utopia", "contractlookup", "refused"),
        ("utopia", "contractlookup", "not_ours"),
        ("utopia", "contractlookup", "unknown"),
        ("utopia", "products", "never_arrived"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://example.com",
        "https://",
        "https://u:p@example.com",
        "https://h:99999",
        "http://h?q",
    ],
)
def test_an_unusable_address_is_refused_at_once_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="base_url") as caught:
        UtopiaClient(url, KEY)
    assert "u:p" not in str(caught.value)


def test_an_empty_key_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="api_key"):
        UtopiaClient("http://127.0.0.1", " ")
