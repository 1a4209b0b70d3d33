"""What a sandbox holds, as plain JSON values: for the control API, and for tests that compare it with our rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.accounts import Customer


def state_of(sandbox: Sandbox) -> dict[str, Any]:
    """`customers` (by id as a string), `orders` (contracts by orderref), `mails`, `up` (by server).

    A customer has `customer_id`, `name`, `fields`, `services`, `tickets` and `tags`; a mail has `headers`.
    """
    with sandbox.powercode.lock:
        customers = {str(each.customer_id): _customer(each) for each in sandbox.powercode.customers.values()}
    with sandbox.utopia.lock:
        orders = dict(sandbox.utopia.orders)
    mails = [{name: str(value) for name, value in mail.items()} for mail in list(sandbox.mailbox.messages)]
    return {
        "customers": customers,
        "orders": orders,
        "mails": [{"headers": headers} for headers in mails],
        "up": {name: server.is_up for name, server in sandbox.servers.items()},
    }


def counts_of(sandbox: Sandbox) -> dict[str, Any]:
    """The `calls` by server and action, and the `faults` that they got by server and kind, of the calls still kept."""
    calls, faults = {}, {}
    for name, server in (("utopia", sandbox.utopia), ("powercode", sandbox.powercode), ("webhook", sandbox.webhook)):
        with server.lock:
            calls[name] = dict(server.call_counts)
            faults[name] = dict(Counter(call.fault for call in server.calls if call.fault))
    return {"calls": calls, "faults": faults}


def _customer(customer: Customer) -> dict[str, Any]:
    return {"name": customer.company_name, **asdict(customer), "fields": customer.readable_fields()}
