"""Sending mail: `messages` composes, `session` hands over one message, `connection` keeps sessions open for many."""

from app.mail.connection import Mailer, Post
from app.mail.errors import ContentRefused, MailFailed, MailOutcomeUnknown, RecipientRefused
from app.mail.messages import Attachment, Letter, one_line

__all__ = [
    "Attachment",
    "ContentRefused",
    "Letter",
    "MailFailed",
    "MailOutcomeUnknown",
    "Mailer",
    "Post",
    "RecipientRefused",
    "one_line",
]
