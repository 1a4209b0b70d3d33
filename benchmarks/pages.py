"""How long the console's pages take on the server with 100,000 orders in the database, and how large they are.

`python -m benchmarks.pages [--quick]` fills a new SQLite database, signs an administrator in and asks for each page in
turn, several rounds. Times are the whole application's (routing, sign-in, queries, template), without a network;
medians, the slowest round and the median of the processor time are printed. On a busy machine the last one is what
counts. Exits with 1 when a median is over the promise.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert

from app import create_app
from app.models import (
    Callback,
    DigestMessage,
    DigestRun,
    MessageState,
    Notice,
    NoticeState,
    Order,
    OrderSearch,
    OrderState,
    OrderStep,
    Role,
    RunState,
    StepState,
    now,
)
from app.people import users
from app.provisioning.order_search_rows import pieces_in
from app.provisioning.order_search_words import line_of
from app.services import Services
from app.setup import database_upgrade
from benchmarks.running import settings_with
from sandbox.contracts import a_contract
from utopia import Contract

ORDERS = 100_000
AT_A_TIME = 5_000
CUSTOMERS_TOLD = 5_000
PROMISED_MS = 50.0
PASSWORD = "timed with a stopwatch"
REST = {3: OrderState.NEEDS_REVIEW, 5: OrderState.WAITING, 7: OrderState.EXISTS, 11: OrderState.DISMISSED}

PAGES = (
    "/console",
    "/console/today",
    "/console/orders",
    "/console/orders?state=needs_review",
    "/console/orders?state=completed",
    "/console/orders?q=example+50000",
    "/console/orders?q=202601-099999",
    "/console/orders?q=nobody+has+this",
    "/console/orders?q=50000+North+Example+Avenue%2C+Salt+Lake+City",
    "/console/orders?q=ada700+lind",
    "/console/orders?q=(406)+555-0199",
    "/console/orders?q=lind&state=waiting",
    "/console/orders?problem=customer_refused",
    "/console/orders?plan=250+Mbps",
    "/console/orders?since=2026-01-01&state=completed&page=20",
    "/console/orders?sort=person",
    "/console/orders/UIA202601-050000",
    "/console/orders/UIA202601-000003",
    "/console/plans",
    "/console/ticket-texts",
    "/console/digest",
    "/console/digest/runs/1",
    "/console/look-up",
    "/console/people",
    "/console/people/me",
    "/console/settings",
    "/console/log",
)

_READ = Contract.read(a_contract())
assert _READ is not None, "the sandbox's contract is one"
CONTRACT = _READ.to_dict()


def fill(services: Services) -> None:
    """100,000 orders of three years in every state, with their steps, and a digest to 5,000 customers."""
    with services.database.write() as session:
        users.add(session, "Measure", PASSWORD, Role.ADMINISTRATOR)
    for first in range(1, ORDERS + 1, AT_A_TIME):
        numbers = range(first, first + AT_A_TIME)
        with services.database.write() as session:
            for table, rows in (
                (Order, _orders(numbers)),
                (OrderSearch, _search(numbers)),
                (Callback, _callbacks(numbers)),
                (OrderStep, _steps(numbers)),
                (Notice, _notices(numbers)),
            ):
                session.execute(insert(table), list(rows))
    with services.database.write() as session:
        _digest(session)


def _orders(numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        came = now() - timedelta(minutes=15 * (ORDERS - number))
        state = REST.get(number, OrderState.NEEDS_REVIEW if number % 1000 == 3 else OrderState.COMPLETED)
        review = state == OrderState.NEEDS_REVIEW
        yield {
            "id": number,
            "orderref": f"UIA202601-{number:06}",
            "state": state,
            "stage": "account",
            "problem": "customer_refused" if review else None,
            "reason": "PowerCode refused the customer" if review else None,
            "actions": [{"action": "resume", "label": "Try again"}] if review else [],
            "contract": a_contract(
                siteid=str(number), firstname=f"Ada{number % 977}", address=f"{number} N EXAMPLE AVE"
            ),
            "account": {"plans": [[163, "250 Mbps"]], "additional": [[172, "Bond fee"]]},
            "customer_id": str(number),
            "ticket_id": str(number),
            "waiting_for": "powercode" if state == OrderState.WAITING else None,
            "next_try_at": now() + timedelta(hours=1) if state == OrderState.WAITING else None,
            "received_at": came,
            "finished_at": came if state == OrderState.COMPLETED else None,
        }


def _search(numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        person, address = f"Ada{number % 977} Lind", f"{number} N EXAMPLE AVE, SALT LAKE CITY UT 84101"
        words = line_of(
            references=[f"UIA202601-{number:06}"],
            texts=[person, "4065550199", str(number), "250 Mbps"],
            address=address,
            mail=f"ada{number}@example.com",
        )
        shown = {"person": person, "address": address, "plan": "250 Mbps"}
        yield {"order_id": number, "words": words, **shown, **pieces_in(words)}


def _callbacks(numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        body = {"outcome": "order", "status": 200, "msg": "Project New Order", "body": "{}"}
        yield {"orderref": f"UIA202601-{number:06}", **body}


def _steps(numbers: range) -> Iterator[dict[str, Any]]:
    names = ("fetch_contract", "check_contract", "hand_over", "find_customer", "create_customer", "plan:163", "ticket")
    for number in numbers:
        for name in names:
            yield {"order_id": number, "name": name, "state": StepState.DONE, "attempts": 1, "finished_at": now()}


def _notices(numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        yield {
            "key": f"account_created:{number}",
            "kind": "account_created",
            "order_id": number,
            "state": NoticeState.SENT,
        }


def _digest(session: Any) -> None:
    run = {"id": 1, "key": "measured", "iso_week": "2026-W01", "started_by": "schedule", "source": "file:/x.csv"}
    session.execute(insert(DigestRun), [{**run, "state": RunState.COMPLETED, "finished_at": now()}])
    session.execute(
        insert(DigestMessage),
        [
            {
                "run_id": 1,
                "batch": number // 100,
                "email": f"ada{number}@example.com",
                "email_key": f"ada{number}@example.com",
                "full_name": f"Ada{number} Lind",
                "state": MessageState.UNKNOWN if number < 100 else MessageState.ACCEPTED,
            }
            for number in range(CUSTOMERS_TOLD)
        ],
    )


def signed_in(client: FlaskClient) -> FlaskClient:
    """The client, once an administrator has signed in with it."""
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get("/login").text)
    assert token is not None, "the sign-in has a form"
    answer = client.post("/login", data={"csrf_token": token[1], "name": "Measure", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


@dataclass
class Asked:
    """A page that was asked for: the milliseconds of each round, those of the processor, and its size in bytes."""

    times: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    size: int = 0


def measure(client: FlaskClient, rounds: int) -> dict[str, Asked]:
    """Each page in turn, several times."""
    seen = {path: Asked() for path in PAGES}
    for path in PAGES:
        client.get(path)
    for _ in range(rounds):
        for path in PAGES:
            began, worked = time.perf_counter(), time.process_time()
            answer = client.get(path)
            seen[path].times.append(1000 * (time.perf_counter() - began))
            seen[path].processor.append(1000 * (time.process_time() - worked))
            assert answer.status_code == 200, f"{path} answers {answer.status_code}"
            seen[path].size = len(answer.data)
    return seen


def main() -> None:
    """Fill, measure, print, and exit with 1 when a page is too slow."""
    parser = argparse.ArgumentParser(description="The console's pages with 100,000 orders")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_with(Path(folder))
        app = create_app(settings)
        services: Services = app.extensions["services"]
        database_upgrade.upgrade(services.database, settings)
        began = time.perf_counter()
        fill(services)
        print(f"{ORDERS:,} orders written in {time.perf_counter() - began:.0f} s")
        seen = measure(signed_in(app.test_client()), 5 if options.quick else 15)
        services.database.dispose()
    sys.exit(_judge(seen))


def _judge(seen: dict[str, Asked]) -> int:
    print(f"{'page':<62}{'median, ms':>12}{'slowest, ms':>13}{'processor':>11}{'kB':>8}")
    slow = []
    for path, asked in seen.items():
        median, processor = statistics.median(asked.times), statistics.median(asked.processor)
        print(f"{path:<62}{median:>12.1f}{max(asked.times):>13.1f}{processor:>11.1f}{asked.size / 1000:>8.1f}")
        if median >= PROMISED_MS:
            slow.append(path)
    promise = f"each page and each search under {PROMISED_MS:g} ms"
    print(f"{'NOT KEPT' if slow else 'kept    '}  {promise} {', '.join(slow)}".rstrip())
    return 1 if slow else 0


if __name__ == "__main__":
    main()
