"""What tells versions apart: the commit that a process was started from, and the database's version."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.setup import database_upgrade
from app.storage import migrate
from app.version import commit_of
from sandbox import Sandbox
from tests.conftest import settings_for
from tests.deploy.server import git

NEWER = "9999"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one commit."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "First")
    return tmp_path


@pytest.mark.parametrize("prepared", [(), ("pack-refs", "--all"), ("checkout", "--quiet", "--detach")])
def test_the_commit_is_known_without_git(checkout: Path, prepared: tuple[str, ...]) -> None:
    if prepared:
        git(checkout, *prepared)
    assert commit_of(checkout) == git(checkout, "rev-parse", "HEAD")


def test_a_folder_that_is_no_checkout_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None


@pytest.fixture
def app(sandbox: Sandbox, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(settings_for(sandbox, tmp_path))
    yield app
    app.extensions["services"].database.dispose()


def test_an_upgrade_that_is_due_is_told_and_not_made(app: Flask) -> None:
    for _ in range(2):
        due = app.test_cli_runner().invoke(args=["db", "check"])
        assert (due.exit_code, due.output.startswith("An upgrade is due, from nothing to ")) == (3, True)


@pytest.mark.long
def test_a_database_that_is_up_to_date_is_told_so(app: Flask) -> None:
    services = app.extensions["services"]
    database_upgrade.upgrade(services.database, services.settings)
    current = app.test_cli_runner().invoke(args=["db", "check"])
    assert (current.exit_code, current.output) == (0, f"The database is up to date ({migrate.newest()}).\n")


def test_a_version_that_was_taken_back_works_on_the_tables_of_the_one_after_it(app: Flask) -> None:
    services = app.extensions["services"]
    database_upgrade.upgrade(services.database, services.settings)
    with services.database.write() as session:
        session.execute(text("update alembic_version set version_num = :newer"), {"newer": NEWER})

    database_upgrade.upgrade(services.database, services.settings)

    assert migrate.version_of(services.database) == NEWER
    assert "needs" not in app.test_client().get("/readyz").json["database"]
