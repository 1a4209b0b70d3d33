"""When something is wrong with the system itself, staff get one mail, and one when it is over."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.alerts import watch
from app.alerts.watch import watch_for_alerts
from app.models import AlertKind, DigestRun, RunState, now
from app.wording.measures import how_long, how_much
from config import PROJECT
from tests.alerts.alert_mails import MINUTE, alerts, looks, mail_is_stuck, mail_works, open_kinds, says
from tests.conftest import JOBS, Service
from tests.notices.arrived_mails import the_mail


@pytest.mark.long
def test_mail_that_was_held_up_is_told_of_once_and_afterwards(patient: Service) -> None:
    mail_is_stuck(patient, 300)
    watch_for_alerts(patient.services)
    watch_for_alerts(patient.services)
    assert open_kinds(patient) == ["mail_stuck"]

    mail_works(patient)
    looks(patient, 0, 5, 11, 20)

    mail = the_mail(patient, "held up")
    assert mail["Subject"] == "Mails to you were held up for 5 h: 1 came late"
    assert says(mail, "by up to 5 h", "The orders themselves were not held up", "nothing answers at MAIL_SERVER")
    assert len(patient.notices()) == 2
    assert open_kinds(patient) == []


def test_mail_that_is_late_for_a_few_minutes_is_not_worth_a_mail(patient: Service) -> None:
    mail_is_stuck(patient, 12)
    watch_for_alerts(patient.services)
    mail_works(patient)
    looks(patient, 0, 5, 11, 60)

    assert len(patient.notices()) == 1
    assert alerts(patient) == []


# The digest


def a_run(service: Service, state: RunState, number: int, **values: Any) -> None:
    run = {"key": f"schedule {number}", "iso_week": "2026-W47", "started_by": "schedule", "source": "file:/r.csv"}
    service.add(DigestRun(**run, state=state, started_at=now(), **values))


def test_a_digest_that_fails_is_an_alert_until_a_run_succeeds(service: Service) -> None:
    with service.changed(report_source="file:/r.csv"):
        a_run(service, RunState.FAILED, 1, error="no file")
        watch_for_alerts(service.services)
        a_run(service, RunState.RUNNING, 2)
        watch_for_alerts(service.services)
        assert open_kinds(service) == ["digest_held_up"]
        service.execute(update(DigestRun).filter_by(state=RunState.RUNNING).values(state=RunState.COMPLETED))
        watch_for_alerts(service.services)

    assert open_kinds(service) == []
    assert service.notices() == []  # the runs tell of themselves


def test_the_schedule_looks_without_being_told_to(service: Service) -> None:
    assert service.background.scheduler_state == "running"
    assert JOBS[watch.watch_for_alerts] <= MINUTE.total_seconds()


# The words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "less than a minute"),
        (60, "1 min"),
        (3599, "1 h"),
        (7200, "2 h"),
        (12_000, "3 h 20 min"),
        (100_000, "1 day 3 h"),
        (2 * 86400, "2 days"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(seconds: float, words: str) -> None:
    assert how_long(seconds) == words
    assert how_long(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (480e6, "480 MB"), (999.6e6, "1.0 GB"), (2.14e9, "2.1 GB"), (41e9, "41 GB")]
)
def test_sizes_are_said_in_the_unit_that_fits(size: float, words: str) -> None:
    assert how_much(size) == words


def test_every_kind_of_alert_has_words_on_the_first_page() -> None:
    page = (PROJECT / "app/templates/console/today/_alerts.html").read_text(encoding="utf-8")

    assert [kind for kind in AlertKind if kind != AlertKind.CERTIFICATE and f'"{kind}"' not in page] == []
