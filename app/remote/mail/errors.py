"""What can go wrong with a mail, named by what the caller may do next; each `detail` is safe for logs and pages."""

import smtplib
from typing import Literal

from app.remote.mail.messages import without_addresses

NO_ADDRESS = "this address can't be given to a mail server"
Stage = Literal["start", "recipient", "content"]


class MailFailed(Exception):
    """A message was not taken: the server is down, slow, or refuses everything."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class SignInRefused(MailFailed):
    """The server does not know the user name, or the password is wrong."""


class MailOutcomeUnknown(MailFailed):
    """The whole message was sent and no answer came: the server may have taken it."""


class SessionOver(MailFailed):
    """The server ended the session before it took the message; `at` is the stage that the message had reached."""

    def __init__(self, detail: str, *, at: Stage) -> None:
        super().__init__(detail)
        self.at = at


class RecipientRefused(MailFailed):
    """The server works, but does not take this mail for this recipient; `for_now`: a later try may be taken."""

    def __init__(self, detail: str, *, for_now: bool = False) -> None:
        super().__init__(detail)
        self.for_now = for_now


class ContentRefused(RecipientRefused):
    """The server does not take this mail's content: it is too large, or not allowed."""


def in_words(error: Exception, seconds: float) -> str:
    """An error of the connection as a sentence; `seconds` is how long an answer is waited for."""
    if isinstance(error, smtplib.SMTPResponseException):
        return answered(error.smtp_code, error.smtp_error)
    if isinstance(error, TimeoutError):
        return f"the mail server gave no answer within {seconds:g} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "nothing answers at MAIL_SERVER and MAIL_PORT"
    return f"the mail server can't be used ({type(error).__name__}: {without_addresses(str(error))})"


def answered(code: int, reply: bytes | str, verb: str = "answered") -> str:
    """A server's answer as a sentence, without mail addresses, which may be a customer's."""
    words = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"the mail server {verb} {code} {without_addresses(words)}"
