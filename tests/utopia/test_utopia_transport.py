"""Transport faults: what a caller of UtopiaClient learns, and what goes over the wire."""

import gzip
import json
import logging
import threading
import time
from pathlib import Path

import pytest

import powercode.transport
import utopia.transport
from tests.utopia.raw_server import (
    UNKNOWN,
    RawServer,
    answers,
    answers_then_resets,
    breaks_encryption,
    dripping,
    http,
    never_done,
    once,
    silent,
)
from utopia import NeverArrived, OutcomeUnknown, Throttled, UtopiaClient

KEY = "utopia-key-7731"
OK = http({"result": "success"})


def a_client(url, **changes):
    settings = {"connect_timeout": 0.3, "read_timeout": 0.4, "deadline": 3.0}
    return UtopiaClient(url, KEY, **{**settings, **changes})


def assert_tells_nothing(error):
    """No key, no customer's data, and no exception of requests (which holds both) behind it."""
    assert error.__cause__ is None
    assert error.__context__ is None
    for shown in (str(error), repr(error), error.detail):
        assert KEY not in shown
        assert "secret-cid" not in shown


@pytest.mark.parametrize("fault", UNKNOWN)
def test_a_change_without_a_usable_answer_is_unknown_and_sent_once(fault):
    with RawServer(UNKNOWN[fault]) as server, a_client(server.url) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            client.suspend("secret-cid", 5)
        assert len(server.requests) == 1
    assert_tells_nothing(caught.value)


def test_a_tls_connection_that_breaks_after_the_request_is_unknown_and_sent_once(publicly_trusted):
    with RawServer(breaks_encryption, tls=publicly_trusted.server) as server, a_client(server.url) as client:
        with pytest.raises(OutcomeUnknown, match="TLS connection broke") as caught:
            client.suspend("secret-cid", 5)
        assert len(server.requests) == 1
    assert_tells_nothing(caught.value)


def test_a_tls_handshake_that_hangs_is_unknown(publicly_trusted):
    with (
        RawServer(silent, tls=publicly_trusted.server) as server,
        a_client(server.url) as client,
        pytest.raises(OutcomeUnknown, match="in time"),
    ):
        client.suspend("secret-cid", 5)


@pytest.mark.parametrize(
    ("address", "detail"),
    [("refusing_url", "no connection"), ("unanswering_url", "in time"), ("unresolvable_url", "resolved")],
)
def test_a_request_that_found_no_server_never_arrived(address, detail, request):
    with (
        a_client(request.getfixturevalue(address), connect_timeout=0.1) as client,
        pytest.raises(NeverArrived, match=detail) as caught,
    ):
        client.suspend("secret-cid", 5)
    assert caught.value.status is None
    assert_tells_nothing(caught.value)


def test_a_request_to_a_server_with_an_untrusted_certificate_never_arrived(authority):
    with RawServer(answers(OK), tls=authority.server) as server, a_client(server.url) as client:
        with pytest.raises(NeverArrived, match="not trusted") as caught:
            client.suspend("secret-cid", 5)
        assert server.requests == []
    assert_tells_nothing(caught.value)


def test_a_certificate_for_another_name_is_not_trusted(publicly_trusted):
    with (
        RawServer(answers(OK), tls=publicly_trusted.server_context("other.example.com")) as server,
        a_client(server.url) as client,
        pytest.raises(NeverArrived, match="certificate"),
    ):
        client.suspend("secret-cid", 5)


def test_a_trusted_server_is_talked_to(publicly_trusted):
    with RawServer(answers(OK), tls=publicly_trusted.server) as server, a_client(server.url) as client:
        assert client.suspend(1, 5).content == {"result": "success"}


