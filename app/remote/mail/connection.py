"""Connections to the mail server: Flask-Mail, with the timeouts and certificate checks that it lacks."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, cast

from flask import Flask
from flask_mail import Connection
from flask_mail import Mail as FlaskMail

from app.remote.mail.authentication import sign_in
from app.remote.mail.errors import (
    NO_ADDRESS,
    ContentRefused,
    MailFailed,
    MailOutcomeUnknown,
    RecipientRefused,
    SessionOver,
    SignInRefused,
    answered,
    in_words,
)
from app.remote.mail.messages import Mail, Message, address_in
from app.remote.mail.session import Session
from config import Settings

TIMEOUT_SECONDS = 20.0


class SafeConnection(Connection):
    """Flask-Mail's connection with a timeout on every reply, and certificates that are checked."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, secure, sign in."""
        mail = self.mail
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if mail.use_ssl:
            context = ssl.create_default_context()
            host = smtplib.SMTP_SSL(mail.server, mail.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            host = smtplib.SMTP(mail.server, mail.port, timeout=TIMEOUT_SECONDS)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(host.close)
            _send_at_once(host)
            if mail.use_tls:
                host.starttls(context=ssl.create_default_context())
            if mail.username and mail.password:
                sign_in(host, mail.username, mail.password)
            on_failure.pop_all()
        return host

    def __exit__(self, *_error: object) -> None:
        """Close with QUIT; if the server is gone by then, it has taken the mail all the same."""
        if self.host is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self.host.quit()
            self.host.close()


def _send_at_once(host: smtplib.SMTP) -> None:
    """Otherwise a mail's last lines, which are short packets, wait until the server has said that the first arrived:
    it takes 40 ms over that."""
    cast(socket.socket, host.sock).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Mailer:
    """Sends mails to staff and customers."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        app.config.update(flask_mail_settings(settings))
        self._mail = FlaskMail(app)
        self._sender = settings.email_sender

    @contextlib.contextmanager
    def connection(self) -> Iterator["Post"]:
        """A `Post` to send mails with during the block; it connects when there is something to send."""
        post = Post(self._connect, self._sender)
        try:
            yield post
        finally:
            post.close()

    def _connect(self) -> SafeConnection:
        try:
            return SafeConnection(self._mail).__enter__()
        except smtplib.SMTPAuthenticationError as refused:
            words = answered(refused.smtp_code, refused.smtp_error)
            raise SignInRefused(f"{words}: it does not accept our name and password") from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailFailed(in_words(error, TIMEOUT_SECONDS)) from None


class Post:
    """Sends mails in as many sessions as the mail server wants: some take two mails in each."""

    def __init__(self, connect: Callable[[], SafeConnection], sender: str) -> None:
        self._connect = connect
        self._sender = sender
        self._connection: SafeConnection | None = None
        self._session: Session | None = None
        self._broken: str | None = None
        self._in_vain = False

    def open(self) -> Session:
        """Connect, unless a session is open; raises `MailFailed` when that fails."""
        if self._broken:
            raise MailFailed(self._broken)
        if self._session is None:
            self._connection = self._connect()
            host: Any = self._connection.host
            self._session = Session(host, TIMEOUT_SECONDS)
        return self._session

    def offer(self) -> None:
        """Find out whether the server takes mails from us, without sending one; raises `MailFailed` if not."""
        self.open().offer(address_in(self._sender))

    def close(self) -> None:
        """Leave the session."""
        if self._connection is not None:
            self._connection.__exit__(None, None, None)
        self._connection = self._session = None

    def send(self, mail: Mail, recipient: str) -> None:
        """Send a mail to one recipient; returns when the server has taken it.

        Raises `RecipientRefused` when the server refuses this mail (`ContentRefused`: because of its content),
        `MailOutcomeUnknown` when it gave no answer, and `MailFailed` when it takes no mail at all.
        """
        try:
            message = Message(mail, self._sender, recipient)
        except ValueError:
            raise RecipientRefused(NO_ADDRESS) from None
        while True:
            session = self.open()
            try:
                session.send(message, address_in(self._sender), recipient)
            except SessionOver as over:
                self.close()
                if not session.taken:
                    raise self._what_is_over(over, message) from None
            except MailOutcomeUnknown as unknown:
                self.close()
                self._broken = unknown.detail
                raise
            else:
                self._in_vain = False
                return

    def _what_is_over(self, over: SessionOver, message: Message) -> MailFailed:
        """What a session that took no mail means: once, the message may be why; twice, the server takes nothing."""
        if over.at == "start" or self._in_vain:
            return MailFailed(over.detail)
        self._in_vain = True
        if over.at == "content" and message.files:
            return ContentRefused(over.detail)
        return RecipientRefused(over.detail, for_now=True)


def flask_mail_settings(settings: Settings) -> dict[str, Any]:
    """Flask-Mail's own settings; debugging is off, as it prints the password."""
    password = settings.mail_password
    return {
        "MAIL_SERVER": settings.mail_server,
        "MAIL_PORT": settings.mail_port,
        "MAIL_USE_TLS": settings.mail_use_tls,
        "MAIL_USE_SSL": settings.mail_use_ssl,
        "MAIL_USERNAME": settings.mail_username,
        "MAIL_PASSWORD": password.get_secret_value() if password else None,
        "MAIL_DEFAULT_SENDER": settings.email_sender,
        "MAIL_DEBUG": False,
        "MAIL_SUPPRESS_SEND": False,
    }
