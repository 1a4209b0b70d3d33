"""When something is wrong with the system itself, staff get one mail, and one when it is over."""

import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update

from app import create_app, notices
from app.alerts import long_waits, records, watch
from app.alerts.watch import watch_for_alerts
from app.models import (
    Alert,
    AlertKind,
    DigestRun,
    LastBackup,
    Notice,
    NoticeState,
    Order,
    OrderState,
    RemoteSystem,
    RunState,
    System,
    now,
)
from app.provisioning import waking, workflow
from app.safekeeping import aftermath
from app.services import Services
from app.wording.measures import how_long, how_much
from config import PROJECT
from sandbox import Mail
from tests.conftest import JOBS, Service, wait_for

REF, OTHER = "UIA202411-001186", "UIA202411-001187"
ONE_DAY = (24 * 60,)
MINUTE = timedelta(minutes=1)
Usage = namedtuple("Usage", "total used free")
GB = 10**9


def html_of(mail: Mail) -> str:
    """The mail's HTML part."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def says(mail: Mail, *words: str) -> bool:
    """Whether both parts of a mail say all this."""
    texts = (" ".join(mail.text.split()), " ".join(html_of(mail).split()))
    assert not [text for text in texts if "None" in text or "{" in text], "a placeholder was not filled"
    return all(word in text for word in words for text in texts)


def the_mail(service: Service, subject: str) -> Mail:
    """The one mail with this in its subject."""
    (mail,) = service.notices(subject)
    return mail


def alerts(service: Service, **those: Any) -> list[Alert]:
    """The rows, the oldest first."""
    with service.services.database.read() as session:
        return list(session.scalars(select(Alert).filter_by(**those).order_by(Alert.id)))


def open_kinds(service: Service) -> list[str]:
    with service.services.database.read() as session:
        return [alert.kind for alert in records.open_alerts(session)]


def looks(service: Service, *minutes: float, start: datetime | None = None) -> None:
    """Looks at the system, so many minutes after the start (now)."""
    for minute in minutes:
        watch_for_alerts(service.services, (start or now()) + minute * MINUTE)
        service.mail_settled()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that failed are repeated soon."""
    monkeypatch.setattr(workflow, "PAUSE_SECONDS", 0.01)


# A remote system is down


def down_with_orders(service: Service, *orderrefs: str) -> None:
    """PowerCode is down, and these orders wait for it."""
    service.sandbox.powercode.down()
    for number, orderref in enumerate(orderrefs):
        service.take(orderref, siteid=f"7148{number}", firstname=f"Ada{number}", address=f"{number + 1} LAKE ROAD")


def a_while_ago(service: Service, minutes: float) -> None:
    """The outage began so long ago."""
    long_ago = now() - timedelta(minutes=minutes)
    with service.services.database.write() as session:
        session.execute(update(RemoteSystem).values(down_since=long_ago))
        waiting = update(Order).where(Order.state == OrderState.WAITING)
        session.execute(waiting.values(waiting_since=long_ago))


def answers_again(service: Service, *orderrefs: str) -> None:
    """PowerCode answers, and the orders go on."""
    service.sandbox.powercode.up()
    with service.services.database.write() as session:
        session.execute(update(RemoteSystem).values(next_probe_at=now()))
        session.execute(update(Order).where(Order.state == OrderState.WAITING).values(next_try_at=now()))
    waking.wake_due_orders(service.services)
    for orderref in orderrefs:
        service.rested(orderref, "completed")


@pytest.fixture
def patient(service: Service) -> Iterator[Service]:
    """Nobody tries again by themselves within a test."""
    with service.changed(retry_minutes=ONE_DAY):
        yield service


def test_an_outage_has_one_mail_when_it_is_noticed_and_one_when_it_is_over(patient: Service) -> None:
    down_with_orders(patient, REF, OTHER)
    a_while_ago(patient, 200)
    for _ in range(3):
        long_waits.tell(patient.services)
        watch_for_alerts(patient.services)
    assert [mail["Subject"] for mail in patient.notices()] == ["Still waiting for PowerCode: 2 orders"]

    answers_again(patient, REF, OTHER)
    looks(patient, 0, 5, 11, 12, 30)

    mail = the_mail(patient, "PowerCode answers again after 3 h 20 min")
    assert says(mail, "2 orders waited: 2 completed by now, 0 still under way. Nothing was lost.", "Nothing.")
    assert len(patient.notices("PowerCode")) == 2
    (alert,) = alerts(patient)
    assert (alert.kind, alert.subject, alert.told, alert.slot) == ("system_down", "powercode", True, None)


