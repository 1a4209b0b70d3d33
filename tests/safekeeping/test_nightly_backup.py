"""The backup of every night: into a folder, on either database, with what counts besides, and never failing unseen."""

import grp
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import make_url, text

from app import create_app
from app.models import LastBackup, Order
from app.safekeeping import companion_files, postgresql_backup
from app.setup import database_upgrade
from app.storage import migrate
from app.storage.database import Database
from sandbox import Sandbox
from tests.conftest import settings_for
from tests.safekeeping.kept_databases import add_order, database_of, left_in, orders_in, run
from tests.tools.command_runs import failed, printed
from tests.tools.postgres import PROGRAMS

pytestmark = pytest.mark.long


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def noted(app: Flask) -> LastBackup:
    with database_of(app).read() as session:
        return session.get_one(LastBackup, 1)


def night(app: Flask, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = printed(run(app, "db", "backup", folder, "--json"))
    return found


@pytest.mark.sqlite
def test_a_night_leaves_the_database_and_what_counts_besides_for_nobody_else(app: Flask, folder: Path) -> None:
    made = night(app, folder)

    file = Path(made["file"])
    assert orders_in(file) == {"UIA-1"}
    assert "ticket_descriptions/new_desc.txt" in made["beside"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    with tarfile.open(file.with_name(f"{file.stem}.files.tar")) as beside:
        group = grp.getgrgid(os.getgid()).gr_name  # root unpacks it, and the service reads it at once
        assert {(member.uname, member.gname) for member in beside} == {("root", group)}
        assert {member.mode for member in beside if member.isfile()} == {0o640}
    assert (noted(app).file, noted(app).error) == (str(file), None)


@pytest.mark.sqlite
def test_env_and_the_files_that_it_names_are_kept_wherever_they_lie(
    sandbox: Sandbox, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "google.json"
    for file in (key, tmp_path / ".env"):
        file.write_text("{}")
    url = f"sqlite:///{tmp_path}/handler.db"
    settings = settings_for(sandbox, tmp_path, database_url=url, google_service_account_file=key)
    monkeypatch.setitem(type(settings).model_config, "env_file", tmp_path / ".env")
    app = create_app(settings)
    database_upgrade.upgrade(database_of(app), settings)

    beside = night(app, folder)["beside"]

    assert {f"elsewhere{key}", f"elsewhere{tmp_path}/.env"} <= set(beside)


def test_a_group_without_a_name_is_no_hindrance() -> None:
    assert companion_files.group_name(os.getgid()) == grp.getgrgid(os.getgid()).gr_name
    taken = {group.gr_gid for group in grp.getgrall()}
    assert companion_files.group_name(next(gid for gid in range(50_000, 60_000) if gid not in taken)) == ""


@pytest.mark.sqlite
def test_the_last_seven_stay_also_of_those_that_cron_made_and_nothing_else_goes(app: Flask, folder: Path) -> None:
    for age, name in enumerate(["handler-Mon.db", *(f"handler-2026110{day}-020000.db" for day in range(7, 0, -1))]):
        (folder / name).write_text("an old one")
        os.utime(folder / name, (1_000_000_000 - age, 1_000_000_000 - age))
    (folder / "handler-20261101-020000.files.tar").write_text("its files")
    (folder / "before-upgrade.db").write_text("somebody's own")

    made = night(app, folder)

    assert len([name for name in left_in(folder, "handler-") if name.endswith(".db")]) == 7
    assert left_in(folder, "20261101") == left_in(folder, "20261102") == []
    assert left_in(folder, "Mon") == ["handler-Mon.db"]
    assert left_in(folder, "before") == ["before-upgrade.db"]
    assert Path(made["file"]).exists()


@pytest.mark.sqlite
def test_a_night_that_fails_is_noted_with_its_reason_and_a_good_one_after_it(
    app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.safekeeping.sqlite_backup.LEAST_FREE_BYTES", 10**18)
    assert "has no room" in failed(run(app, "db", "backup", folder))
    assert "has no room" in str(noted(app).error)
    assert noted(app).made_at is None
    assert [name for name in left_in(folder, "handler-") if name.endswith(".db")] == []

    monkeypatch.undo()
    night(app, folder)
    assert noted(app).error is None
    assert noted(app).made_at is not None


@pytest.mark.sqlite
def test_a_copy_to_a_file_is_none_of_the_nights(app: Flask, tmp_path: Path) -> None:
    assert run(app, "db", "backup", tmp_path / "before-upgrade.db").exit_code == 0

    with database_of(app).read() as session:
        assert session.get(LastBackup, 1) is None


# A look at a backup


@pytest.mark.sqlite
def test_a_look_says_what_is_in_a_backup_and_changes_nothing(app: Flask, folder: Path, tmp_path: Path) -> None:
    add_order(app, "UIA-2")
    file = Path(night(app, folder)["file"])
    before = {path: path.read_bytes() for path in (file, tmp_path / "handler.db")}, left_in(folder, "")
    file.chmod(0o400)
    folder.chmod(0o500)

    found = printed(run(app, "db", "restore", "--check", file, "--json"))

    assert (found["orders"], found["newest_order"], found["of_postgresql"]) == (2, "UIA-2", False)
    assert found["made_at"]
    assert "ticket_descriptions/new_desc.txt" in found["beside"]
    words = run(app, "db", "restore", "--check", file).stdout
    assert "2 orders, the newest UIA-2" in words
    assert "Nothing was changed." in words
    folder.chmod(0o700)
    assert ({path: path.read_bytes() for path in (file, tmp_path / "handler.db")}, left_in(folder, "")) == before


@pytest.mark.sqlite
def test_a_look_at_a_backup_that_is_damaged_or_of_a_newer_program_fails_with_one_line(app: Flask, folder: Path) -> None:
    file = Path(night(app, folder)["file"])
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    (folder / "damaged.db").write_bytes(content)
    (folder / "none.db").write_text("no database")
    with database_of(app).write() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    newer = Path(night(app, folder)["file"])
    with database_of(app).write() as session:
        session.execute(text(f"update alembic_version set version_num = '{migrate.newest()}'"))

    assert "is damaged" in failed(run(app, "db", "restore", "--check", folder / "damaged.db"))
    assert "is no backup" in failed(run(app, "db", "restore", "--check", folder / "none.db"))
    assert "can't be read" in failed(run(app, "db", "restore", "--check", folder / "not-there.db"))
    assert "by a newer version" in run(app, "db", "restore", "--check", newer).stderr


# PostgreSQL


@pytest.fixture
def on_postgresql(
    sandbox: Sandbox, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """The service's commands on a PostgreSQL database of their own with one order."""
    monkeypatch.setenv("PATH", str(PROGRAMS), prepend=os.pathsep)  # pg_dump as new as the server
    name = f"nightly_{abs(hash(tmp_path)) % 10**9}"
    server = Database(settings_for(sandbox, tmp_path, database_url=postgresql_url).database_url)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"create database {name}"))
    server.dispose()
    url = make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
    app = create_app(settings_for(sandbox, tmp_path, database_url=url))
    database_upgrade.upgrade(database_of(app), app.extensions["services"].settings)
    with database_of(app).write() as session:
        session.add(Order(orderref="UIA-1", reason="of two\nlines, and a \\. of its own"))
    yield app
    database_of(app).dispose()


def test_postgresql_is_backed_up_by_the_same_command(on_postgresql: Flask, folder: Path) -> None:
    made = night(on_postgresql, folder)

    assert made["file"].endswith(".dump")
    assert made["orders"] == 1
    assert Path(made["file"]).stat().st_mode & 0o777 == 0o600
    assert noted(on_postgresql).file == made["file"]
    found = printed(run(on_postgresql, "db", "restore", "--check", made["file"], "--json"))
    assert (found["orders"], found["of_postgresql"], found["version"]) == (1, True, migrate.newest())
    assert found["made_at"]


def test_a_dump_that_was_cut_is_damaged(on_postgresql: Flask, folder: Path) -> None:
    file = Path(night(on_postgresql, folder)["file"])
    file.write_bytes(file.read_bytes()[:-2000])

    assert "can't be used: pg_restore failed" in failed(run(on_postgresql, "db", "restore", "--check", file))


def test_without_pg_dump_one_sentence_says_what_to_install(
    on_postgresql: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))

    said = failed(run(on_postgresql, "db", "backup", folder))

    assert said == "pg_dump is missing. On Debian and Ubuntu: apt-get install postgresql-client"
    assert noted(on_postgresql).error == said


def test_no_password_is_in_what_a_program_is_called_with() -> None:
    url = "postgresql+psycopg://ada:very-secret@db.example.com:5433/orders?sslmode=require"

    assert postgresql_backup._apart(url) == (
        "postgresql://ada@db.example.com:5433/orders?sslmode=require",
        "very-secret",
    )


def test_a_server_that_is_newer_than_pg_dump_is_said_so() -> None:
    said = (
        "pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 17; pg_dump: 15"
    )

    assert postgresql_backup._in_words("pg_dump", said).endswith("mismatch: install that version's postgresql-client")
