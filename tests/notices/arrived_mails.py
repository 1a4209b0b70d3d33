"""The mails that arrived, and what they say."""

from html import unescape

from app import notices
from app.remote import breaker
from sandbox import Mail
from tests.conftest import Service, wait_for

REF, OTHER = "UIA202411-001186", "UIA202411-001187"
ORDER_PAGE = f"https://orders.example.com/console/orders/{REF}"
ONE_DAY = (24 * 60,)


def html_of(mail: Mail) -> str:
    """The mail's HTML part."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def says(mail: Mail, *words: str) -> bool:
    """Whether both parts of a mail say all this."""
    return all(word in mail.text and word in unescape(html_of(mail)) for word in words)


def the_mail(service: Service, subject: str = "") -> Mail:
    """The one mail with this in its subject."""
    (mail,) = service.notices(subject)
    return mail


def arrived(service: Service, number: int) -> list[Mail]:
    """The mails, once so many have arrived."""

    def look() -> bool:
        notices.wake_due_notices(service.services)
        return len(service.sandbox.mailbox.messages) >= number

    wait_for(look)
    service.mail_settled()
    assert len(service.sandbox.mailbox.messages) == number
    return service.sandbox.mailbox.messages


def breakers(service: Service) -> list[str]:
    """The systems that are taken to be down."""
    return list(service.read(breaker.systems_down))