def test_a_mail_about_thousands_of_orders_names_some_and_counts_the_others(patient: Service) -> None:
    down_with_orders(patient, REF)
    with patient.services.database.write() as session:
        waits = {"state": OrderState.WAITING, "waiting_for": "powercode", "waiting_since": now()}
        session.add_all(Order(orderref=f"WAITS-{each:04}", stage="account", **waits) for each in range(1199))
    a_while_ago(patient, 200)

    long_waits.tell(patient.services)

    mail = the_mail(patient, "Still waiting for PowerCode: 1200 orders")
    assert says(mail, "WAITS-0048", "and 1150 more")


def test_orders_that_come_to_wait_later_are_counted_and_not_told_of_again(patient: Service) -> None:
    down_with_orders(patient, REF)
    a_while_ago(patient, 31)
    long_waits.tell(patient.services)
    patient.take(OTHER, siteid="714999", firstname="Iris", address="9 HILL ROAD")
    watch_for_alerts(patient.services)
    a_while_ago(patient, 40)
    long_waits.tell(patient.services)

    answers_again(patient, REF, OTHER)
    looks(patient, 11)

    assert says(the_mail(patient, "answers again"), "2 orders waited")
    assert len(patient.notices("Still waiting")) == 1


def test_an_order_that_needs_somebody_after_the_outage_is_in_the_mail_at_its_end(patient: Service) -> None:
    down_with_orders(patient, REF)
    a_while_ago(patient, 31)
    long_waits.tell(patient.services)
    patient.sandbox.powercode.up()
    with patient.services.database.write() as session:
        session.execute(update(RemoteSystem).values(down_since=None, up_since=now()))
        session.execute(update(Order).values(state=OrderState.NEEDS_REVIEW, waiting_for=None, waiting_since=None))
    looks(patient, 11)

    mail = the_mail(patient, "PowerCode answers again")
    assert mail["Subject"].endswith(": 1 order needs you")
    assert says(mail, "1 that needs you", "Settle what needs you")


def test_a_system_that_answers_for_a_moment_is_still_the_same_outage(patient: Service) -> None:
    down_with_orders(patient, REF)
    a_while_ago(patient, 60)
    long_waits.tell(patient.services)
    with patient.services.database.write() as session:
        session.execute(update(RemoteSystem).values(down_since=None, up_since=now() - 12 * MINUTE))
    watch_for_alerts(patient.services, now() - 10 * MINUTE)
    with patient.services.database.write() as session:
        values = {"down_since": now() - 9 * MINUTE, "error": "down again"}
        session.execute(update(RemoteSystem).values(values))
        session.execute(update(Order).values(told_of_wait_since=None))
    long_waits.tell(patient.services)
    looks(patient, 60)

    assert len(patient.notices("PowerCode")) == 1
    assert open_kinds(patient) == ["system_down"]


def test_an_outage_that_ended_while_nobody_looked_is_closed_before_the_next_is_told(patient: Service) -> None:
    down_with_orders(patient, REF)
    a_while_ago(patient, 300)
    long_waits.tell(patient.services)
    with patient.services.database.write() as session:
        values = {"up_since": now() - 200 * MINUTE, "down_since": now() - 40 * MINUTE}
        session.execute(update(RemoteSystem).values(values))
        session.execute(update(Order).values(told_of_wait_since=None, waiting_since=now() - 40 * MINUTE))
    long_waits.tell(patient.services)

    assert sorted(mail["Subject"] for mail in patient.notices()) == [
        "PowerCode answers again after 1 h 40 min",
        "Still waiting for PowerCode: 1 order",
        "Still waiting for PowerCode: 1 order",
    ]
    assert open_kinds(patient) == ["system_down"]


def test_when_no_order_waits_any_more_nothing_is_said_about_the_system(patient: Service) -> None:
    down_with_orders(patient, REF)
    a_while_ago(patient, 31)
    long_waits.tell(patient.services)
    with patient.services.database.write() as session:
        session.execute(update(Order).values(state=OrderState.DISMISSED, waiting_for=None, waiting_since=None))
    looks(patient, 0, 11)

    mail = the_mail(patient, "No order waits for PowerCode any more")
    assert says(mail, "the next order will show whether it works", "1 closed otherwise")
    assert "answers again" not in mail.text


