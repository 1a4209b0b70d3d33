"""Clients that post callbacks as fast as they are answered, each callback on a connection of its own."""

import json
import math
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

TIMEOUT_SECONDS = 60.0


@dataclass
class Answers:
    """The results of one round: seconds for each answer, statuses (0: no answer), and the round's seconds."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def median_ms(self) -> float:
        """The median of the latencies."""
        return 1000 * statistics.median(self.latencies)

    @property
    def p99_ms(self) -> float:
        """The 99th percentile of the latencies."""
        return 1000 * sorted(self.latencies)[int(len(self.latencies) * 0.99)]

    @property
    def other_than_200(self) -> int:
        """Answers that were not HTTP 200, lost ones among them."""
        return sum(number for status, number in self.statuses.items() if status != 200)

    def __add__(self, other: "Answers") -> "Answers":
        return Answers(
            self.latencies + other.latencies, self.statuses + other.statuses, max(self.seconds, other.seconds)
        )


def orders(name: str) -> Iterator[bytes]:
    """Endless callbacks, each of a new order."""
    for number in count(1):
        yield callback_of(f"{name}-{number:06}")


def callback_of(orderref: str) -> bytes:
    """The request of an order's callback."""
    message = {"event": "Project Update", "orderref": orderref, "msg": "Project New Order"}
    body = json.dumps(message).encode()
    head = f"POST /api-callback HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def post(port: int, name: str, *, clients: int, seconds: float) -> Answers:
    """Let so many clients post at the same time for so long; `name` is the prefix of their orders' references."""
    until = time.perf_counter() + seconds
    return _together(port, [orders(f"{name}-{number}") for number in range(clients)], until)


def post_each(port: int, orderrefs: Sequence[str], *, clients: int) -> Answers:
    """Let so many clients post the callbacks of these orders, each of them once."""
    return _together(port, [map(callback_of, orderrefs[number::clients]) for number in range(clients)])


def _together(port: int, queues: Sequence[Iterator[bytes]], until: float = math.inf) -> Answers:
    """A client for each queue posts what comes out of it, to its end or until then."""
    results: list[Answers] = []
    began = time.perf_counter()

    def client(requests: Iterator[bytes]) -> None:
        results.append(_one_client(port, requests, until))

    threads = [threading.Thread(target=client, args=(requests,)) for requests in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(results, Answers())
    total.seconds = time.perf_counter() - began
    return total


def _one_client(port: int, requests: Iterator[bytes], until: float) -> Answers:
    answers = Answers()
    while time.perf_counter() < until and (request := next(requests, None)) is not None:
        began = time.perf_counter()
        try:
            with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
                connection.sendall(request)
                status = _status(connection)
        except OSError:
            status = 0
        answers.latencies.append(time.perf_counter() - began)
        answers.statuses[status] += 1
    return answers


def _status(connection: socket.socket) -> int:
    """The status of the answer, once all of it is there."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
    while len(body) < length:
        body += _some(connection)
    return int(lines[0].split()[1])


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(4096)
    if not received:
        raise ConnectionResetError
    return received
