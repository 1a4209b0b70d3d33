"""The schedule, and the lock of the process that keeps it."""

import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.durable.locks import FileLock
from app.running.schedule import Schedule
from app.services import Services
from config import PROJECT
from tests.conftest import Service, wait_for


def test_a_schedule_that_is_started_again_has_its_jobs(service: Service) -> None:
    schedule = Schedule(service.services)

    for _ in range(2):
        with schedule.while_running():
            assert schedule.running
    assert not schedule.running


class AnHourBack(datetime):
    """The clock was set back by an hour."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) - timedelta(hours=1)


def test_the_beats_go_on_when_the_clock_is_set_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[int] = []

    def beat(_services: Services) -> None:
        beats.append(len(beats))

    monkeypatch.setattr("app.running.schedule.JOBS", {beat: 0.02})
    with Schedule(service.services).while_running():
        wait_for(lambda: beats)
        monkeypatch.setattr("apscheduler.schedulers.base.datetime", AnHourBack)
        seen = len(beats)

        wait_for(lambda: len(beats) > seen + 2, 10)


def test_a_beat_that_fails_comes_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def fails(_services: Services) -> None:
        tried.append(1)
        raise RuntimeError("not now")

    monkeypatch.setattr("app.running.schedule.JOBS", {fails: 0.02})
    with Schedule(service.services).while_running():
        wait_for(lambda: len(tried) > 2)


def test_a_lock_that_cannot_be_opened_is_tried_again_and_ends_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "handler.db"
    lock = FileLock(path)
    assert not lock.acquire()

    path.parent.mkdir()
    path.touch()

    assert lock.acquire()
    lock.release()


@pytest.mark.sweep
def test_the_lock_is_the_databases_own_under_every_name_and_without_the_file_beside_it(tmp_path: Path) -> None:
    database, link = tmp_path / "handler.db", tmp_path / "elsewhere" / "link.db"
    database.touch()
    link.parent.mkdir()
    link.symlink_to(database)
    holder = in_another_process(database)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (tmp_path / "handler.db.executor.lock").unlink()

    by_name, by_link = FileLock(database), FileLock(link)
    assert (by_name.acquire(), by_link.acquire()) == (False, False)
    by_link.release()

    holder.kill()
    holder.wait()
    assert by_name.acquire()
    by_name.release()


def test_letting_go_of_the_lock_frees_nothing_that_sqlite_has_locked(tmp_path: Path) -> None:
    database = tmp_path / "handler.db"
    writing = sqlite3.connect(database, isolation_level=None)
    writing.execute("create table t (x)")
    writing.execute("begin exclusive")
    lock = FileLock(database)

    assert lock.acquire()
    lock.release()

    other = [
        sys.executable,
        "-c",
        f"import sqlite3; sqlite3.connect({str(database)!r}, timeout=0).execute('select 1 from t')",
    ]
    said = subprocess.run(other, capture_output=True, text=True, check=False)
    assert "database is locked" in said.stderr


def in_another_process(database: Path) -> "subprocess.Popen[str]":
    """A process that holds the lock until it is killed."""
    code = (
        "import sys; from pathlib import Path; from app.durable.locks import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); print('held' if lock.acquire() else 'not', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(database)]
    return subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
