"""Callbacks that nobody would send, at the running service: does it ever do more than take, refuse and record?

`python -m benchmarks.fuzz_callback [--seconds 60] [--seed N]` sends mutated requests over loopback: JSON, encodings,
headers, sizes, chunks, bodies that come slowly or not at all. Exits with 1 when the service answers with a 5xx, ends,
takes ever more memory, acknowledges an order that is not on disk, leaves an answer unrecorded (of refused ones, beyond
what is kept of a flood), or writes a traceback or
anything of a body to its log.
"""

import argparse
import gzip
import json
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.callbacks.contents import NEW_ORDER
from app.models import Callback, CallbackOutcome, Order
from app.setup import database_upgrade
from app.storage.database import Database
from benchmarks.running import settings_for
from config import Settings
from sandbox import Sandbox
from tests.tools.processes import ServiceProcess

CANARY = "canary person 406-555-0143"
CANARY_WORD = "canary"
"""This word is in each body, and must never be in the log."""
MOST_MEGABYTES = 120.0
ANSWER_SECONDS = 10.0
OF_THE_SERVER = (501, 505)
"""With these, gunicorn itself refuses a transfer encoding or a version of HTTP that it doesn't know."""
NASTY_TEXTS = ("", " ", "\x00", "\ud800", "\u202e", "x" * 70_000, "UIA-1\r\nX: y", "'; DROP TABLE orders; --", "../..")
NASTY_VALUES: tuple[Any, ...] = (None, True, 0, -1, 1e308, 10**400, [], {}, [[]], *NASTY_TEXTS)
NASTY_HEADERS = (
    "Content-Type: text/plain",
    "Content-Type: text/json; charset=utf-16",
    "Content-Type: \xff",
    "Content-Type:",
    "X-Forwarded-For: ::1, \x01, ' OR 1=1",
    "Content-Encoding: gzip",
    "Expect: 100-continue",
    "Expect: nothing",
    "Authorization: Basic !!!!",
    "Authorization: Basic " + "QQ==" * 500,
    "Authorization: Digest x",
    "Cookie: session=x",
    "X-Callback-Token: \xe9",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: identity, chunked",
    "Content-Length: 1",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "X: " + "y" * 9000,
    "Host: \xff",
    "Bad header",
)


@dataclass(frozen=True)
class Sent:
    """A request: its bytes in the parts in which they go out, and its body, when the service can have all of it."""

    parts: list[bytes]
    body: bytes | None


@dataclass
class Found:
    """The results: answers by status (0: none), and what the service did that it must never do."""

    answers: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    recorded: Counter[int] = field(default_factory=Counter)


# What is sent


def a_message(dice: random.Random) -> dict[str, Any]:
    """A callback as UTOPIA sends it, or nearly."""
    msg = dice.choice(("Project New Order", "project  new order", "Project Update", "Test", "", CANARY))
    message: dict[str, Any] = {"event": "Project Update", "orderref": f"UIA-{dice.randrange(400)}", "msg": msg}
    message["note"] = CANARY
    for _ in range(dice.choice((0, 0, 0, 1, 2))):
        message[dice.choice(list(message))] = dice.choice(NASTY_VALUES)
    if dice.random() < 0.1:
        del message[dice.choice(list(message))]
    return message


def a_body(dice: random.Random) -> bytes:
    """A body: JSON that is spoiled, nested, doubled, too large, or in another encoding."""
    text = json.dumps(a_message(dice), ensure_ascii=dice.random() < 0.7)
    sound = text.encode("utf-8", "replace")
    return dice.choice(
        (
            *(lambda: sound,) * 4,
            *(lambda: _spoiled(sound, dice),) * 2,
            lambda: b"[" * dice.choice((10, 1000, 30_000)) + sound,
            lambda: f'{{"orderref": "UIA-{dice.randrange(400)}", '.encode() + sound[1:],
            lambda: text.encode(dice.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7")), "replace"),
            lambda: gzip.compress(sound, mtime=0),
            lambda: sound + b" " * dice.choice((65_000, 65_536, 65_537, 200_000)),
            lambda: dice.choice((b"", b" ", b"null", b"[]", b'"x"', b"NaN", b"\x00", dice.randbytes(200))),
        )
    )()


def _spoiled(body: bytes, dice: random.Random) -> bytes:
    spoiled = bytearray(body)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(spoiled))
        spoiled[at : at + dice.randrange(3)] = dice.choice((b"", b'"', b"\\", b"\xff", b"\x00", dice.randbytes(2)))
        spoiled += b" " * (not spoiled)
    return bytes(spoiled)


