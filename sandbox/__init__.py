"""Simulated UTOPIA, PowerCode, mail server and mail webhook on loopback, speaking the real wire formats.

The demo, developers and the tests run on it. In a test:

    with Sandbox() as sandbox:
        sandbox.utopia.add_order("UIA202411-001186", plan="1 Gbps")
        sandbox.powercode.fault("createCustomer", "no_answer")
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Self

from sandbox.contracts import ABSENT, a_contract, an_item
from sandbox.faults import Fault
from sandbox.http_messages import Call
from sandbox.mailbox import Mail, Mailbox
from sandbox.powercode import PowerCode
from sandbox.utopia import Utopia
from sandbox.webhook import Webhook


def connected_to(addresses: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, by name, that connect a service with a sandbox: with its `addresses`, or those of its process."""
    return {
        "utopia_url_endpoint": addresses["utopia"]["url"],
        "utopia_api_key": addresses["utopia"]["api_key"],
        "pc_url": addresses["powercode"]["url"],
        "pc_api_key": addresses["powercode"]["api_key"],
        "mail_server": addresses["mailbox"]["host"],
        "mail_port": addresses["mailbox"]["port"],
    }


class Sandbox:
    """The four simulated servers; they listen inside `with`, or from `start()` to `stop()`."""

    def __init__(self, *, host: str = "127.0.0.1", powercode_tls: tuple[str, str] | None = None) -> None:
        """All ports are free ones. `powercode_tls`: paths of a PEM certificate and its private key."""
        self.utopia = Utopia(host)
        self.powercode = PowerCode(host, powercode_tls)
        self.mailbox = Mailbox(host)
        self.webhook = Webhook(host)
        self._started = ExitStack()

    @property
    def servers(self) -> dict[str, Utopia | PowerCode | Mailbox | Webhook]:
        """The servers by name: `utopia`, `powercode`, `mailbox`, `webhook`."""
        return {
            "utopia": self.utopia,
            "powercode": self.powercode,
            "mailbox": self.mailbox,
            "webhook": self.webhook,
        }

    @property
    def addresses(self) -> dict[str, dict[str, Any]]:
        """Where the systems that every service calls listen, and their keys."""
        return {
            "utopia": {"url": self.utopia.url, "api_key": self.utopia.api_key},
            "powercode": {"url": self.powercode.url, "api_key": self.powercode.api_key},
            "mailbox": {"host": self.mailbox.host, "port": self.mailbox.port},
        }

    def start(self) -> Self:
        """Let all servers listen, or none when one of them can't."""
        with ExitStack() as starting:
            for server in self.servers.values():
                starting.callback(server.stop)
                server.up()
            self._started = starting.pop_all()
        return self

    def stop(self) -> None:
        """Close all servers and connections; returns when their threads have ended."""
        self._started.close()

    def clear_faults(self) -> None:
        """Disarm the faults of every server."""
        for server in self.servers.values():
            server.clear_faults()

    def reset(self) -> None:
        """Return to the initial state: everything up, no faults, nothing stored."""
        self.clear_faults()
        self.powercode.as_at_first()
        self.utopia.as_at_first()
        for server in self.servers.values():
            server.latency = 0.0  # first, as a call may come at once
            server.up()
        for kept in (self.utopia.orders, self.utopia.contracts, self.powercode.customers, self.powercode.tickets):
            kept.clear()
        for records in (self.mailbox.messages, self.webhook.posts, self.webhook.messages):
            records.clear()
        for calls in (self.utopia, self.powercode, self.webhook):
            calls.calls.clear()
            calls.call_counts.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()
