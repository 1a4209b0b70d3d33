"""Transport: what a failed exchange tells of its request, what goes over the wire, and which limits hold."""

import gzip
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import wire.connections
from tests.tools.raw_server import (
    RawServer,
    Wire,
    answers,
    answers_then_resets,
    breaks_encryption,
    dripping,
    http,
    never_done,
    once,
    silent,
)
from tests.tools.wire_fixtures import Authority
from wire import JSON_LIMIT, Failure, Reply, Request, TooLong, Transport

OK = http({"result": "success"})
TOO_LATE = Failure(True, "no complete answer in time")


def a_transport(**changes: Any) -> Transport:
    settings = {"connect_timeout": 5.0, "read_timeout": 10.0, "deadline": 20.0, "pool_size": 8}
    return Transport(**{**settings, **changes})


def said(transport: Transport, server: RawServer, **fields: object) -> Any:
    return transport.exchange(Request("POST", f"{server.url}/api", json=fields))


# What a failure tells


def test_a_tls_connection_that_breaks_after_the_request_is_unknown_and_sent_once(publicly_trusted: Authority) -> None:
    with RawServer(breaks_encryption, tls=publicly_trusted.server) as server:
        assert said(a_transport(), server) == Failure(True, "the TLS connection broke")
        assert len(server.arrived(1)) == 1


def test_a_tls_handshake_that_hangs_is_unknown(publicly_trusted: Authority) -> None:
    with RawServer(silent, tls=publicly_trusted.server) as server:
        assert said(a_transport(connect_timeout=0.3), server) == TOO_LATE


def test_a_request_to_a_server_with_an_untrusted_certificate_never_arrived(authority: Authority) -> None:
    with RawServer(answers(OK), tls=authority.server) as server:
        answer = said(a_transport(), server)
        assert (answer.sent, "not trusted" in answer.detail) == (False, True)
        assert server.requests == []


def test_a_certificate_for_another_name_is_not_trusted(publicly_trusted: Authority) -> None:
    with RawServer(answers(OK), tls=publicly_trusted.server_context("other.example.com")) as server:
        answer = said(a_transport(), server)
        assert (answer.sent, "certificate" in answer.detail) == (False, True)


def test_a_trusted_server_is_talked_to(publicly_trusted: Authority) -> None:
    with RawServer(answers(OK), tls=publicly_trusted.server) as server:
        assert said(a_transport(), server).json() == {"result": "success"}


@pytest.mark.parametrize(
    "url", ["", "api.example.com", "ftp://example.com", "https://", "http://h:99999", f"http://{'x' * 70}.example.com"]
)
def test_a_request_to_no_address_never_arrived(url: str) -> None:
    answer = a_transport().exchange(Request("POST", url))
    assert isinstance(answer, Failure)
    assert not answer.sent


