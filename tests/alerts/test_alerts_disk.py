"""A disk that fills up, on one host and on several."""

import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import pytest

from app.alerts.watch import watch_for_alerts
from app.models import now
from tests.alerts.alert_mails import MINUTE, alerts, another_host, looks, open_kinds, says
from tests.conftest import Service

Usage = namedtuple("Usage", "total used free")
GB = 10**9


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


@pytest.mark.long
def test_a_disk_that_dips_again_and_again_is_not_told_of(service: Service, disk: dict[str, int]) -> None:
    start = now()
    for minute in range(0, 60, 4):
        disk["free"] = 1 * GB
        looks(service, minute, minute + 2, start=start)
        disk["free"] = 9 * GB
        looks(service, minute + 3, start=start)

    assert service.notices() == []
    assert alerts(service) == []


@pytest.mark.long
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
