"""One session with the mail server: hands messages over piece by piece, and knows what became of each.

`smtplib.sendmail` holds a message in memory several times over, and doesn't say at which point a connection broke: a
message whose last line was not sent can't have been delivered.
"""

import contextlib
import smtplib
from collections.abc import Iterator
from typing import NoReturn

from app.remote.mail.errors import (
    NO_ADDRESS,
    ContentRefused,
    MailFailed,
    MailOutcomeUnknown,
    RecipientRefused,
    SessionOver,
    Stage,
    answered,
    in_words,
)
from app.remote.mail.messages import Message

CLOSING, NO_ROOM, TOO_LARGE = 421, 452, 552
GO_ON = 354
LAST_LINE = b".\r\n"


class Session:
    """A session on an open connection; `taken` counts the messages that the server took in it."""

    def __init__(self, host: smtplib.SMTP, answers_within: float) -> None:
        self._host = host
        self._answers_within = answers_within
        self.taken = 0

    def send(self, message: Message, sender: str, recipient: str) -> None:
        """Send a message; returns when the server has taken it.

        Raises `RecipientRefused` (or `ContentRefused`) when the server refuses this message, `SessionOver` when it
        hangs up before it took the message, `MailOutcomeUnknown` when the whole message was sent and no answer came,
        and `MailFailed` when it refuses everything.
        """
        with self._not_delivered("start"):
            self._announce(message, sender)
        with self._not_delivered("recipient"):
            self._name(recipient)
        with self._not_delivered("content"):
            self._write(message)
        self._end()
        self.taken += 1

    def offer(self, sender: str) -> None:
        """Begin a message and reset it. Raises `MailFailed` when the server takes none from this sender."""
        with self._not_delivered("start"):
            self._host.ehlo_or_helo_if_needed()
            code, reply = self._host.mail(sender)
            if not _is_good(code):
                self._refused(MailFailed(answered(code, reply)), code, at="start")
            self._host.rset()

    def _announce(self, message: Message, sender: str) -> None:
        self._host.ehlo_or_helo_if_needed()
        takes_size = self._host.has_extn("size")
        most = self._host.esmtp_features.get("size", "")
        if most.isdecimal() and 0 < int(most) < message.size:
            why = f"the mail server takes mails of up to {int(most):,} bytes, and this one has {message.size:,}"
            raise ContentRefused(why)
        code, reply = self._host.mail(sender, [f"size={message.size}"] if takes_size else [])
        if code == TOO_LARGE or (code == NO_ROOM and message.files):
            self._refused(ContentRefused(answered(code, reply)))
        if not _is_good(code):
            self._refused(MailFailed(answered(code, reply)), code, at="start")

    def _name(self, recipient: str) -> None:
        try:
            code, reply = self._host.rcpt(recipient)
        except ValueError:
            self._refused(RecipientRefused(NO_ADDRESS))
        if code == TOO_LARGE:
            self._refused(ContentRefused(answered(code, reply)))
        if not _is_good(code):
            why = answered(code, reply, "refused the recipient:")
            self._refused(RecipientRefused(why, for_now=code < 500), code, at="recipient")

    def _write(self, message: Message) -> None:
        code, reply = self._host.docmd("DATA")
        if code != GO_ON:
            self._refuse_content(code, reply)
        for piece in message.pieces():
            self._host.send(piece)

    def _end(self) -> None:
        try:
            self._host.send(LAST_LINE)
            code, reply = self._host.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise MailOutcomeUnknown(in_words(error, self._answers_within)) from None
        if code < 200 or 300 <= code < 400:
            raise MailOutcomeUnknown("the mail server's answer to the mail can't be understood")
        if not _is_good(code):
            self._refuse_content(code, reply)

    def _refuse_content(self, code: int, reply: bytes) -> NoReturn:
        why = answered(code, reply)
        self._refused(ContentRefused(why) if code >= 500 else RecipientRefused(why, for_now=True), code, at="content")

    def _refused(self, why: MailFailed, code: int = 0, at: Stage = "content") -> NoReturn:
        """A message was refused; the session goes on with the next one, unless the server says that it is over."""
        if code == CLOSING:
            raise SessionOver(why.detail, at=at)
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._host.rset()
        raise why

    @contextlib.contextmanager
    def _not_delivered(self, at: Stage) -> Iterator[None]:
        """If the connection breaks within the block, the message is not delivered: its last line was not sent."""
        try:
            yield
        except smtplib.SMTPResponseException as error:
            raise MailFailed(in_words(error, self._answers_within)) from None
        except (OSError, smtplib.SMTPException) as error:
            raise SessionOver(in_words(error, self._answers_within), at=at) from None
        except ValueError as error:
            raise MailFailed(in_words(error, self._answers_within)) from None


def _is_good(code: int) -> bool:
    return 200 <= code < 300
