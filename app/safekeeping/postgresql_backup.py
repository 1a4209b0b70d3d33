"""Backups of a PostgreSQL database by PostgreSQL's own programs, and reading what such a backup holds."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sqlalchemy import make_url

from app.safekeeping.sqlite_backup import BackupFailed

MAGIC = b"PGDMP"
CONNECT_SECONDS = 10
PACKAGE = "is missing. On Debian and Ubuntu: apt-get install postgresql-client"
CREATED = re.compile(r"^;\s+Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)


def write(url: str, partial: Path) -> int:
    """Write a dump into a partial file; returns how many orders are in it. Raises `BackupFailed`."""
    _run("pg_dump", "--no-password", "--format=custom", f"--file={partial}", url=url)
    return count(partial, "orders")


def is_dump(file: Path) -> bool:
    """Whether the file begins like a dump of `pg_dump --format=custom`."""
    with file.open("rb") as content:
        return content.read(len(MAGIC)) == MAGIC


def made_at(file: Path) -> datetime | None:
    """When a dump was made. Its header names no time zone; this machine's is assumed."""
    found = CREATED.search(_run("pg_restore", "--list", str(file)))
    return datetime.fromisoformat(found[1]).astimezone(UTC) if found else None


def count(file: Path, table: str) -> int:
    """How many rows of a table a dump holds; raises `BackupFailed` for a damaged dump."""
    with _rows(file, table) as rows:
        return sum(1 for _ in rows)


def version(file: Path) -> str | None:
    """The version of our tables in a dump."""
    with _rows(file, "alembic_version") as rows:
        return next((row.strip() for row in rows), None)


def check(file: Path) -> None:
    """Read all of a dump; raises `BackupFailed` for a damaged dump."""
    _run("pg_restore", f"--file={os.devnull}", str(file))


@contextmanager
def _rows(file: Path, table: str) -> Iterator[Iterator[str]]:
    """The rows of a table as `COPY` writes them, one line each; line breaks in values are escaped."""
    command = ["pg_restore", "--data-only", f"--table={table}", "--file=-", str(file)]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise BackupFailed(f"pg_restore {PACKAGE}") from None
    with process:
        assert process.stdout is not None  # noqa: S101
        yield _copied(process.stdout)
        process.stdout.read()
        said = process.stderr.read() if process.stderr else ""
    if process.returncode:
        raise BackupFailed(_in_words("pg_restore", said))


def _copied(lines: IO[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        if inside and line == "\\.\n":
            return
        if inside:
            yield line
        inside = inside or line.startswith("COPY ")


def _run(program: str, *arguments: str, url: str | None = None) -> str:
    command, environment = [program, *arguments], dict(os.environ, PGCONNECT_TIMEOUT=str(CONNECT_SECONDS))
    if url is not None:
        address, password = _apart(url)
        command.append(f"--dbname={address}")
        if password:
            environment["PGPASSWORD"] = password
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BackupFailed(f"{program} {PACKAGE}") from None
    if done.returncode:
        raise BackupFailed(_in_words(program, done.stderr))
    return done.stdout


def _apart(url: str) -> tuple[str, str | None]:
    """The address without its password, and the password: everybody on a machine can see a program's arguments."""
    parts = make_url(url).set(drivername="postgresql")
    password = parts.password or str(parts.query.get("password", ""))
    parts = parts.difference_update_query(["password"])._replace(password=None)
    return parts.render_as_string(), password or None


def _in_words(program: str, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    found = next((line for line in lines if "error:" in line), lines[0] if lines else "it gave no reason")
    words = re.sub(rf"^{program}: (error: )?", "", found)
    advice = ": install that version's postgresql-client" if "server version mismatch" in words else ""
    return f"{program} failed: {words}{advice}"