@pytest.mark.parametrize(("retry_after", "seconds"), [("7", 7.0), ("soon", None), ("99999999", 86400.0)])
def test_a_throttled_request_may_be_repeated_after_the_named_time(retry_after, seconds):
    refusal = http(b"slow down", 429, "text/plain", Retry_After=retry_after)
    with RawServer(answers(refusal)) as server, a_client(server.url) as client:
        with pytest.raises(Throttled) as caught:
            client.suspend("secret-cid", 5)
        assert len(server.requests) == 1
    assert caught.value.retry_after == seconds
    assert isinstance(caught.value, NeverArrived)


def test_a_time_to_retry_can_be_a_date():
    refusal = http(b"", 429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
    with (
        RawServer(answers(refusal)) as server,
        a_client(server.url) as client,
        pytest.raises(Throttled) as caught,
    ):
        client.products()
    assert caught.value.retry_after == 0


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_ends_at_the_deadline(part):
    slow = b"HTTP/1.1 200 OK\r\n" + (b"X-Slow: 1\r\n" * 40 if part == "headers" else b"Content-Length: 402\r\n\r\n")
    slow += b"Content-Length: 2\r\n\r\n{}" if part == "headers" else b"{}" + b" " * 400
    with RawServer(dripping(slow)) as server, a_client(server.url, deadline=0.3) as client:
        with pytest.raises(OutcomeUnknown, match="in time"):
            client.products()
        assert len(server.requests) == 1


def test_an_answer_that_is_announced_without_end_ends_at_the_deadline():
    with (
        RawServer(never_done) as server,
        a_client(server.url, deadline=0.2) as client,
        pytest.raises(OutcomeUnknown, match="in time"),
    ):
        client.products()


def test_an_answer_larger_than_the_limit_is_not_read_to_its_end():
    endless = http(b'["' + b"x" * utopia.transport.JSON_LIMIT + b'"]')
    with (
        RawServer(once(endless)) as server,
        a_client(server.url) as client,
        pytest.raises(OutcomeUnknown, match="larger than"),
    ):
        client.products()


def test_a_compressed_answer_is_limited_by_its_unpacked_size():
    bomb = http(gzip.compress(b'["' + b"x" * utopia.transport.JSON_LIMIT + b'"]'), Content_Encoding="gzip")
    small = http(gzip.compress(b'[{"pid": "259"}]'), Content_Encoding="gzip")
    with RawServer(answers(small, bomb)) as server, a_client(server.url) as client:
        assert client.products().rows == ({"pid": "259"},)
        with pytest.raises(OutcomeUnknown, match="larger than"):
            client.products()


def test_calls_one_after_the_other_share_a_connection():
    with RawServer(answers(OK)) as server, a_client(server.url) as client:
        for _ in range(5):
            client.products()
        assert (server.connections, len(server.requests)) == (1, 5)


def test_a_kept_connection_that_the_server_closed_is_replaced_unnoticed():
    closed = threading.Event()

    def closing(wire):
        once(OK)(wire)
        wire.sock.close()
        closed.set()

    with RawServer(closing, answers(OK)) as server, a_client(server.url) as client:
        client.suspend(1, 5)
        assert closed.wait(5)
        time.sleep(0.02)
        client.suspend(2, 5)
        assert (server.connections, len(server.requests)) == (2, 2)


def test_a_kept_connection_that_breaks_under_a_request_is_unknown_and_nothing_is_sent_again():
    with RawServer(answers_then_resets(OK), answers(OK)) as server, a_client(server.url) as client:
        client.suspend(1, 5)
        with pytest.raises(OutcomeUnknown):
            client.suspend(2, 5)
        assert (server.connections, len(server.requests)) == (1, 2)


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch):
    monkeypatch.setattr(utopia.transport, "IDLE_SECONDS", 0.0)
    with RawServer(answers_then_resets(OK)) as server, a_client(server.url) as client:
        client.suspend(1, 5)
        client.suspend(2, 5)
        assert server.connections == 2


