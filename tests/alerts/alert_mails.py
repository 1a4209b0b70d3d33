"""Looks at what may be wrong, and what the office is told of it."""

from datetime import datetime, timedelta
from html import unescape
from typing import Any

from sqlalchemy import select, update

from app import create_app, notices
from app.alerts import records
from app.alerts.watch import watch_for_alerts
from app.models import Alert, Notice, NoticeState, RemoteSystem, System, now
from app.services import Services
from sandbox import Mail
from tests.conftest import Service, wait_for
from tests.notices.arrived_mails import html_of

ONE_DAY = (24 * 60,)
MINUTE = timedelta(minutes=1)


def says(mail: Mail, *words: str) -> bool:
    """Whether both parts of a mail say all this."""
    texts = (" ".join(mail.text.split()), " ".join(unescape(html_of(mail)).split()))
    assert not [text for text in texts if "None" in text or "{" in text], "a placeholder was not filled"
    return all(word in text for word in words for text in texts)


def alerts(service: Service, **those: Any) -> list[Alert]:
    """The rows, the oldest first."""
    return service.rows(select(Alert).filter_by(**those).order_by(Alert.id))


def open_kinds(service: Service) -> list[str]:
    return [alert.kind for alert in service.read(records.open_alerts)]


def looks(service: Service, *minutes: float, start: datetime | None = None) -> None:
    """Looks at the system, so many minutes after the start (now)."""
    for minute in minutes:
        watch_for_alerts(service.services, (start or now()) + minute * MINUTE)
        service.mail_settled()


def mail_is_stuck(service: Service, minutes: float) -> None:
    """A mail to the office waits, since so long."""
    service.sandbox.mailbox.down()
    service.client.post("/api-callback", json={"event": "Test", "msg": "Test"})
    wait_for(lambda: _waits_for_mail(service))
    long_ago = now() - timedelta(minutes=minutes)
    service.execute(update(RemoteSystem).values(down_since=long_ago))
    service.execute(update(Notice).values(created_at=long_ago))


def _waits_for_mail(service: Service) -> bool:
    return service.scalar(select(Notice.waiting_for)) == System.MAIL


def mail_works(service: Service) -> None:
    service.sandbox.mailbox.up()
    service.execute(update(RemoteSystem).values(next_probe_at=now()))
    service.execute(update(Notice).values(next_try_at=now()))
    wait_for(lambda: _all_mails_are_sent(service))


def _all_mails_are_sent(service: Service) -> bool:
    notices.wake_due_notices(service.services)
    return service.scalar(select(Notice.id).filter_by(state=NoticeState.PENDING)) is None


class another_host:  # noqa: N801 - reads as a block
    """The same database, from another process as far as the service can tell."""

    def __init__(self, service: Service) -> None:
        self.services: Services = create_app(service.services.settings).extensions["services"]

    def __enter__(self) -> Services:
        return self.services

    def __exit__(self, *_error: object) -> None:
        self.services.database.dispose()
