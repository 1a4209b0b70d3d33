"""Sending mail: Flask-Mail, with the timeouts, certificate checks and honest outcomes that it lacks.

One recipient a message, since a refused recipient among several passes silently. Messages are safe to
build from customers' data: header values are single lines, bodies quoted-printable.
"""

import contextlib
import hashlib
import mimetypes
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Any

from flask import Flask
from flask_mail import Connection, Mail

from config import Settings

TIMEOUT_SECONDS = 20.0


class MailFailed(Exception):
    """A message was not taken: the server is down, slow, or refuses. `detail` is safe for logs and pages."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class MailOutcomeUnknown(MailFailed):
    """The connection broke or the answer didn't come: the server may have taken the message."""


class RecipientRefused(MailFailed):
    """The server works, but does not take this mail for this recipient; `for_now`: a later try may be taken."""

    def __init__(self, detail: str, *, for_now: bool = False) -> None:
        super().__init__(detail)
        self.for_now = for_now


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """A mail before it has a recipient; `key` makes its Message-ID, so that a repeat can be told."""

    key: str
    subject: str
    text: str
    html: str
    attachments: Sequence[Attachment] = ()


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
            if mail.use_tls:
                host.starttls(context=ssl.create_default_context())
            if mail.username and mail.password:
                host.login(mail.username, mail.password)
            on_failure.pop_all()
        return host

    def __exit__(self, *_error: object) -> None:
        """Leave politely; a server that is gone by then has taken the mail all the same."""
        if self.host is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self.host.quit()
            self.host.close()


class Mailer:
    """Sends letters to staff and customers."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        app.config.update(flask_mail_settings(settings))
        self._mail = Mail(app)
        self._sender = settings.email_sender

    @contextlib.contextmanager
    def connection(self) -> Iterator["Post"]:
        """Connect to the mail server; raises `MailFailed` when that fails."""
        with contextlib.ExitStack() as stack:
            try:
                connection = stack.enter_context(SafeConnection(self._mail))
            except (OSError, smtplib.SMTPException) as error:
                raise MailFailed(_in_words(error)) from None
            yield Post(connection, self._sender)


class Post:
    """An open connection to the mail server."""

    def __init__(self, connection: SafeConnection, sender: str) -> None:
        self._host: Any = connection.host
        self._sender = sender

    def send(self, letter: Letter, recipient: str) -> None:
        """Send a letter to one recipient; returns when the server has taken it.

        Raises `RecipientRefused` when it won't have this one, `MailOutcomeUnknown` when it gave no answer, and
        `MailFailed` when it refuses everything.
        """
        message = compose(letter, self._sender, recipient)
        try:
            self._host.sendmail(parseaddr(self._sender)[1], [recipient], message.as_bytes(policy=policy.SMTP))
        except smtplib.SMTPRecipientsRefused as refused:
            code, reply = refused.recipients[recipient]
            why = f"the mail server refused the recipient: {code} {_clean(reply)}"
            raise RecipientRefused(why, for_now=code < 500) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
            if _is_about_the_message(refused):
                raise RecipientRefused(_in_words(refused), for_now=refused.smtp_code < 500) from None
            raise MailFailed(_in_words(refused)) from None
        except (smtplib.SMTPResponseException, ValueError) as error:
            raise MailFailed(_in_words(error)) from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailOutcomeUnknown(_in_words(error)) from None


def _is_about_the_message(refused: smtplib.SMTPResponseException) -> bool:
    """Too large, taken for spam, or not now: other mails get through, and must not wait for this one."""
    return refused.smtp_code == 552 or isinstance(refused, smtplib.SMTPDataError)


def compose(letter: Letter, sender: str, recipient: str) -> EmailMessage:
    """The message as it goes out: text and HTML, attachments, and a Message-ID that is the same on a repeat."""
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = one_line(letter.subject)
    message["From"] = sender
    message["To"] = recipient
    message["Date"] = formatdate(localtime=False)
    domain = parseaddr(sender)[1].rpartition("@")[2]
    message["Message-ID"] = f"<{hashlib.sha256(f'{letter.key} {recipient}'.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_whole_characters(letter.text), cte="quoted-printable")
    message.add_alternative(_whole_characters(letter.html), subtype="html", cte="quoted-printable")
    for attachment in letter.attachments:
        kind = mimetypes.guess_type(attachment.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=file_name(attachment.name))
    return message


def one_line(text: str) -> str:
    """A header's value: no line breaks or other control characters, at most 200 characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]


def _whole_characters(text: str) -> str:
    """Without half characters, which JSON can bring and no mail can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def file_name(text: str) -> str:
    """A file's name that can't break a header or a folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "attachment"


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


def _in_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code} {_clean(error.smtp_error)}"
    if isinstance(error, TimeoutError):
        return f"the mail server gave no answer within {TIMEOUT_SECONDS:g} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "nothing answers at MAIL_SERVER and MAIL_PORT"
    return f"the mail server can't be used ({type(error).__name__}: {_clean(str(error))})"


def _clean(reply: bytes | str) -> str:
    """A server's words without mail addresses, which may be a customer's."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return re.sub(r"\S+@\S+", "...", one_line(text))
