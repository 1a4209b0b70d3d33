"""The worker that has requests whole before a thread works on them: with real gunicorn, and a small application."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from config import PROJECT
from gunicorn_worker import Arrived, StillComing, take_what_is_here
from tests.tools.processes import until

THREADS = 2
HEAD = b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\n"

APPLICATION = """
import collections, json, threading
from gunicorn_worker import take_what_is_here
runs, going_on, unheld = [], threading.Event(), collections.defaultdict(threading.Event)

def app(environ, start_response):
    path, admitted = environ["PATH_INFO"], environ.get("HTTP_TOKEN") != "wrong"
    runs.append(path)
    if path == "/wait":
        going_on.wait(60)
    if environ["QUERY_STRING"] == "unhold":
        unheld[path].set()
    if path.startswith("/hold"):
        unheld[path].wait(60)
    if environ["QUERY_STRING"] == "go":
        going_on.set()
    if not admitted:
        take_what_is_here()
    body = environ["wsgi.input"].read(1000 if path == "/some" else -1)
    answer = {"path": path, "size": len(body), "runs": runs.count(path), "end": body[-9:].decode(),
              "waiting": runs.count("/wait"), "ran": sorted(set(runs))}
    content = b"x" * 200_000 if path == "/large" else json.dumps(answer).encode()
    start_response("200 OK" if admitted else "401 Unauthorized", [("Content-Length", str(len(content)))])
    return [content]
"""


class Running:
    """gunicorn with our worker, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "small.py").write_text(APPLICATION)
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        options = ("--threads", str(THREADS), "-b", f"127.0.0.1:{self.port}", "--no-control-socket")
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-k",
            "gunicorn_worker.Worker",
            *options,
            "--chdir",
            str(folder),
            "small:app",
        ]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
        until(self.can_connect)

    def can_connect(self) -> bool:
        try:
            return bool(self.open().close() is None)
        except OSError:
            return False

    def open(self, sent: bytes = b"") -> socket.socket:
        """A connection on which so much was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(sent)
        return connection

    def ask(self, path: str = "/", body: Any = None, method: str = "POST", **headers: str) -> tuple[int, Any]:
        """A whole request."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("gunicorn_worker"))
    yield running
    running.process.terminate()
    assert running.process.wait(60) == 0


def answer_on(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    parts = []
    with connection:
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST / HT", HEAD, HEAD + b"\r\n", HEAD + b"\r\n12345", b"POST / HTTP/1.1\r\nExpect: 100-continue\r\n"],
)
def test_half_open_requests_keep_no_thread(server: Running, sent: bytes) -> None:
    with ExitStack() as open_ones:
        for _ in range(20 * THREADS):
            open_ones.enter_context(server.open(sent))

        assert server.ask(body=b"0123456789")[0] == 200


@pytest.mark.parametrize(("path", "broken_off"), [("/hold-slow", False), ("/hold-broken-off", True)])
def test_many_that_are_not_whole_keep_no_whole_one_waiting_while_they_are_looked_at(
    server: Running, path: str, broken_off: bool
) -> None:
    with ExitStack() as open_ones:
        for _ in range(5 * THREADS):
            connection = server.open(HEAD.replace(b"/", path.encode(), 1) + b"\r\n12345")
            open_ones.enter_context(connection)
            if broken_off:
                connection.shutdown(socket.SHUT_WR)

        until(lambda: path in server.ask(body=b"0123456789")[1]["ran"])
        assert server.ask(body=b"0123456789")[0] == 200
        server.ask(f"{path}?unhold")


def test_a_body_that_comes_byte_by_byte_is_taken_whole(server: Running) -> None:
    connection = server.open(HEAD.replace(b"POST /", b"POST /slow") + b"Connection: close\r\n\r\n")
    for byte in b"0123456789":
        server.ask("/between")
        connection.sendall(bytes([byte]))

    content = json.loads(answer_on(connection).partition(b"\r\n\r\n")[2])
    assert (content["size"], content["end"]) == (10, "123456789")
    assert content["runs"] <= 2  # asked once whether it is wanted, and answered once


def test_a_chunked_body_is_taken_whole_also_with_an_end_in_its_middle(server: Running) -> None:
    parts = [b"abc\r\n0\r\n\r\n", b"d" * 100_000, b"the end!!"]

    answer = server.ask(body=iter(parts))[1]

    assert (answer["size"], answer["end"]) == (sum(map(len, parts)), "the end!!")