def a_request(dice: random.Random) -> Sent:
    """A request whose body the service gets whole, or one that HTTP itself refuses or never ends."""
    path = dice.choice(("/api-callback",) * 6 + ("/api-callback?token=%ff", "/api-callback?token=" + "x" * 3000))
    start = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    if dice.random() < 0.3:
        return _broken(start, a_body(dice), dice)
    return _whole(start, a_body(dice), dice)


def _whole(start: str, body: bytes, dice: random.Random) -> Sent:
    kind = dice.choice(("Content-Type: application/json",) * 4 + NASTY_HEADERS[:4])
    if dice.random() < 0.1:
        return Sent([_head(start, kind, "Transfer-Encoding: chunked"), *_chunks(body, dice)], body)
    head = _head(start, kind, f"Content-Length: {len(body)}")
    if dice.random() < 0.1:
        at = dice.randrange(len(body) + 1)
        return Sent([head, body[:at], b"", body[at:]], body)
    return Sent([head, body], body)


def _broken(start: str, body: bytes, dice: random.Random) -> Sent:
    match dice.randrange(4):
        case 0:
            broken = dice.choice(
                (CANARY_WORD.encode() + b"\r\n", b"-1\r\n", b"f" * 16 + b"1\r\n", b"5\r\nab", b"1;" + b"x" * 9000)
            )
            return Sent([_head(start, "Transfer-Encoding: chunked"), broken], None)
        case 1:
            return Sent([_head(start, f"Content-Length: {len(body) + 50}"), body], None)
        case 2:
            garbage = (b"\x16\x03\x01\x02", b"GET\r\n\r\n", b"POST /api-callback HTTP/9.9\r\n\r\n")
            return Sent([dice.choice(garbage)], None)
    return Sent([_head(start, dice.choice(NASTY_HEADERS), f"Content-Length: {len(body)}"), body], None)


def _head(start: str, *headers: str) -> bytes:
    return (start + "".join(f"{header}\r\n" for header in headers) + "\r\n").encode("latin-1")


