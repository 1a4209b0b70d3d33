"""Backups: whole, of a running service or not, and never a part of one."""

import resource
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from config import PROJECT
from tests.safekeeping.kept_databases import add_order, database_of, left_in, orders_in, run
from tests.tools.command_runs import failed, printed
from tests.tools.processes import ServiceProcess, until

pytestmark = pytest.mark.sqlite


@pytest.mark.sweep
def test_every_callback_that_was_acknowledged_before_a_backup_is_in_it_and_none_waits_for_it(
    process: ServiceProcess, tmp_path: Path
) -> None:
    process.start()
    acknowledged: list[str] = []
    stop = threading.Event()

    def send(sender: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            assert process.post_callback(f"UIA-{sender}-{number}") == 200
            acknowledged.append(f"UIA-{sender}-{number}")

    senders = [threading.Thread(target=send, args=[sender]) for sender in range(3)]
    for sender in senders:
        sender.start()
    until(lambda: len(acknowledged) > 20)
    before = set(acknowledged)
    result = run(create_app(process.settings), "db", "backup", tmp_path / "nightly.db", "--json")
    until(lambda: len(acknowledged) > len(before) + 20)
    stop.set()
    for sender in senders:
        sender.join()

    assert printed(result)["orders"] >= len(before)
    assert before <= orders_in(tmp_path / "nightly.db")
    assert "ERROR" not in process.log


def test_a_backup_is_one_file_for_nobody_else_and_replaces_the_last_one(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "backups" / "nightly.db"
    file.parent.mkdir()
    assert run(app, "db", "backup", file).exit_code == 0
    add_order(app, "UIA-2")

    made = printed(run(app, "db", "backup", file, "--json"))

    assert (made["orders"], made["bytes"]) == (2, file.stat().st_size)
    assert left_in(file.parent, "") == ["nightly.db"]
    assert orders_in(file) == {"UIA-1", "UIA-2"}
    assert file.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_backup_that_can_not_be_made_says_why_in_one_line(app: Flask, tmp_path: Path) -> None:
    assert failed(run(app, "db", "backup", tmp_path / "none" / "b.db")) == f"There is no folder {tmp_path}/none"
    assert "--keep goes with a folder" in failed(run(app, "db", "backup", tmp_path / "none", "--keep", "2"))
    assert "is the database itself" in failed(run(app, "db", "backup", tmp_path / "handler.db"))


def test_a_damaged_database_replaces_no_good_backup(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "nightly.db"
    assert run(app, "db", "backup", file).exit_code == 0
    good = file.read_bytes()
    database_of(app).dispose()
    with (tmp_path / "handler.db").open("r+b") as database:
        database.seek(4096)
        database.write(b"\xff" * 30_000)

    said = failed(run(app, "db", "backup", file))

    assert "damaged" in said or "can't be used" in said
    assert file.read_bytes() == good
    assert not left_in(tmp_path, "partial")


@pytest.mark.sweep
def test_a_full_disk_leaves_the_last_backup_and_no_part_of_a_new_one(
    app: Flask, process: ServiceProcess, tmp_path: Path
) -> None:
    file = tmp_path / "nightly.db"
    assert run(app, "db", "backup", file).exit_code == 0
    good = file.read_bytes()

    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "backup", str(file)],
        cwd=PROJECT,
        env=process.environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )

    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "the disk is full" in result.stderr
    assert file.read_bytes() == good
    assert not left_in(tmp_path, "partial")


def test_what_a_killed_backup_left_is_removed_by_the_next_one(app: Flask, tmp_path: Path) -> None:
    (tmp_path / ".nightly.db.0123abcd.partial").write_bytes(b"half of it")
    (tmp_path / ".nightly.db.0123abcd.partial-journal").write_bytes(b"half of it")

    assert run(app, "db", "backup", tmp_path / "nightly.db").exit_code == 0

    assert not left_in(tmp_path, "partial")
