"""The promises of the product, checked against what a sandbox holds: nothing lost, nothing twice, everybody told."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sandbox import Sandbox
from tests.tools.processes import ServiceProcess

Json = Mapping[str, Any]

PLANS = {"1 Gbps": 164, "250 Mbps": 163}
ADDITIONAL_PLANS = [172]
TAGS = [5, 9]

NAMES = ("Ada", "Bo", "Cleo", "Dag", "Eve", "Finn", "Gro", "Hal", "Ida", "Jon", "Kaja", "Leo", "Mia", "Nils", "Odd")
FAMILIES = ("Lind", "Moe", "Strand", "Bakke", "Haugen", "Vik", "Dahl", "Egeland", "Foss", "Grande", "Holm", "Iversen")


def contract_of(number: int) -> dict[str, str]:
    """A contract of its own person at its own address for each number, as `Utopia.add_order` takes it."""
    name, family = NAMES[number % len(NAMES)], f"{FAMILIES[number % len(FAMILIES)]}{_letters(number)}"
    return {
        "firstname": name,
        "lastname": family,
        "email": f"{name}.{family}@example.com".lower(),
        "phone": f"40655501{number % 100:02}",
        "siteid": str(710_000 + number),
        "address": f"{100 + number} N EXAMPLE AVENUE",
        "plan": list(PLANS)[number % len(PLANS)],
    }


def take(sandbox: Sandbox, process: ServiceProcess, numbers: Iterable[int]) -> list[str]:
    """Orders of these numbers, each of its own person, acknowledged by the process; their references."""
    orderrefs = []
    for number in numbers:
        orderrefs.append(f"UIA202411-{number:06}")
        sandbox.utopia.add_order(orderrefs[-1], **contract_of(number))
        assert process.post_callback(orderrefs[-1]) == 200
    return orderrefs


def _letters(number: int) -> str:
    """A number as letters, far enough from its neighbours to be another name: `bakedo`."""
    syllables = ("ba", "ke", "do", "mi", "ru", "sa", "te", "lo", "vi", "nu")
    return "".join(syllables[int(digit)] for digit in f"{number:03}")


def broken(state: Json, orders: Sequence[Json]) -> list[str]:
    """Every promise that was not kept, a line each.

    `state` is `sandbox.state.state_of`; `orders` are all acknowledged ones, as `orders show --json` prints them.
    """
    return [f"{order['orderref']}: {fault}" for order in orders for fault in _faults(state, order)]


def customers_of(state: Json, orderref: str) -> list[Json]:
    """The customers that were made for an order."""
    note = f"Order# {orderref}"
    return [each for each in state["customers"].values() if note in each["fields"]["customerNotes"].splitlines()]


def mails_of(state: Json, orderref: str, subject: str) -> Counter[str]:
    """How often each mail about an order arrived, by its Message-ID."""
    headers = [mail["headers"] for mail in state["mails"]]
    about = [each for each in headers if each["Subject"].startswith(subject) and orderref in each["Subject"]]
    return Counter(each["Message-ID"] for each in about)


def repeats(state: Json) -> int:
    """Mails that arrived once more, with the Message-ID that they had before."""
    return len(state["mails"]) - len({mail["headers"]["Message-ID"] for mail in state["mails"]})


def _faults(state: Json, order: Json) -> Iterator[str]:
    customers = customers_of(state, order["orderref"])
    if len(customers) > 1:
        yield f"double: {len(customers)} accounts"
    for customer in customers:
        yield from _doubles(customer)
    if order["state"] == "completed":
        yield from _incomplete(state, order, customers)
    elif order["state"] != "needs_review":
        yield f"lost: it is {order['state']}"
    yield from _untold(state, order)


def _doubles(customer: Json) -> Iterator[str]:
    services = Counter(service["service_id"] for service in customer["services"])
    yield from (f"double: {times} times plan {service}" for service, times in services.items() if times > 1)
    if len(customer["tickets"]) > 1:
        yield f"double: {len(customer['tickets'])} tickets"
    if len(customer["tags"]) > len(set(customer["tags"])):
        yield f"double: tags {customer['tags']}"


def _incomplete(state: Json, order: Json, customers: Sequence[Json]) -> Iterator[str]:
    """What a completed order lacks."""
    plan = state["orders"][order["orderref"]]["orderitems"][0]["description"]
    for customer in customers:
        plans = sorted(service["service_id"] for service in customer["services"])
        if set(plans) != {PLANS[plan], *ADDITIONAL_PLANS}:
            yield f"lost: its plans are {plans}"
        if not customer["tickets"]:
            yield "lost: no ticket"
        if sorted(customer["tags"]) != TAGS:
            yield f"lost: its tags are {customer['tags']}"
    if not customers:
        yield "lost: no account"


def _untold(state: Json, order: Json) -> Iterator[str]:
    """The notices that should have arrived and didn't."""
    recorded = sum(notice["kind"] == "account_created" for notice in order["notices"])
    arrived = len(mails_of(state, order["orderref"], "Account created"))
    if arrived != recorded:
        yield f"notice: {recorded} of an account are recorded, {arrived} arrived"
    if order["state"] == "completed" and not recorded:
        yield "notice: no account_created"
    subjects = [mail["headers"]["Subject"] for mail in state["mails"]]
    if order["state"] == "needs_review" and not any(subject.startswith("Needs you") for subject in subjects):
        yield "notice: no needs_you, also none of another order of its cause"
