"""Orders in a sandbox: adding them, waiting until they are done, and checking the result."""

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.control import SandboxControl
from tests.tools.promises import ADDITIONAL_PLANS, PLANS, TAGS, contract_of, customers_of

QUIET_SECONDS = 4.0
"""After this long without a remote call, all orders are done: it is longer than any pause within an order."""

Json = Mapping[str, Any]


def add_orders(control: SandboxControl, numbers: Iterable[int]) -> list[str]:
    """Put orders into UTOPIA, each of its own person; their references."""
    orders = {f"UIA202411-{number:06}": contract_of(number) for number in numbers}
    for orderref, contract in orders.items():
        control.add_order(orderref, **contract)
    return list(orders)


def calls_of(control: SandboxControl) -> tuple[int, int]:
    """The calls so far: all, and those that add a tag, which an account gets last."""
    counted = control.counts()["calls"]
    tags = counted["powercode"].get("POST customer/tags/customer", 0)
    return sum(sum(each.values()) for each in counted.values()), tags


def settled(control: SandboxControl, tags: float = math.inf) -> float:
    """Wait for so many calls that add a tag, or until no call comes any more; when the last came (`perf_counter`)."""
    seen, at = calls_of(control), time.perf_counter()
    while seen[1] < tags and time.perf_counter() < at + QUIET_SECONDS:
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