def _chunks(body: bytes, dice: random.Random) -> list[bytes]:
    chunks, at = [], 0
    while at < len(body):
        part = body[at : at + dice.randint(1, max(1, len(body) // 3))]
        chunks.append(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        at += len(part)
    return [*chunks, b"0\r\n\r\n"]


def expected_order(body: bytes | None) -> str | None:
    """The order that an acknowledgement of this body promises, by a plain reading of its JSON."""
    with suppress(ValueError, RecursionError, TypeError):
        content = json.loads(body or b"")
        if " ".join(str(content["msg"]).split()).casefold() == NEW_ORDER:
            return str(content["orderref"]).strip()
    return None


# What comes back


def exchange(port: int, sent: Sent, dice: random.Random) -> tuple[int, bytes]:
    """The status (0 without one) and the body of the answer."""
    answer = b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as line:
        with suppress(OSError):
            for part in sent.parts:
                line.sendall(part)
                if not part:
                    time.sleep(dice.uniform(0, 0.1))
            if sent.body is None:
                line.shutdown(socket.SHUT_WR)
        while received := line.recv(65_536):
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]) if len(words) > 1 and words[1].isdigit() else 0), body


class FuzzedService:
    """A service, and the checks that it must pass whatever is sent."""

    def __init__(self, service: ServiceProcess, database: Database) -> None:
        self._service, self._database = service, database
        self.found = Found()

    def send(self, dice: random.Random) -> None:
        """Send one request, and judge the answer."""
        sent = a_request(dice)
        status, body = exchange(self._service.port, sent, dice)
        self.found.answers[status] += 1
        if status >= 500 and status not in OF_THE_SERVER:
            self.found.faults.append(f"{status} to {sent.parts[0][:80]!r}")
        if status == 0 and sent.body is not None:
            self.found.faults.append(f"no answer to {sent.parts[0][:80]!r}")
        if body.startswith((b'{"data"', b'{"error"')):
            self.found.recorded[status] += 1
        if status == 200 and (orderref := expected_order(sent.body)) is not None:
            self.found.acknowledged.add(orderref)

    def judge(self, workers: list[int], megabytes: float) -> None:
        """Check what must hold at the end."""
        grown = self._service.megabytes - megabytes
        said = self._service.log + self._service.printed
        missing = self.found.acknowledged - self._orders()
        recorded = self._callbacks()
        unrecorded = {status: count - recorded[status] for status, count in self.found.recorded.items()}
        if CallbackOutcome.FLOOD in self._outcomes():
            unrecorded = {200: unrecorded.get(200, 0)}
        broken = {
            "a worker ended": self._service.workers != workers,
            f"memory grew by {grown:.0f} MB": grown > MOST_MEGABYTES,
            f"{len(missing)} acknowledged orders are not on disk": bool(missing),
            f"answers that were not recorded, by status: {unrecorded}": any(left > 0 for left in unrecorded.values()),
            "a traceback is in the log": "Traceback" in said,
            "a part of a body is in the log": CANARY_WORD in said,
            "a callback has no known outcome": not self._outcomes() <= set(CallbackOutcome),
        }
        self.found.faults += [fault for fault, is_so in broken.items() if is_so]

    def _orders(self) -> set[str]:
        with self._database.read() as session:
            return set(session.scalars(select(Order.orderref)))

    def _callbacks(self) -> Counter[int]:
        with self._database.read() as session:
            rows = session.execute(select(Callback.status, func.count().label("times")).group_by(Callback.status)).all()
            return Counter({row.status: row.times for row in rows})

    def _outcomes(self) -> set[str]:
        with self._database.read() as session:
            return set(session.scalars(select(Callback.outcome).distinct()))


def fuzz(settings: Settings, folder: Path, seed: int, *, seconds: float = 1e9, most: int = sys.maxsize) -> Found:
    """Requests for so long, or so many, to a service that is started for them."""
    database = Database(settings.database_url)
    database_upgrade.upgrade(database, settings)
    with ServiceProcess(settings, folder) as process:
        process.start()
        fuzzed = FuzzedService(process, database)
        _repeat(fuzzed.send, f"{seed} warm", seconds=min(seconds, 1.0), most=min(most, 50))
        workers, megabytes = process.workers, process.megabytes
        _repeat(fuzzed.send, str(seed), seconds=seconds, most=most)
        fuzzed.judge(workers, megabytes)
    database.dispose()
    return fuzzed.found


def _repeat(send: Callable[[random.Random], None], seed: str, *, seconds: float, most: int) -> None:
    deadline, number = time.monotonic() + seconds, 0
    while number < most and time.monotonic() < deadline:
        send(random.Random(f"{seed} {number}"))
        number += 1


def main() -> None:
    """Run, print what came of it, and exit with 1 when the service did what it must not."""
    parser = argparse.ArgumentParser(description="Sends mutated callbacks to a service and counts what came of them")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="the same seed, the same requests")
    options: Any = parser.parse_args()
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = fuzz(settings_for(sandbox, folder), folder, options.seed, seconds=options.seconds)
    print(f"seed {options.seed}: answers by status {dict(sorted(found.answers.items()))}")
    print(f"{len(found.acknowledged)} orders acknowledged, all of them looked for on the disk")
    for fault, times in Counter(found.faults).most_common(20):
        print(f"BROKEN ({times} times): {fault}")
    sys.exit(1 if found.faults else 0)


if __name__ == "__main__":
    main()
