"""Sending mail: `messages` composes, `session` hands over one message, `connection` keeps sessions open for many."""

from app.remote.mail.connection import Mailer, Post
from app.remote.mail.errors import ContentRefused, MailFailed, MailOutcomeUnknown, RecipientRefused, SignInRefused
from app.remote.mail.messages import Attachment, Mail