def test_who_is_not_admitted_is_answered_before_the_body_comes(server: Running) -> None:
    connection = server.open(HEAD + b"Token: wrong\r\n\r\n123")

    answered = answer_on(connection)

    assert answered.startswith(b"HTTP/1.1 401")
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["size"] == 3


def test_the_rest_of_a_refused_body_is_no_request(server: Running) -> None:
    hidden = b"POST /hidden HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n"
    head = HEAD.replace(b"10", str(len(hidden)).encode()) + b"Token: wrong\r\n\r\n"

    assert answer_on(server.open(head + hidden)).count(b"HTTP/1.1") == 1
    assert server.ask("/hidden")[1]["runs"] == 1


def test_who_waits_to_be_told_that_the_body_may_come_is_told_once(server: Running) -> None:
    connection = server.open(HEAD + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
    told = connection.recv(1000)
    connection.sendall(b"0123456789")

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer_on(connection).startswith(b"HTTP/1.1 200")


def test_requests_one_behind_the_other_are_answered_in_turn(server: Running) -> None:
    requests = b"".join(HEAD.replace(b"/ ", b"/%d " % number) + b"\r\n0123456789" for number in range(5))
    last = b"GET /last HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"

    answered = answer_on(server.open(requests + last))

    assert [json.loads(part.partition(b"\r\n\r\n")[2])["path"] for part in answered.split(b"HTTP/1.1 200")[1:]] == [
        *(f"/{number}" for number in range(5)),
        "/last",
    ]


def test_a_connection_is_kept_for_the_next_request(server: Running) -> None:
    ports = set()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        for number in range(3):
            connection.request("POST", f"/kept{number}", b"x" * number)
            assert json.loads(connection.getresponse().read())["size"] == number
            ports.add(connection.sock.getsockname()[1])
    assert len(ports) == 1


def test_an_application_that_wants_no_more_is_not_given_a_large_body(server: Running) -> None:
    connection = server.open(
        HEAD.replace(b"POST / ", b"POST /some ").replace(b"10", b"900000000") + b"\r\n" + b"x" * 200_000
    )

    assert answer_on(connection).startswith(b"HTTP/1.1 200")


def test_a_body_without_an_end_and_a_head_without_one_are_ended(server: Running) -> None:
    endless_head = answer_on(server.open(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000))
    body = HEAD.replace(b"10", b"900000000") + b"\r\n" + b"x" * 1_200_000

    assert endless_head.startswith(b"HTTP/1.1 431")
    assert answer_on(server.open(body)).startswith(b"HTTP/1.1 413")


def test_a_request_that_breaks_off_is_told_to_the_application(server: Running) -> None:
    connection = server.open(HEAD + b"\r\n12345")
    connection.shutdown(socket.SHUT_WR)

    assert json.loads(answer_on(connection).partition(b"\r\n\r\n")[2])["size"] == 5


def test_health_is_answered_while_all_threads_are_taken(server: Running) -> None:
    with ThreadPoolExecutor(THREADS) as callers:
        waiting = [callers.submit(server.ask, "/wait") for _ in range(THREADS)]
        until(lambda: server.ask("/healthz")[1]["waiting"] == THREADS)
        assert server.ask("/readyz", method="GET")[0] == 200
        assert not any(each.done() for each in waiting)

        assert server.ask("/healthz?go", method="GET")[0] == 200
        assert [each.result()[0] for each in waiting] == [200] * THREADS


def test_a_caller_who_does_not_read_keeps_no_thread(server: Running) -> None:
    with ExitStack() as open_ones:
        for _ in range(10 * THREADS):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: example.com\r\n\r\n")
            open_ones.enter_context(connection)

        assert server.ask()[0] == 200


@pytest.mark.sweep
def test_a_request_that_stalls_is_ended(server: Running) -> None:
    stalled = [server.open(sent) for sent in (b"", b"POST / HT", HEAD + b"\r\n1234")]

    silent, half_a_head, half_a_body = [answer_on(connection) for connection in stalled]

    assert silent == b""
    assert half_a_head.startswith(b"HTTP/1.1 408")
    assert json.loads(half_a_body.partition(b"\r\n\r\n")[2])["size"] == 4


def test_what_has_not_arrived_is_not_read_as_an_end() -> None:
    arrived = Arrived(b"abc")

    assert arrived.recv(2) + arrived.recv(2) == b"abc"
    with pytest.raises(StillComing):
        arrived.recv(1)
    arrived.ended = True
    assert arrived.recv(1) == b""


def test_outside_of_the_worker_everything_is_here() -> None:
    take_what_is_here()
