"""A mail, and how a test sends it to the sandbox's mail server."""

from io import BytesIO
from typing import Any

from flask import Flask

from app.remote.mail import Attachment, Mail, Mailer
from config import load_settings
from sandbox import Mailbox

SENDER = "Fiber desk <fiber@example.com>"
MAIL = Mail("account:UIA-1", "Account created", "It is there.\n", "<p>It is there.</p>")


def mailer_to(mailbox: Mailbox, app: Flask | None = None, **settings: Any) -> Mailer:
    values = {
        "utopia_url_endpoint": "https://utopia.example.com",
        "utopia_api_key": "utopia-key",
        "pc_url": "https://powercode.example.com",
        "pc_api_key": "powercode-key",
        "service_plan_mapping": {},
        "additional_service_plan_mapping": {},
        "mail_server": mailbox.host,
        "mail_port": mailbox.port,
        "email_sender": SENDER,
        "email_recipients": "office@example.com",
        "secret_key": "only-for-tests",
        **settings,
    }
    return Mailer(app or Flask("mail"), load_settings(**values))


def send(mailbox: Mailbox, mail: Mail = MAIL, *recipients: str, **settings: Any) -> None:
    with mailer_to(mailbox, **settings).connection() as post:
        for recipient in recipients or ("office@example.com",):
            post.send(mail, recipient)


def a_file(name: str, content: bytes) -> Attachment:
    """A file to go with a mail."""
    return Attachment(name, BytesIO(content))
