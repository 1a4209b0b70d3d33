"""A simulated mail server that keeps what it is sent, and refuses, hangs or breaks off when told to."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, cast

from aiosmtpd.controller import BaseThreadedController
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from sandbox.faults import Fault, FaultPlan
from sandbox.ports import Switchable

KINDS = {
    "refuse": frozenset[str](),
    "reject": frozenset({"code", "text"}),
    "slow": frozenset({"seconds", "when"}),
    "hang": frozenset({"seconds"}),
    "no_answer": frozenset[str](),
}
HANG_SECONDS = 300.0
LARGEST = 32 * 1024 * 1024
SESSION_IS_FULL = "421 4.7.0 Too many mails in this session"
HOST_NAME = "mail.example.com"
MECHANISMS = ("PLAIN", "LOGIN")
"""The ways to sign in that the server knows."""


@dataclass(frozen=True)
class Envelope:
    """Sender and recipients as given in the SMTP dialogue (not in the headers)."""

    sender: str
    recipients: tuple[str, ...]


class Mail(EmailMessage):
    """A mail that the server took: the parsed message with its envelope, its bytes and when it came (epoch seconds)."""

    envelope: Envelope
    raw: bytes
    at: float

    @property
    def text(self) -> str:
        """The plain text (the HTML when there is none); empty when it has neither."""
        body = self.get_body(("plain", "html"))
        return str(body.get_content()).replace("\r\n", "\n") if body else ""

    @property
    def attachments(self) -> dict[str, bytes]:
        """The attached files by name."""
        parts = self.iter_attachments()
        return {part.get_filename() or "": part.get_payload(decode=True) or b"" for part in parts}  # type: ignore[misc]


class Mailbox(Switchable):
    """A mail server on loopback; `messages` are the mails it took.

    `refuse`: every connection is turned away with 421. `rejected_recipients`: addresses that get 550. `latency`:
    seconds added to each mail. `connections` counts connections made. `largest`: the size of a mail, in bytes, that
    it announces and takes. `most_a_session`: how many mails it takes in one before it closes it with 421.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: tuple[str, str] | None = None,
        implicit_tls: bool = False,
        credentials: tuple[str, str] | None = None,
        *,
        mechanisms: tuple[str, ...] = MECHANISMS,
    ) -> None:
        """`tls`: PEM certificate and key, for STARTTLS, or for TLS from the start with `implicit_tls`.

        With `credentials` (user name and password), a mail is taken after signing in alone, by one of `mechanisms`.
        """
        super().__init__(host, port, tls=tls)
        self.messages: list[Mail] = []
        self.refuse = False
        self.rejected_recipients: set[str] = set()
        self.latency = 0.0
        self.connections = 0
        self.largest = LARGEST
        self.most_a_session: int | None = None
        self._faults = FaultPlan(KINDS)
        self._implicit_tls = implicit_tls
        self._credentials = credentials
        self._mechanisms = mechanisms

    def _listen(self, bound: socket.socket) -> _Controller:
        # At INFO the library's log shows every address and subject; the messages can be seen here instead.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        controller = _Controller(self, bound, self._tls if self._implicit_tls else None, **self._smtp_options())
        controller.start()
        return controller

    def fault(self, action: str, kind: str, times: int | None = 1, **args: Any) -> Fault:
        """Arm a fault for the next `times` (None: until cleared) of `CONNECT`, `MAIL`, `RCPT`, `DATA` or `*`; returned.

        `DATA` is hit when the whole mail has arrived. `refuse` closes the connection, `reject` answers `code` (451)
        and `text`, `slow` answers after `seconds` (1; the mail is taken then, or first with `when="after"`), `hang`
        doesn't answer for `seconds` (300) and closes; none of these but `slow` takes the mail. `no_answer` takes it
        and closes the connection.
        """
        return self._faults.add(action, kind, times, args)

    def clear_faults(self) -> None:
        """Disarm every fault, `refuse`, `rejected_recipients` and the limits among them; `latency` stays."""
        self._faults.clear()
        self.refuse = False
        self.largest, self.most_a_session = LARGEST, None
        self.rejected_recipients.clear()

    # Called by the connections, on the server's thread

    async def greets(self, connection: SMTP) -> bool:
        """Whether a new connection is served; if not, it is turned away here."""
        self.connections += 1
        refusal = "421 4.3.2 Service not available" if self.refuse else await self._spoilt(connection, "CONNECT")
        if refusal and connection.transport:
            await connection.push(refusal)
            connection.transport.close()
        return refusal is None

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's names)
        self, connection: SMTP, _session: Any, envelope: SmtpEnvelope, address: str, options: list[str]
    ) -> str:
        """Answer to `MAIL FROM`."""
        taken = cast(_Connection, connection).taken
        is_full = self.most_a_session is not None and taken >= self.most_a_session
        refusal = SESSION_IS_FULL if is_full else await self._spoilt(connection, "MAIL")
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, connection: SMTP, _session: Any, envelope: SmtpEnvelope, address: str, options: list[str]
    ) -> str:
        """Answer to one `RCPT TO`."""
        refusal = await self._spoilt(connection, "RCPT")
        if refusal is None and address in self.rejected_recipients:
            refusal = "550 5.1.1 No such user here"
        if refusal is None:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return refusal or "250 OK"

    async def handle_DATA(self, connection: SMTP, _session: Any, envelope: SmtpEnvelope) -> str:  # noqa: N802
        """Take the mail that has arrived, unless a fault keeps it out."""
        await asyncio.sleep(self.latency)
        fault = self._faults.take("DATA")
        taken_first = fault is not None and (fault.kind == "no_answer" or fault.args.get("when") == "after")
        if taken_first:
            self._keep(envelope)
        refusal = await _spoil(connection, fault) if fault else None
        if refusal is None and not taken_first:
            self._keep(envelope)
        cast(_Connection, connection).taken += refusal is None
        return refusal or "250 OK"

    async def _spoilt(self, connection: SMTP, action: str) -> str | None:
        fault = self._faults.take(action)
        return await _spoil(connection, fault) if fault else None

    def _keep(self, envelope: SmtpEnvelope) -> None:
        content = envelope.original_content or b""
        mail = cast(Mail, BytesParser(_class=Mail, policy=policy.default).parsebytes(content))
        mail.envelope = Envelope(envelope.mail_from or "", tuple(envelope.rcpt_tos))
        mail.raw, mail.at = content, time.time()
        self.messages.append(mail)

    def _smtp_options(self) -> dict[str, Any]:
        starttls = None if self._implicit_tls else self._tls
        return {
            "hostname": HOST_NAME,
            "ident": "ESMTP",
            "tls_context": starttls,
            "auth_require_tls": starttls is not None,
            "auth_required": self._credentials is not None,
            "auth_callback": self._signs_in,
            "auth_exclude_mechanism": set(MECHANISMS).difference(self._mechanisms),
        }

    def _signs_in(self, _mechanism: str, user: bytes, password: bytes) -> bool:
        return self._credentials == (user.decode(), password.decode())


