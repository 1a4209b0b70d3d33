"""When the digest is due, and that each due time has one run, whoever keeps the schedule."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.digest import ledger, run_starts
from app.digest.schedule import iso_week, last_due, next_due, wall_clock
from app.models import DigestRun, ScheduleMark, now
from app.running.schedule import Schedule
from app.services import Services
from tests.conftest import Service, settings_for
from tests.digest.conftest import Office
from tests.tools.at_once import at_once

DENVER = ZoneInfo("America/Denver")
EVERY_MINUTE = "* * * * *"


def at(text: str, zone: ZoneInfo = DENVER) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("after", "moment", "due"),
    [
        ("2026-03-02T09:00", "2026-03-09T07:59", None),
        ("2026-03-02T09:00", "2026-03-09T08:00", "2026-03-09T14:00+00:00"),  # the clock went forward the day before
        ("2026-10-26T09:00", "2026-11-02T07:59", None),
        ("2026-10-26T09:00", "2026-11-02T08:00", "2026-11-02T15:00+00:00"),  # it went back the day before
        ("2026-11-02T08:00", "2026-11-02T08:01", None),
        ("2026-08-01T00:00", "2026-11-04T12:00", "2026-11-02T15:00+00:00"),
    ],
)
def test_monday_at_eight_is_eight_on_the_wall_in_summer_and_in_winter(after: str, moment: str, due: str | None) -> None:
    expected = datetime.fromisoformat(due) if due else None
    assert last_due("0 8 * * mon", DENVER, at(after), at(moment)) == expected


def test_a_time_that_the_clock_skips_in_spring_is_due_as_soon_as_it_has_passed() -> None:
    after = at("2026-03-01T12:00")
    assert last_due("30 2 * * sun", DENVER, after, at("2026-03-08T03:29")) is None
    due = last_due("30 2 * * sun", DENVER, after, at("2026-03-08T03:30"))
    assert wall_clock(due, DENVER) == "2026-03-08T03:30"


def test_a_time_that_comes_twice_in_autumn_is_one_time_on_the_wall() -> None:
    first = last_due("30 1 * * sun", DENVER, at("2026-10-26T12:00"), datetime(2026, 11, 1, 7, 30, tzinfo=UTC))
    second = last_due("30 1 * * sun", DENVER, first, datetime(2026, 11, 1, 12, tzinfo=UTC))
    assert second - first == timedelta(hours=1)
    assert wall_clock(first, DENVER) == wall_clock(second, DENVER) == "2026-11-01T01:30"


@given(st.datetimes(datetime(2026, 10, 30), datetime(2026, 11, 3)), st.sampled_from(["30 1 * * *", "*/20 1 * * sun"]))
def test_the_hour_that_comes_twice_never_holds_up_the_look_for_what_is_due(moment: datetime, schedule: str) -> None:
    moment = moment.replace(tzinfo=UTC)
    due = last_due(schedule, DENVER, moment - timedelta(days=9), moment)
    assert due is not None
    assert due <= moment


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        ("2026-11-22T23:59", "2026-W47"),
        ("2026-11-23T00:00", "2026-W48"),
        ("2027-01-03T12:00", "2026-W53"),
        ("2027-01-04T12:00", "2027-W01"),
    ],
)
def test_an_iso_week_begins_on_monday_of_the_time_zone(moment: str, week: str) -> None:
    assert iso_week(at(moment).astimezone(UTC), DENVER) == week


def kept_since(office: Office, moment: datetime, schedule: str = EVERY_MINUTE) -> None:
    with office.database.write() as session:
        session.merge(ScheduleMark(name=f"digest {schedule}", kept_since=moment))


def start_when_due(office: Office, **settings: Any) -> int | None:
    with office.changed(**{"digest_schedule": EVERY_MINUTE, **settings}):
        return run_starts.start_when_due(office.service.services)


def test_a_fresh_install_makes_nothing_up(office: Office) -> None:
    office.reports(office.row("TM-1"))
    assert start_when_due(office) is None
    assert office.runs() == []


def test_a_run_missed_while_no_process_lived_is_made_up_once_however_many_were_missed(office: Office) -> None:
    office.reports(office.row("TM-1"))
    kept_since(office, now() - timedelta(days=40), "0 8 * * mon")
    run_id = start_when_due(office, digest_schedule="0 8 * * mon")
    assert office.over(run_id)["started_by"] == "schedule"
    assert start_when_due(office, digest_schedule="0 8 * * mon") is None
    assert len(office.runs()) == 1
    assert office.told == [("ada.lind@example.com", ["TM-1"])]


def test_a_process_that_starts_makes_up_the_missed_run_before_anything_else(office: Office) -> None:
    office.reports(office.row("TM-1"))
    kept_since(office, now() - timedelta(days=8), "0 8 * * mon")
    with Schedule(office.service.services).while_running():
        (run_id,) = office.runs()
    assert office.over(run_id)["customers"] == 1


def test_without_a_report_nothing_is_due(office: Office) -> None:
    kept_since(office, now() - timedelta(days=8))
    assert start_when_due(office, report_source=None) is None


def test_another_schedule_makes_nothing_up_of_the_time_before_it(office: Office) -> None:
    office.reports(office.row("TM-1"))
    kept_since(office, now() - timedelta(days=40), "0 8 * * mon")
    office.over(start_when_due(office, digest_schedule="0 8 * * mon"))
    for changed in (EVERY_MINUTE, "0 7 * * mon", "0 9 * * *"):
        assert start_when_due(office, digest_schedule=changed) is None
    assert len(office.runs()) == 1


def test_the_schedule_of_before_makes_nothing_up_that_another_has_had_its_run_for(office: Office) -> None:
    office.reports(office.row("TM-1"))
    kept_since(office, now() - timedelta(days=40), "0 8 * * mon")
    kept_since(office, now() - timedelta(days=9), "0 9 * * *")
    office.over(start_when_due(office, digest_schedule="0 9 * * *"))
    assert start_when_due(office, digest_schedule="0 8 * * mon") is None


def test_while_a_run_waits_the_schedules_run_waits_too(office: Office) -> None:
    office.webhook.down()
    office.reports(office.row("TM-1"))
    run_id = office.start()
    office.waits(run_id)
    kept_since(office, now() - timedelta(minutes=5))
    assert start_when_due(office) is None
    office.webhook.up()
    office.over(run_id)
    assert start_when_due(office) is not None


@pytest.mark.long
def test_a_due_time_has_one_run_whoever_looks_at_the_same_moment(office: Office, tmp_path: Path) -> None:
    """As two hosts would: each with connections of its own to one database."""
    office.reports(office.row("TM-1"))
    kept_since(office, now() - timedelta(days=8), "0 8 * * mon")
    ours = office.service.services
    others = [Service(office.service.sandbox, ours.settings).services for _ in range(2)]
    with office.changed(digest_schedule="0 8 * * mon"):
        for other in others:
            object.__setattr__(other, "settings", ours.settings)
        started = at_once(*[partial(run_starts.start_when_due, each) for each in [ours, *others] * 2])
    for other in others:
        other.database.dispose()
    assert len([run_id for run_id in started if run_id]) == 1
    assert len(office.runs()) == 1
    office.over(office.runs()[0])
    assert len(office.told) == 1


@pytest.mark.sweep
def test_two_hosts_on_postgresql_start_one_run(service: Service, postgresql_url: str, tmp_path: Path) -> None:
    url = postgresql_url.replace("postgresql://", "postgresql+psycopg://")
    settings = settings_for(
        service.sandbox,
        tmp_path,
        database_url=url,
        report_source=f"file:{tmp_path}/r.csv",
        digest_webhook_url="http://127.0.0.1:9/",
    )
    hosts = [Service(service.sandbox, settings).services for _ in range(2)]

    def begin(services: Services, key: str) -> int | str:
        try:
            return run_starts.start(services, key=key, started_by="alice")
        except ledger.AlreadyUnderWay:
            return "under way"

    outcomes = at_once(*[partial(begin, host, f"key {number}") for number, host in enumerate(hosts)])
    with hosts[0].database.read() as session:
        assert len(session.scalars(select(DigestRun)).all()) == 1
    for host in hosts:
        host.database.dispose()
    assert outcomes.count("under way") == 1


def test_the_next_time_is_the_first_after_the_moment_also_across_a_change_of_the_clock() -> None:
    before = at("2026-10-26T08:00")  # the clock goes back on 1 November
    assert next_due("0 8 * * mon", DENVER, before) == at("2026-11-02T08:00")
