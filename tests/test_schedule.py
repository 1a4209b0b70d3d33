"""The schedule, and the lock of the process that keeps it."""

from pathlib import Path

from app.executor_locks import FileLock
from app.schedule import Schedule
from tests.conftest import Service


def test_a_schedule_that_is_started_again_has_its_jobs(service: Service) -> None:
    schedule = Schedule(service.services)

    for _ in range(2):
        with schedule.while_running():
            assert schedule.running
            assert schedule._scheduler is not None
            assert schedule._scheduler.get_jobs()
    assert not schedule.running


def test_a_lock_that_cannot_be_opened_is_tried_again_and_ends_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "handler.db.executor.lock"
    lock = FileLock(path)
    assert not lock.acquire()

    path.parent.mkdir()

    assert lock.acquire()
    lock.release()
