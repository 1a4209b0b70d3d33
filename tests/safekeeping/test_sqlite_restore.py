"""Putting a backup back: what is refused, and what becomes of the database until now."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from app import create_app
from app.durable.locks import lock_for
from app.models import now
from app.safekeeping import backup_checksum
from app.storage import migrate
from app.storage.database import Database
from sandbox import Sandbox
from tests.conftest import settings_for
from tests.safekeeping.kept_databases import add_order, database_of, killed_at, left_in, orders_in, run
from tests.tools.command_runs import failed, printed
from tests.tools.processes import ServiceProcess

pytestmark = [pytest.mark.long, pytest.mark.sqlite]


def test_nothing_is_restored_under_a_service_that_works_or_serves(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "nightly.db"
    run(app, "db", "backup", file)
    lock = lock_for(database_of(app), None)
    assert lock.acquire()
    assert "Stop it first" in failed(run(app, "db", "restore", file))
    lock.release()

    serving = Database(database_of(app).url)
    with serving.read() as session:
        session.execute(text("select 1"))
    assert "A process has the database open" in failed(run(app, "db", "restore", file))
    serving.dispose()

    with closing(sqlite3.connect(tmp_path / "handler.db")) as by_hand:
        by_hand.execute("select count(*) from orders").fetchall()
        assert "Another program has" in failed(run(app, "db", "restore", file))

    assert not left_in(tmp_path, "before-restore") + left_in(tmp_path, "partial")
    assert run(app, "db", "restore", file).exit_code == 0


def test_a_file_that_is_no_backup_changes_nothing(app: Flask, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("create table songs (title text)")
        connection.commit()
    (tmp_path / "text.db").write_text("no database")

    assert "is no backup" in failed(run(app, "db", "restore", other))
    assert "is no backup" in failed(run(app, "db", "restore", tmp_path / "text.db"))
    assert "No such file" in failed(run(app, "db", "restore", tmp_path / "none.db"))
    assert "is the database itself" in failed(run(app, "db", "restore", tmp_path / "handler.db"))
    assert not left_in(tmp_path, "before-restore") + left_in(tmp_path, "partial")


def test_a_backup_of_a_newer_program_is_refused(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "newer.db"
    run(app, "db", "backup", file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
        connection.commit()
    backup_checksum.add_checksum(file)

    assert "newer version" in failed(run(app, "db", "restore", file))


def test_a_backup_that_was_made_after_a_deploy_was_taken_back_can_be_restored(app: Flask, tmp_path: Path) -> None:
    """The former version works on the tables of the newer one, and so do its backups."""
    with database_of(app).write() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    file = tmp_path / "kept.db"
    run(app, "db", "backup", file)
    add_order(app, "UIA-9")

    assert run(app, "db", "restore", file).exit_code == 0

    assert "UIA-9" not in orders_in(database_of(app).path)


@pytest.fixture(scope="module")
def checksummed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a checksum, as small as it can be."""
    file = tmp_path_factory.mktemp("summed") / "summed.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        backup_checksum.stamp(connection, now())
    backup_checksum.add_checksum(file)
    return file


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 8191), bit=st.integers(0, 7), cut=st.none() | st.integers(100, 8191))
def test_a_single_bit_that_flips_in_a_backup_is_noticed(
    checksummed: Path, tmp_path: Path, place: int, bit: int, cut: int | None
) -> None:
    content = bytearray(checksummed.read_bytes())
    if cut is None:
        content[place] ^= 1 << bit
    changed = tmp_path / "changed.db"
    changed.write_bytes(content[:cut])

    assert backup_checksum.is_whole(checksummed)
    assert not (backup_checksum.says_it_is_a_backup(changed) and backup_checksum.is_whole(changed))


