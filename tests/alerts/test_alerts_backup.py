"""Backups that fail, or that nobody makes any more."""

from datetime import timedelta
from typing import Any

import pytest

from app.models import LastBackup, now
from tests.alerts.alert_mails import looks, open_kinds, says
from tests.conftest import Service
from tests.notices.arrived_mails import the_mail

# The backup


def last_backup(service: Service, **values: Any) -> None:
    with service.services.database.write() as session:
        session.merge(LastBackup(id=1, **{"watched_since": now(), **values}))


@pytest.mark.long
def test_a_backup_that_fails_has_a_mail_with_its_reason_and_one_when_it_is_made(service: Service) -> None:
    start = now()
    reason = "pg_dump failed: the server is gone"
    last_backup(service, made_at=start - timedelta(hours=20), failed_at=start, error=reason)
    looks(service, 0, 1, 60, start=start)
    first = the_mail(service, "The backup of the fiber order server failed")
    assert says(first, reason, "systemctl start utopia-handler-backup")

    last_backup(service, made_at=start + timedelta(hours=2), failed_at=start, error=None)
    looks(service, 121, 180, start=start)

    assert says(the_mail(service, "has a new backup"), "2 h")
    assert open_kinds(service) == []


@pytest.mark.parametrize("made", [True, False], ids=["no new one", "never one"])
def test_a_backup_that_is_overdue_is_told_once(service: Service, made: bool) -> None:
    start = now()
    last_backup(service, watched_since=start, made_at=start if made else None)
    looks(service, 35 * 60, start=start)
    assert service.notices("backup") == []

    looks(service, 36 * 60, 40 * 60, start=start)

    mail = the_mail(service, "The fiber order server has no new backup")
    assert says(mail, "The last good backup is of" if made else "There is no good backup at all")


def test_who_has_backups_made_elsewhere_is_not_told_of_them(service: Service) -> None:
    with service.changed(backup_alert_hours=0):
        last_backup(service, failed_at=now(), error="an old failure")
        looks(service, 0, 40 * 60)

    assert service.notices("backup") == []
