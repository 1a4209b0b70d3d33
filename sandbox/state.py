"""All that a sandbox holds, as plain JSON values, for the control API."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.accounts import Customer
    from sandbox.mailbox import Mail


def state_of(sandbox: Sandbox) -> dict[str, Any]:
    """`customers` (by id as a string), `orders` (contracts by orderref), `calls`, `mails`, `webhook`, `up`.

    A customer has `customer_id`, `name`, `fields`, `services`, `tickets` and `tags`; a mail `sender`, `recipients`,
    `headers`, `text` and `attachments` (names and sizes in bytes); a webhook message `idempotency_key` and `entry`.
    """
    with sandbox.powercode.lock:
        customers = {str(each.customer_id): _customer(each) for each in sandbox.powercode.customers.values()}
    with sandbox.utopia.lock:
        orders = dict(sandbox.utopia.orders)
    return {
        "customers": customers,
        "orders": orders,
        "calls": _calls(sandbox),
        "mails": [_mail(mail) for mail in list(sandbox.mailbox.messages)],
        "webhook": [
            {"idempotency_key": each.idempotency_key, "entry": each.entry} for each in sandbox.webhook.messages
        ],
        "up": {name: server.is_up for name, server in sandbox.servers.items()},
    }


def counts_of(sandbox: Sandbox) -> dict[str, Any]:
    """How many customers, orders, mails and webhook messages there are; the calls by server and action, and the faults
    that they got by server and kind (of the calls that are still kept).
    """
    return {
        "customers": len(sandbox.powercode.customers),
        "orders": len(sandbox.utopia.orders),
        "mails": len(sandbox.mailbox.messages),
        "webhook": len(sandbox.webhook.messages),
        "calls": _calls(sandbox),
        "faults": _faults(sandbox),
    }


def _faults(sandbox: Sandbox) -> dict[str, dict[str, int]]:
    faults = {}
    for name, server in (("utopia", sandbox.utopia), ("powercode", sandbox.powercode), ("webhook", sandbox.webhook)):
        with server.lock:
            faults[name] = dict(Counter(call.fault for call in server.calls if call.fault))
    return faults


def _calls(sandbox: Sandbox) -> dict[str, dict[str, int]]:
    servers = {"utopia": sandbox.utopia, "powercode": sandbox.powercode, "webhook": sandbox.webhook}
    calls = {}
    for name, server in servers.items():
        with server.lock:
            calls[name] = dict(server.call_counts)
    return calls


def _customer(customer: Customer) -> dict[str, Any]:
    return {"name": customer.company_name, **asdict(customer), "fields": customer.readable_fields()}


def _mail(mail: Mail) -> dict[str, Any]:
    return {
        "sender": mail.envelope.sender,
        "recipients": list(mail.envelope.recipients),
        "headers": {name: str(value) for name, value in mail.items()},
        "text": mail.text,
        "attachments": {name: len(content) for name, content in mail.attachments.items()},
    }