def test_a_damaged_backup_is_not_restored(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "nightly.db"
    run(app, "db", "backup", file)
    whole = file.read_bytes()
    for damaged in (whole.replace(b"UIA-1", b"UIA-7"), whole[:-4096], whole[:5000]):
        file.write_bytes(damaged)
        assert "is damaged" in failed(run(app, "db", "restore", file))

    assert orders_in(tmp_path / "handler.db") == {"UIA-1"}


def test_the_database_until_now_is_kept_and_what_is_not_in_the_backup_is_named(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "nightly.db"
    run(app, "db", "backup", file)
    add_order(app, "UIA-2")

    restored = printed(run(app, "db", "restore", file, "--json"))
    said = run(app, "db", "restore", file).stdout

    kept = Path(restored["kept_as"])
    assert orders_in(kept) == {"UIA-1", "UIA-2"}
    assert orders_in(tmp_path / "handler.db") == {"UIA-1"}
    assert (restored["orders"], restored["not_in_it"], restored["go_on"]) == (1, ["UIA-2"], ["UIA-1"])
    assert len(left_in(tmp_path, "before-restore")) == 2
    assert "orders submit REF" in said
    assert "1 order had just come in and goes on by itself: UIA-1" in said
    with closing(sqlite3.connect(tmp_path / "handler.db")) as connection:
        tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
        assert "backup" not in tables
        assert connection.execute("PRAGMA application_id").fetchone() == (0,)


def test_a_damaged_database_is_replaced_and_kept_with_its_log(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "nightly.db"
    run(app, "db", "backup", file)
    database_of(app).dispose()
    (tmp_path / "handler.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 9000)
    (tmp_path / "handler.db-wal").write_bytes(b"what was not in the file yet")

    restored = printed(run(app, "db", "restore", file, "--json"))

    assert Path(restored["kept_as"]).stat().st_size == 9016
    assert Path(f"{restored['kept_as']}-wal").read_bytes() == b"what was not in the file yet"
    assert restored["not_in_it"] is None
    assert orders_in(tmp_path / "handler.db") == {"UIA-1"}


def test_a_backup_starts_a_new_server(app: Flask, sandbox: Sandbox, tmp_path: Path) -> None:
    run(app, "db", "backup", tmp_path / "nightly.db")
    new = create_app(settings_for(sandbox, tmp_path, database_url=f"sqlite:///{tmp_path}/new/handler.db"))

    restored = printed(run(new, "db", "restore", tmp_path / "nightly.db", "--json"))

    assert restored["kept_as"] is None
    assert orders_in(tmp_path / "new" / "handler.db") == {"UIA-1"}
    assert (tmp_path / "new" / "handler.db").stat().st_mode & 0o007 == 0
    database_of(new).dispose()


def test_a_copy_of_an_older_version_is_brought_up_to_date(app: Flask, sandbox: Sandbox, tmp_path: Path) -> None:
    old = Database(f"sqlite:///{tmp_path}/old.db")
    with old.engine.connect() as connection:
        command.upgrade(migrate.alembic_config(connection), "0005")
        connection.commit()
    with old.write() as session:
        session.execute(text("drop table alerts"))
        session.execute(text("update alembic_version set version_num = '0004'"))
        session.execute(
            text(
                "insert into orders (orderref, state, stage, run, actions, decision, remarks, tries, restarts,"
                " received_at, updated_at) values ('UIA-9', 'completed', 'account', 1, '[]', '{}', '[]', 0, 0,"
                " '2026-11-20 02:00:00.000000', '2026-11-20 02:00:00.000000')"
            )
        )
    old.dispose()

    restored = printed(run(app, "db", "restore", tmp_path / "old.db", "--json"))

    assert restored["made_at"] == "2026-11-20T02:00:00+00:00", "the newest thing in a copy without a stamp"
    assert migrate.is_current(database_of(app))
    assert orders_in(tmp_path / "handler.db") == {"UIA-9"}


@pytest.mark.sweep
def test_a_kill_before_the_end_of_a_restore_leaves_the_database_as_it_was(
    app: Flask, process: ServiceProcess, tmp_path: Path
) -> None:
    file = tmp_path / "nightly.db"
    run(app, "db", "backup", file)
    add_order(app, "UIA-2")
    database_of(app).dispose()
    assert killed_at(process, "sqlite_restore", "_put_in_place", "db", "restore", str(file)) == -signal.SIGKILL
    assert orders_in(tmp_path / "handler.db") == {"UIA-1", "UIA-2"}

    assert run(app, "db", "restore", file).exit_code == 0
    assert orders_in(tmp_path / "handler.db") == {"UIA-1"}
    assert not left_in(tmp_path, "partial")