def test_a_request_that_can_not_be_written_down_never_arrived() -> None:
    number = Request("POST", "http://127.0.0.1", json={"number": float("nan")})
    header = Request("POST", "http://127.0.0.1", headers={"Key": "two\nlines"})
    answers = [a_transport().exchange(request) for request in (number, header)]
    assert [isinstance(answer, Failure) and answer.sent for answer in answers] == [False, False]


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7.0), ("soon", None), ("99999999", 86400.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_the_time_to_retry_is_a_number_or_a_date_and_a_day_at_most(retry_after: str, seconds: float | None) -> None:
    with RawServer(answers(http(b"slow down", 429, "text/plain", Retry_After=retry_after))) as server:
        assert said(a_transport(), server).retry_after == seconds


def test_a_form_a_query_and_the_name_in_an_address_go_out_as_servers_read_them() -> None:
    with RawServer(answers(OK)) as server:
        address = server.url.replace("http://", "http://ada:p%40ss@")
        request = Request("POST", f"{address}/é", params={"tags[]": "5"}, data={"first name": "Ána & Co"})
        assert a_transport().exchange(request) == Reply(200, "application/json", b'{"result": "success"}')
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /%C3%A9?tags%5B%5D=5 HTTP/1.1\r\n")
    assert body == b"first+name=%C3%81na+%26+Co"
    assert b"basic ywrhonbac3m=" in head.lower()


# Limits


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_ends_at_the_deadline(part: str) -> None:
    slow = b"HTTP/1.1 200 OK\r\n" + (b"X-Slow: 1\r\n" * 40 if part == "headers" else b"Content-Length: 402\r\n\r\n")
    slow += b"Content-Length: 2\r\n\r\n{}" if part == "headers" else b"{}" + b" " * 400
    with RawServer(dripping(slow)) as server:
        assert said(a_transport(deadline=0.3), server) == TOO_LATE
        assert len(server.arrived(1)) == 1


def test_an_encrypted_answer_that_drips_ends_at_the_deadline(publicly_trusted: Authority) -> None:
    slow = dripping(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 400)
    with RawServer(slow, tls=publicly_trusted.server) as server:
        assert said(a_transport(deadline=0.3), server) == TOO_LATE


def test_a_body_without_a_length_that_drips_is_not_taken_for_a_whole_one() -> None:
    with RawServer(dripping(b"HTTP/1.1 200 OK\r\n\r\n{}" + b" " * 400)) as server:
        assert said(a_transport(deadline=0.5), server) == TOO_LATE


def test_a_tls_handshake_that_drips_ends_at_the_deadline() -> None:
    def greets_slowly(wire: Wire) -> None:
        wire.sock.recv(65536)
        for byte in b"\x16\x03\x03\x3f\xff" + bytes(400):
            wire.send(bytes([byte]))
            threading.Event().wait(0.02)

    with RawServer(greets_slowly) as server:
        encrypted = Request("POST", server.url.replace("http:", "https:"))
        assert a_transport(deadline=0.3).exchange(encrypted) == TOO_LATE


def test_an_answer_that_is_announced_without_end_ends_at_the_deadline() -> None:
    with RawServer(never_done) as server:
        assert said(a_transport(deadline=0.2), server) == TOO_LATE


@pytest.mark.long
def test_an_answer_that_drips_on_a_kept_connection_ends_at_the_deadline() -> None:
    def tires(wire: Wire) -> None:
        wire.read_request()
        wire.send(OK)
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 402\r\n\r\n" + b" " * 402)(wire)

    with RawServer(tires) as server:
        transport = a_transport(deadline=2.0)
        assert said(transport, server).status == 200
        assert said(transport, server) == TOO_LATE
        assert (server.connections, len(server.requests)) == (1, 2)


def test_nothing_watches_the_time_of_a_call_that_is_done() -> None:
    with RawServer(answers(OK)) as server:
        transport = a_transport()
        said(transport, server)
        assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


@pytest.mark.parametrize("length", ["announced", "chunked"])
def test_an_answer_larger_than_the_limit_is_not_read_to_its_end(length: str) -> None:
    size = 2 * JSON_LIMIT
    endless = http(b"x" * size)
    if length == "chunked":
        endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size + b"x" * size
    with RawServer(once(endless)) as server:
        answer = said(a_transport(), server)
        assert answer == TooLong(
            True, f"the answer is larger than {JSON_LIMIT} bytes", size if length == "announced" else None
        )


def test_a_compressed_answer_is_limited_by_its_unpacked_size() -> None:
    bomb = http(gzip.compress(b'["' + b"x" * JSON_LIMIT + b'"]'), Content_Encoding="gzip")
    small = http(gzip.compress(b'[{"pid": "259"}]'), Content_Encoding="gzip")
    with RawServer(answers(small, bomb)) as server:
        transport = a_transport()
        assert said(transport, server).json() == [{"pid": "259"}]
        assert "larger than" in said(transport, server).detail


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_body_that_can_not_be_unpacked_whole_is_unknown(encoding: str) -> None:
    cut = gzip.compress(b'[{"pid": "259"}]')[:-9]
    with RawServer(answers(http(cut, Content_Encoding=encoding))) as server:
        assert said(a_transport(), server).sent is True


def test_an_answer_without_a_body_is_whole_whatever_its_encoding() -> None:
    with RawServer(answers(http(b"", 200, Content_Encoding="gzip"))) as server:
        assert said(a_transport(), server).body == b""


@pytest.mark.parametrize("wrong", [{"deadline": 0}, {"read_timeout": -1}, {"pool_size": 0}])
def test_impossible_limits_are_refused_at_once(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        a_transport(**wrong)


# Connections


def test_calls_one_after_the_other_share_a_connection() -> None:
    with RawServer(answers(OK)) as server:
        transport = a_transport()
        for _ in range(5):
            said(transport, server)
        assert (server.connections, len(server.requests)) == (1, 5)


def test_a_kept_connection_that_the_server_closed_is_replaced_unnoticed() -> None:
    closed = threading.Event()

    def closing(wire: Wire) -> None:
        once(OK)(wire)
        wire.sock.close()
        closed.set()

    with RawServer(closing, answers(OK)) as server:
        transport = a_transport()
        said(transport, server)
        assert closed.wait(5)
        time.sleep(0.02)
        assert said(transport, server).status == 200
        assert (server.connections, len(server.requests)) == (2, 2)


def test_a_connection_whose_end_the_server_announced_is_not_used_again() -> None:
    with RawServer(answers(http({}, Connection="close"))) as server:
        transport = a_transport()
        assert [said(transport, server).status for _ in range(2)] == [200, 200]
        assert (server.connections, len(server.requests)) == (2, 2)


def test_a_kept_connection_that_breaks_under_a_request_is_unknown_and_nothing_is_sent_again() -> None:
    with RawServer(answers_then_resets(OK), answers(OK)) as server:
        transport = a_transport()
        said(transport, server)
        assert said(transport, server) == Failure(True, "the connection broke before the answer was complete")
        assert (server.connections, len(server.requests)) == (1, 2)


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire.connections, "IDLE_SECONDS", 0.0)
    with RawServer(answers_then_resets(OK)) as server:
        transport = a_transport()
        assert [said(transport, server).status for _ in range(2)] == [200, 200]
        assert server.connections == 2


@pytest.mark.parametrize("encrypted", [False, True])
def test_eight_threads_share_a_transport_and_each_gets_its_own_answer(
    encrypted: bool, publicly_trusted: Authority
) -> None:
    def echo(wire: Wire) -> None:
        while request := wire.read_request():
            wire.send(http(json.loads(request.partition(b"\r\n\r\n")[2])))

    wrong: list[Any] = []

    def ask(transport: Transport, number: int) -> None:
        for turn in range(10):
            answer = said(transport, server, siteid=f"{number}-{turn}")
            if answer.json() != {"siteid": f"{number}-{turn}"}:
                wrong.append(answer)

    transport = a_transport()
    with RawServer(echo, tls=publicly_trusted.server if encrypted else None) as server:
        threads = [threading.Thread(target=ask, args=(transport, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not wrong
        assert len(server.requests) == 80
        assert server.connections <= 8
        transport.close()


def test_the_environment_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, refusing_url: str, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, refusing_url)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, authority.ca_file)
    with RawServer(answers(OK)) as server:
        assert said(a_transport(), server).status == 200
        assert b"authorization" not in server.requests[0].lower()
    with RawServer(answers(OK), tls=authority.server) as server:
        assert "not trusted" in said(a_transport(), server).detail


def test_a_servers_cookie_is_not_sent_back() -> None:
    with RawServer(answers(http({}, Set_Cookie="PHPSESSID=1; path=/"))) as server:
        transport = a_transport()
        said(transport, server)
        said(transport, server)
        assert b"cookie" not in server.requests[1].lower()
