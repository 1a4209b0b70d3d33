"""Orders in a sandbox: adding them, waiting until they are done, and checking the result."""

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.control import SandboxControl
from tests.tools.promises import ADDITIONAL_PLANS, PLANS, TAGS, contract_of, customers_of

CALLS_AN_ORDER = 10
QUIET_SECONDS = 4.0
"""After this long without a remote call, all orders are done: it is longer than any pause within an order."""

Json = Mapping[str, Any]


def add_orders(control: SandboxControl, numbers: Iterable[int]) -> list[str]:
    """Put orders into UTOPIA, each of its own person; their references."""
    orders = {f"UIA202411-{number:06}": contract_of(number) for number in numbers}
    for orderref, contract in orders.items():
        control.add_order(orderref, **contract)
    return list(orders)


def set_latency(control: SandboxControl, milliseconds: int) -> None:
    """Set the latency of each call of UTOPIA and PowerCode; not of the mail server."""
    for system in ("utopia", "powercode"):
        control.latency(system, milliseconds / 1000)


@dataclass(frozen=True)
class Calls:
    """Remote calls: all, and those that add a tag, which an account gets last."""

    total: float
    tags: float

    def and_orders(self, orders: int) -> "Calls":
        """The counts to expect once so many more orders are done."""
        return Calls(self.total + CALLS_AN_ORDER * orders, self.tags + len(TAGS) * orders)


NEVER = Calls(math.inf, math.inf)


def calls_of(control: SandboxControl) -> Calls:
    """The calls so far."""
    counted = control.counts()["calls"]
    tags = counted["powercode"].get("POST customer/tags/customer", 0)
    return Calls(sum(sum(each.values()) for each in counted.values()), tags)


def settled(control: SandboxControl, enough: Calls) -> float:
    """Wait for either number of calls, or until none comes any more; returns the time of the last (`perf_counter`)."""
    seen, at = calls_of(control), time.perf_counter()
    while seen.total < enough.total and seen.tags < enough.tags and time.perf_counter() < at + QUIET_SECONDS:
        time.sleep(0.02)
        now = calls_of(control)
        if now != seen:
            seen, at = now, time.perf_counter()
    return at


def left_behind(state: Json, orderrefs: Sequence[str]) -> Counter[str]:
    """How many orders have a `whole` account, anything `double`, are there `in part`, or are `missing`.

    `state` is `sandbox.state.state_of`.
    """
    return Counter(_left_of(state, orderref) for orderref in orderrefs)


def _left_of(state: Json, orderref: str) -> str:
    customers = customers_of(state, orderref)
    if not customers:
        return "missing"
    (customer, *more) = customers
    services = sorted(service["service_id"] for service in customer["services"])
    if more or len(set(services)) < len(services) or len(customer["tickets"]) > 1:
        return "double"
    plan = PLANS[state["orders"][orderref]["orderitems"][0]["description"]]
    whole = services == sorted([plan, *ADDITIONAL_PLANS]) and customer["tickets"] and sorted(customer["tags"]) == TAGS
    return "whole" if whole else "in part"