def test_a_system_that_nobody_called_opens_nothing(patient: Service) -> None:
    with patient.services.database.write() as session:
        session.add(RemoteSystem(name=System.POWERCODE, down_since=now() - timedelta(hours=5), failures=1))
    long_waits.tell(patient.services)
    watch_for_alerts(patient.services)

    assert alerts(patient) == []
    assert patient.notices() == []


# Mail is stuck


def mail_is_stuck(service: Service, minutes: float) -> None:
    """A mail to the office waits, since so long."""
    service.sandbox.mailbox.down()
    service.client.post("/api-callback", json={"event": "Test", "msg": "Test"})
    wait_for(lambda: _waits_for_mail(service))
    long_ago = now() - timedelta(minutes=minutes)
    with service.services.database.write() as session:
        session.execute(update(RemoteSystem).values(down_since=long_ago))
        session.execute(update(Notice).values(created_at=long_ago))


def _waits_for_mail(service: Service) -> bool:
    with service.services.database.read() as session:
        return session.scalar(select(Notice.waiting_for)) == System.MAIL


def mail_works(service: Service) -> None:
    service.sandbox.mailbox.up()
    with service.services.database.write() as session:
        session.execute(update(RemoteSystem).values(next_probe_at=now()))
        session.execute(update(Notice).values(next_try_at=now()))
    wait_for(lambda: _all_mails_are_sent(service))


def _all_mails_are_sent(service: Service) -> bool:
    notices.wake_due_notices(service.services)
    with service.services.database.read() as session:
        return session.scalar(select(Notice.id).filter_by(state=NoticeState.PENDING)) is None


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


# The disk


@pytest.fixture
def disk(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """A disk of 40 GB whose free bytes a test sets."""
    state = {"free": 20 * GB}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(40 * GB, 40 * GB - state["free"], state["free"]))
    yield state
    service.empty()


def test_a_disk_that_fills_up_has_one_mail_and_one_when_it_has_room(service: Service, disk: dict[str, int]) -> None:
    start = now()
    disk["free"] = 1_900_000_000
    looks(service, 0, 1, 4, start=start)
    assert service.notices() == []
    looks(service, 5, 6, 30, start=start)
    disk["free"] = 2_500_000_000  # more than the 2 GB at which it opens, less than the 3 GB at which it is over
    looks(service, 40, 60, 80, start=start)
    assert len(service.notices("disk")) == 1
    disk["free"] = 9 * GB
    looks(service, 90, 95, 101, 102, start=start)

    first, last = service.notices("disk")
    assert first["Subject"] == "The disk of the fiber order server is nearly full: 1.9 GB left"
    assert says(first, "1.9 GB of 40 GB are free", "can't be taken until there is room again")
    assert last["Subject"] == "The disk of the fiber order server has room again: 9.0 GB"
    assert says(last, "1 h 30 min", "enter it there")


def test_a_disk_that_dips_again_and_again_is_not_told_of(service: Service, disk: dict[str, int]) -> None:
    start = now()
    for minute in range(0, 60, 4):
        disk["free"] = 1 * GB
        looks(service, minute, minute + 2, start=start)
        disk["free"] = 9 * GB
        looks(service, minute + 3, start=start)

    assert service.notices() == []
    assert alerts(service) == []


def test_the_next_time_is_told_again(service: Service, disk: dict[str, int]) -> None:
    start = now()
    for hour in (0, 2):
        disk["free"] = 1 * GB
        looks(service, hour * 60, hour * 60 + 5, start=start)
        disk["free"] = 9 * GB
        looks(service, hour * 60 + 20, hour * 60 + 31, start=start)

    assert ["room again" in mail["Subject"] for mail in service.notices("disk")] == [False, True, False, True]


def test_an_alert_outlives_a_restart(service: Service, disk: dict[str, int]) -> None:
    start = now()
    disk["free"] = 1 * GB
    looks(service, 0, start=start)
    with another_host(service) as restarted:
        watch_for_alerts(restarted, start + 6 * MINUTE)
        disk["free"] = 9 * GB
        watch_for_alerts(restarted, start + 10 * MINUTE)
    looks(service, 21, start=start)

    assert len(service.notices("disk")) == 2


def test_several_workers_on_a_host_tell_of_its_disk_once(service: Service, disk: dict[str, int]) -> None:
    start = now()
    disk["free"] = 1 * GB
    for worker in ("host-1", "host-2"):
        with service.changed(executor_id=worker):
            looks(service, 0, 5, start=start)

    assert len(service.notices("disk")) == 1