def test_eight_threads_share_a_client_and_each_gets_its_own_answer():
    def echo(wire):
        while request := wire.read_request():
            wire.send(http({"result": [json.loads(request.partition(b"\r\n\r\n")[2])]}))

    wrong = []

    def ask(client, number):
        for turn in range(10):
            siteid = f"{number}-{turn}"
            if client.service(siteid).rows[0]["siteid"] != siteid:
                wrong.append(siteid)

    with RawServer(echo) as server, a_client(server.url, pool_size=8) as client:
        threads = [threading.Thread(target=ask, args=(client, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not wrong
        assert len(server.requests) == 80
        assert server.connections <= 8


def test_the_environment_changes_nothing(monkeypatch, authority, refusing_url, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, refusing_url)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, authority.ca_file)
    with RawServer(answers(OK)) as server, a_client(server.url) as client:
        client.products()
        assert b"authorization" not in server.requests[0].lower()
    with (
        RawServer(answers(OK), tls=authority.server) as server,
        a_client(server.url) as client,
        pytest.raises(NeverArrived, match="not trusted"),
    ):
        client.products()


def test_a_cookie_is_not_kept():
    with RawServer(answers(http({}, Set_Cookie="PHPSESSID=1; path=/"))) as server, a_client(server.url) as client:
        client.products()
        client.products()
        assert b"cookie" not in server.requests[1].lower()


def test_the_key_is_in_no_log_line_and_no_repr(caplog, refusing_url):
    caplog.set_level(logging.DEBUG)
    with RawServer(answers(http({"error": f"bad key {KEY}"}))) as server:
        client = a_client(server.url)
        with pytest.raises(utopia.Refused) as caught:
            client.products()
        assert "bad key ***" in str(caught.value)
    with pytest.raises(NeverArrived):
        a_client(refusing_url).products()
    assert KEY not in caplog.text + repr(client) + str(client)


def test_an_observer_hears_the_outcome_of_each_call(refusing_url):
    heard = []
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


def test_an_observer_that_fails_does_not_hide_a_done_call(caplog):
    def broken(_observation):
        raise RuntimeError("no metrics today")

    with RawServer(answers(OK)) as server, a_client(server.url, observe=broken) as client:
        assert client.suspend(1, 5).content == {"result": "success"}
    assert "observer failed on suspend: RuntimeError" in caplog.text


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
def test_an_unusable_address_is_refused_at_once_without_repeating_it(url):
    with pytest.raises(ValueError, match="base_url") as caught:
        UtopiaClient(url, KEY)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"deadline": 0}, {"read_timeout": -1}, {"pool_size": 0}])
def test_impossible_limits_are_refused_at_once(wrong):
    with pytest.raises(ValueError, match="above 0"):
        a_client("http://127.0.0.1", **wrong)


def test_an_empty_key_is_refused_at_once():
    with pytest.raises(ValueError, match="api_key"):
        UtopiaClient("http://127.0.0.1", " ")


def test_both_clients_carry_the_same_transport():
    assert Path(utopia.transport.__file__).read_bytes() == Path(powercode.transport.__file__).read_bytes()
    assert Path(utopia.observation.__file__).read_bytes() == Path(powercode.observation.__file__).read_bytes()


def test_what_a_remote_says_is_shown_short_on_one_line_and_masked():
    safe_text = utopia.transport.safe_text
    assert safe_text("Ada  Lind\x00\r\nat 12 N Example Ave", private=("ADA LIND", "12 n example ave")) == "*** at ***"
    assert safe_text("Adam is here", private=("Ada",)) == "Adam is here"
    assert safe_text({"code": 5, "key": "abc"}, secrets=("abc",)) == '{"code": 5, "key": "***"}'
    assert len(safe_text("x" * 900)) == 200
    assert safe_text(None) == ""


@pytest.mark.parametrize(
    "said",
    ["login failed (password: hunter2-x)", 'mysql://root password="hunter2-x"', "Authorization: hunter2-x"],
)
def test_what_a_remote_names_a_password_is_not_shown(said):
    assert "hunter2" not in utopia.transport.safe_text(said)