async def _spoil(connection: SMTP, fault: Fault) -> str | None:
    """Carry out the fault; returns the refusing reply, or None when the command is served after all."""
    if fault.kind == "slow":
        await asyncio.sleep(fault.args.get("seconds", 1.0))
        return None
    if fault.kind == "reject":
        return f"{fault.args.get('code', 451)} {fault.args.get('text', 'Requested action aborted')}"
    if fault.kind == "hang":
        await asyncio.sleep(fault.args.get("seconds", HANG_SECONDS))
    if connection.transport:
        connection.transport.close()
    return "421 4.3.2 Closing"  # never sent: the connection is closed


class _Connection(SMTP):
    """One connection, registered with its controller while it is open."""

    def __init__(self, controller: _Controller, **options: Any) -> None:
        super().__init__(controller.mailbox, data_size_limit=controller.mailbox.largest, **options)
        self._controller = controller
        self.taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._controller.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._controller.connections.discard(self)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        if await self._controller.mailbox.greets(self):
            await super()._handle_client()


class _Controller(BaseThreadedController):
    """Runs the mail server in a thread of its own, on a socket that is bound already."""

    def __init__(self, mailbox: Mailbox, bound: socket.socket, tls: ssl.SSLContext | None, **options: Any) -> None:
        super().__init__(mailbox, ssl_context=tls, **options)
        self.mailbox = mailbox
        self.connections: set[_Connection] = set()
        self._bound = bound

    def factory(self) -> SMTP:
        return _Connection(self, loop=self.loop, **self.SMTP_kwargs)

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._bound, ssl=self.ssl_context)

    def _trigger_server(self) -> None:
        # The base class makes a first connection to test the server. Here, that would be counted and use up a fault.
        self._factory_invoker()

    def close(self) -> None:
        """Cut every connection and end the thread."""
        asyncio.run_coroutine_threadsafe(self._cut_connections(), self.loop).result(10)
        self.stop()

    async def _cut_connections(self) -> None:
        if self.server:
            self.server.close()
        for connection in list(self.connections):
            if isinstance(connection.transport, asyncio.WriteTransport):
                connection.transport.abort()
        await asyncio.sleep(0.001)  # connections learn that they are lost in the next rounds of the event loop