def test_a_disk_of_a_host_that_is_gone_stays_nobodys_alert(
    service: Service, disk: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = now()
    disk["free"] = 1 * GB
    with monkeypatch.context() as there:
        there.setattr(socket, "gethostname", lambda: "old-host")
        looks(service, 0, 5, start=start)
    disk["free"] = 9 * GB
    looks(service, 6, 23 * 60, start=start)
    assert open_kinds(service) == ["disk_nearly_full"]

    looks(service, 25 * 60, start=start)

    assert open_kinds(service) == []
    assert len(service.notices("disk")) == 1


def test_a_disk_that_cannot_be_asked_says_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_folder: Any) -> Usage:
        raise FileNotFoundError

    monkeypatch.setattr(shutil, "disk_usage", gone)
    watch_for_alerts(service.services)

    assert alerts(service) == []


# Several hosts


class another_host:  # noqa: N801 - reads as a block
    """The same database, from another process as far as the service can tell."""

    def __init__(self, service: Service) -> None:
        self.services: Services = create_app(service.services.settings).extensions["services"]

    def __enter__(self) -> Services:
        return self.services

    def __exit__(self, *_error: object) -> None:
        self.services.database.dispose()


@pytest.mark.sweep
def test_of_two_hosts_that_see_the_same_only_one_writes(patient: Service) -> None:
    down_with_orders(patient, REF)
    a_while_ago(patient, 60)
    mail_is_stuck(patient, 300)
    with another_host(patient) as other:
        hosts = (patient.services, other)
        at_once(long_waits.tell, *hosts)
        at_once(watch_for_alerts, *hosts)
        mail_works(patient)
        answers_again(patient, REF)
        for minutes in (0, 11, 12, 24):
            patient.mail_settled()
            at_once(lambda host, minutes=minutes: watch_for_alerts(host, now() + minutes * MINUTE), *hosts)

    subjects = [mail["Subject"] for mail in patient.notices()]
    for words in ("Still waiting", "held up", "answers again"):
        assert len([subject for subject in subjects if words in subject]) == 1
    assert len(alerts(patient)) == 2


def at_once(act: Any, *hosts: Services) -> None:
    """Each host does it, all at the same moment."""
    barrier = Barrier(len(hosts))

    def together(host: Services) -> None:
        barrier.wait()
        act(host)

    with ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(together, hosts))


# The digest


def a_run(service: Service, state: RunState, number: int, **values: Any) -> None:
    with service.services.database.write() as session:
        run = {"key": f"schedule {number}", "iso_week": "2026-W47", "started_by": "schedule", "source": "file:/r.csv"}
        session.add(DigestRun(**run, state=state, started_at=now(), **values))


def test_a_digest_that_fails_is_an_alert_until_a_run_succeeds(service: Service) -> None:
    with service.changed(report_source="file:/r.csv"):
        a_run(service, RunState.FAILED, 1, error="no file")
        watch_for_alerts(service.services)
        a_run(service, RunState.RUNNING, 2)
        watch_for_alerts(service.services)
        assert open_kinds(service) == ["digest_held_up"]
        with service.services.database.write() as session:
            session.execute(update(DigestRun).filter_by(state=RunState.RUNNING).values(state=RunState.COMPLETED))
        watch_for_alerts(service.services)

    assert open_kinds(service) == []
    assert service.notices() == []  # the runs tell of themselves


# What a backup knows is old


def test_what_was_wrong_when_a_backup_was_made_is_not_wrong_after_it_was_put_back(patient: Service) -> None:
    mail_is_stuck(patient, 300)
    watch_for_alerts(patient.services)
    patient.sandbox.mailbox.up()

    aftermath.settle(patient.services, now())

    assert alerts(patient) == []


def test_the_schedule_looks_without_being_told_to(service: Service) -> None:
    assert service.background.scheduler_state == "running"
    assert JOBS[watch.watch_for_alerts] <= MINUTE.total_seconds()


# The words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((20, "less than a minute"), (60, "1 min"), (3599, "1 h"), (7200, "2 h"), (12_000, "3 h 20 min")),
        *((100_000, "1 day 3 h"), (2 * 86400, "2 days")),
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


# The backup


def last_backup(service: Service, **values: Any) -> None:
    with service.services.database.write() as session:
        session.merge(LastBackup(id=1, **{"watched_since": now(), **values}))


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
def test_that_no_backup_was_made_in_time_is_told_once(service: Service, made: bool) -> None:
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
