"""After `orders forget`, the database's files hold nothing of the person; what may be left is told."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.safekeeping import deleted_rows
from tests.conftest import Service
from tests.safekeeping.erased_orders import NEIGHBOUR, PERSON, forget, settled
from tests.tools.command_runs import ORDER, failed, run


def found_in_file(content: bytes) -> list[str]:
    """But for the first name: in the file, columns follow each other without a gap, and ids have its letters."""
    return [word for word in PERSON[1:] if word.lower().encode() in content.lower()]


def file_and_log(service: Service) -> bytes:
    path = service.services.database.path
    return b"".join(Path(f"{path}{end}").read_bytes() for end in ("", "-wal") if Path(f"{path}{end}").exists())


@pytest.mark.sweep
@pytest.mark.sqlite
def test_the_databases_file_and_its_log_do_not_hold_the_person_any_more(service: Service) -> None:
    for number in range(6):
        service.take(
            f"UIA202411-00{number}", **NEIGHBOUR | {"siteid": f"8{number}", "email": f"ole{number}@example.com"}
        )
    service.take()
    settled(service)
    assert found_in_file(file_and_log(service)) == list(PERSON[1:])

    assert forget(service)["none_left_in_the_file"]

    left = set(found_in_file(file_and_log(service))) - {"250 Mbps", "12 N EXAMPLE"}
    assert left == set(), "the street and the plan are the neighbours', too"


@pytest.mark.long
@pytest.mark.sqlite
def test_a_copy_that_sqlite_left_in_a_freed_page_is_found_and_goes(service: Service) -> None:
    service.take()
    settled(service)
    with closing(sqlite3.connect(service.services.database.path, isolation_level=None, timeout=10)) as careless:
        careless.execute("pragma secure_delete=off")
        careless.execute("create table careless (line text)")
        careless.executemany("insert into careless values (?)", [("ada.lind@example.com " * 200,)] * 20)
        careless.execute("drop table careless")

    assert forget(service)["none_left_in_the_file"]

    assert b"ada.lind" not in file_and_log(service)


@pytest.mark.long
@pytest.mark.sqlite
def test_what_may_be_left_in_the_file_is_told_and_the_command_fails(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.take()
    settled(service)
    monkeypatch.setattr(deleted_rows, "PATIENCE_SECONDS", 0.2)
    with closing(sqlite3.connect(service.services.database.path, isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT id FROM orders").fetchall()
        result = run(service, "orders", "forget", ORDER, "--yes")

    assert "may still have old copies" in failed(result)
    assert service.show(ORDER)["decisions"][0]["action"] == "forget"
    assert forget(service)["none_left_in_the_file"], "once nobody reads any more"


@pytest.mark.sqlite
def test_databases_that_restores_put_aside_are_named(service: Service) -> None:
    service.take()
    kept = Path(f"{service.services.database.path}.before-restore-20261122-020000")
    kept.touch()
    try:
        assert forget(service)["kept_by_restores"] == [str(kept)]
    finally:
        kept.unlink()
