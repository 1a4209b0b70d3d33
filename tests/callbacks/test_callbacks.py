"""UTOPIA's callback: what is taken, what is refused, and that nothing taken is lost or done twice."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import update

from app.models import Callback, Notice, Order, now
from tests.conftest import Service
from tests.tools.at_once import at_once
from tests.tools.callback_requests import FORM, NEW, ORDER, TAKEN, count, post, remote_calls, stored, threaded_server
from tests.tools.everyday import everyday


@pytest.fixture
def port(service: Service) -> Iterator[int]:
    """The service on a real, threaded server."""
    with threaded_server(service) as port:
        yield port


# What is taken


def test_a_new_order_is_answered_with_exactly_what_utopia_expects(service: Service) -> None:
    answer = service.callback(service.order())

    assert (answer.status_code, answer.json, answer.mimetype) == (200, TAKEN, "application/json")
    assert service.rested(ORDER)["state"] == "completed"


def test_a_reachability_probe_gets_a_line_of_text(service: Service) -> None:
    answer = service.client.get("/api-callback")

    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert answer.text.count("\n") == 1
    assert stored(service) == []


def test_the_same_callback_five_times_at_once_makes_one_customer(service: Service, port: int) -> None:
    service.order()

    answers = at_once(*[lambda: post(port, json.dumps(NEW))] * 5)

    assert answers == [(200, TAKEN)] * 5
    order = service.rested(ORDER)
    assert order["state"] == "completed"
    assert count(service, Order) == 1
    assert len(service.sandbox.powercode.customers) == 1
    assert sorted(callback["outcome"] for callback in order["callbacks"]) == ["order", *["repeat"] * 4]
    assert len(service.notices("Account created")) == 1


def test_a_repeat_a_year_later_changes_nothing_and_is_in_the_history(service: Service) -> None:
    service.take()
    service.mail_settled()
    a_year_ago = now() - timedelta(days=365)
    service.execute(update(Order).values(received_at=a_year_ago, finished_at=a_year_ago))
    service.execute(update(Callback).values(received_at=a_year_ago))
    service.services.work_queue.forget([f"order-{ORDER}", f"account-{ORDER}"])
    before, calls, mails = service.show(ORDER), remote_calls(service), len(service.notices())

    answer = service.callback(ORDER)

    assert (answer.status_code, answer.json) == (200, TAKEN)
    after = service.show(ORDER)
    assert [callback["outcome"] for callback in after["callbacks"]] == ["order", "repeat"]
    assert {**after, "callbacks": []} == {**before, "callbacks": []}
    assert remote_calls(service) == calls
    assert len(service.notices()) == mails


def test_a_repeat_starts_an_order_again_that_was_not_ours(service: Service) -> None:
    service.callback(ORDER)
    assert service.rested(ORDER)["state"] == "not_ours"
    assert service.notices() == []

    order = service.take(ORDER)

    assert order["state"] == "completed"
    assert [callback["outcome"] for callback in order["callbacks"]] == ["order", "order"]


@pytest.mark.parametrize("msg", ["Project Update", "Project Cancelled", "New", "<script>"])
def test_every_other_message_is_recorded_and_told_of_and_starts_nothing(service: Service, msg: str) -> None:
    answer = service.callback(service.order(), msg)

    assert (answer.status_code, answer.json) == (200, TAKEN)
    assert [(callback.outcome, callback.orderref, callback.msg) for callback in stored(service)] == [
        ("recorded", ORDER, msg)
    ]
    assert count(service, Order) == remote_calls(service) == 0
    assert count(service, Notice) == 1, "the office learns of a text that never came before"


def test_a_status_change_is_in_the_history_of_its_order(service: Service) -> None:
    service.take()

    service.callback(ORDER, "Project Installed")

    history = service.show(ORDER)["callbacks"]
    assert [(one["outcome"], one["msg"]) for one in history] == [
        ("order", "Project New Order"),
        ("recorded", "Project Installed"),
    ]


@pytest.mark.parametrize("msg", everyday("  project  New Order ", "project new order"))
def test_case_and_blanks_of_a_message_do_not_lose_an_order(service: Service, msg: str) -> None:
    service.callback(service.order(), msg)

    assert service.rested(ORDER)["state"] == "completed"


@pytest.mark.parametrize("message", [{"msg": "Test"}, {**NEW, "msg": "Test"}, {"msg": "Test", "orderref": None}])
def test_utopias_connection_test_sends_one_notice_and_touches_nothing(service: Service, message: Any) -> None:
    service.order()

    answer = service.client.post("/api-callback", json=message)

    assert (answer.status_code, answer.json) == (200, TAKEN)
    assert len(service.notices()) == 1
    assert [callback.outcome for callback in stored(service)] == ["test"]
    assert count(service, Order) == remote_calls(service) == 0


def test_a_hundred_connection_tests_at_once_do_not_flood_the_office(service: Service) -> None:
    for _ in range(100):
        assert service.client.post("/api-callback", json={"msg": "Test"}).status_code == 200

    assert len(service.notices()) <= 2  # one a minute, and the minute may change meanwhile


@pytest.mark.parametrize(
    "content_type", everyday(FORM, "text/plain", "", "text/html; charset=latin-1", "multipart/form-data")
)
def test_an_order_is_not_lost_over_a_wrong_content_type(service: Service, content_type: str) -> None:
    service.order()

    answer = service.client.post("/api-callback", data=json.dumps(NEW), content_type=content_type)

    assert (answer.status_code, answer.json) == (200, TAKEN)
    assert service.rested(ORDER)["state"] == "completed"


@pytest.mark.parametrize("encoding", everyday("utf-8-sig", "utf-16", "utf-32"))
def test_an_order_is_not_lost_over_a_byte_order_mark(service: Service, encoding: str) -> None:
    service.order()

    assert service.client.post("/api-callback", data=json.dumps(NEW).encode(encoding)).status_code == 200
    assert service.rested(ORDER)["state"] == "completed"


# What is refused

BAD = {
    "a list": (b"[]", "a JSON object"),
    "null": (b"null", "a JSON object"),
    "a number": (b"7", "a JSON object"),
    "a text": (b'"Project New Order"', "a JSON object"),
    "NaN": (b"NaN", "a JSON object"),
    "an empty object": (b"{}", "msg is missing"),
    "msg null": (b'{"orderref": "UIA-1", "msg": null}', "msg is missing"),
    "msg blank": (b'{"orderref": "UIA-1", "msg": "  "}', "msg is missing"),
    "msg a list": (b'{"orderref": "UIA-1", "msg": ["Project New Order"]}', "msg is missing"),
    "no orderref": (b'{"msg": "Project New Order"}', "orderref is missing"),
    "orderref null": (b'{"orderref": null, "msg": "Project New Order"}', "orderref is missing"),
    "orderref blank": (b'{"orderref": " ", "msg": "Project New Order"}', "orderref is missing"),
    "a numeric orderref": (b'{"orderref": 202411001186, "msg": "Project New Order"}', "orderref must be a text"),
    "a numeric orderref of a test": (b'{"orderref": 0, "msg": "Test"}', "orderref must be a text"),
    "a word of the console": (b'{"orderref": "new", "msg": "Project New Order"}', "with a digit"),
    "a path of the console": (b'{"orderref": "UIA-1/dismiss", "msg": "Project New Order"}', "orderref must be 1 to"),
    "orderref an object": (b'{"orderref": {"$ne": 1}, "msg": "Project New Order"}', "orderref must be a text"),
    "a long orderref": (b'{"orderref": "%s", "msg": "Project New Order"}' % (b"U" * 65), "1 to 64"),
    "an orderref with a line break": (b'{"orderref": "UIA\\n1", "msg": "Project New Order"}', "1 to 64"),
    "an orderref with NUL": (b'{"orderref": "UIA\\u0000", "msg": "Project New Order"}', "1 to 64"),
    "an orderref with half a character": (b'{"orderref": "UIA\\ud800", "msg": "Project New Order"}', "1 to 64"),
    "an orderref that is an option": (b'{"orderref": "--help", "msg": "Project New Order"}', "1 to 64"),
    "deep nesting": (b"[" * 30_000, "not valid JSON"),
    "deep nesting that is closed": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "is"),
    "a number of 5000 digits": (b'{"msg": %s}' % (b"9" * 5_000), "is"),
    "cut off": (b'{"orderref": "UIA-1", "ms', "not valid JSON"),
    "invalid UTF-8": (b'{"orderref": "UIA-1", "msg": "\xff\xfe\xfa"}', "not valid JSON"),
    "an empty body": (b"", "empty"),
    "blanks": (b" \r\n ", "empty"),
    "a raw NUL": (b"\x00", "empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_refused_with_the_reason_and_recorded(service: Service, name: str) -> None:
    body, reason = BAD[name]

    answer = service.client.post("/api-callback", data=body, content_type="application/json")

    assert answer.status_code == 400
    assert list(answer.json) == ["error"]
    assert reason in answer.json["error"]
    (callback,) = stored(service)
    assert (callback.outcome, callback.status, callback.error) == ("rejected", 400, answer.json["error"])
    assert len(callback.body.encode()) <= 3 * 4096
    assert count(service, Order) == 0


@pytest.mark.parametrize("content_type", [FORM, "text/plain", "application/xml", ""])
def test_what_is_no_json_under_another_content_type_is_415(service: Service, content_type: str) -> None:
    answer = service.client.post("/api-callback", data=b"orderref=UIA-1&msg=Test", content_type=content_type)

    assert answer.status_code == 415
    assert answer.json == {"error": "The body must be JSON, sent as Content-Type: application/json"}
    assert [(callback.status, callback.body) for callback in stored(service)] == [(415, "orderref=UIA-1&msg=Test")]


def test_what_a_database_cannot_hold_in_other_fields_does_not_lose_an_order(service: Service) -> None:
    service.order()
    body = b'{"orderref": "%s", "msg": "Project New Order", "event": "\\u0000 \\ud800 \xc3\xbc", "more": 1e400}'

    assert service.client.post("/api-callback", data=body % ORDER.encode()).status_code == 200

    assert service.rested(ORDER)["state"] == "completed"
    assert service.show(ORDER)["callbacks"][0]["event"] == "\ufffd \ufffd ü"


@pytest.mark.parametrize("size", [65 * 1024, 600 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_64_kb_is_413_and_kept_up_to_4_kb(service: Service, port: int, size: int, chunked: bool) -> None:
    body = json.dumps({**NEW, "more": "x" * size}).encode()
    parts = iter([body[start : start + 5000] for start in range(0, len(body), 5000)])

    status, answer = post(port, parts if chunked else body)

    assert (status, answer) == (413, {"error": "The body is larger than 64 kB"})
    (callback,) = stored(service)
    assert (callback.status, callback.body) == (413, body[:4096].decode())
    assert count(service, Order) == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_exactly_64_kb_is_taken(service: Service, port: int, chunked: bool) -> None:
    service.order()
    body = json.dumps(NEW).encode().ljust(64 * 1024)

    assert post(port, iter([body[:9], body[9:]]) if chunked else body) == (200, TAKEN)

    assert service.rested(ORDER)["state"] == "completed"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(service: Service, method: str) -> None:
    assert service.client.open("/api-callback", method=method, json=NEW).status_code == 405


ANY_LETTERS = st.characters() | st.sampled_from("\ud800\udfff\x00\r\n\u2028")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(ANY_LETTERS),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["msg", "event", "orderref", "x"]), inner),
    max_leaves=8,
)
NEAR_MISSES = st.fixed_dictionaries(
    {"msg": st.sampled_from(["Test", "Project Update"]) | ANY_JSON}, optional={"orderref": ANY_JSON, "event": ANY_JSON}
)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # the service's threads do, not the strategies
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | (ANY_JSON | NEAR_MISSES).map(lambda value: json.dumps(value).encode()))
def test_no_body_at_all_is_answered_with_500(service: Service, body: bytes) -> None:
    answer = service.client.post("/api-callback", data=body, content_type="application/json")

    assert answer.status_code in (200, 400)
    assert answer.json == TAKEN if answer.status_code == 200 else list(answer.json) == ["error"]
