"""The flask commands as the tests run them, in this process or in one of their own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import Result
from flask import Flask

from app import create_app
from app.setup import database_upgrade
from app.storage.database import Database
from sandbox import Sandbox
from tests.conftest import Service, settings_for
from tests.tools import databases
from tests.tools.processes import ServiceProcess

ORDER = "UIA202411-001186"


def run(service: Service, *arguments: str) -> Result:
    """A command in this process; only those that execute nothing, as the service runs here already."""
    return service.app.test_cli_runner().invoke(args=arguments)


def failed(result: Result) -> str:
    """The one line on stderr of a command that failed, but for the progress that it told before."""
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    *progress, line = result.stderr.splitlines()
    assert all(each.startswith("  ") for each in progress)
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def printed(result: Any) -> Any:
    """The JSON of a command that ended well."""
    assert (result.exit_code if isinstance(result, Result) else result.returncode) == 0, result.stderr
    return json.loads(result.stdout)


@contextmanager
def commands(folder: Path, **settings: Any) -> Iterator[tuple[Sandbox, ServiceProcess]]:
    """Commands as processes of their own on a database of their own, with a sandbox; no service runs."""
    with Sandbox() as sandbox, ServiceProcess(settings_for(sandbox, folder, **settings), folder) as process:
        databases.with_tables(process.settings.database_url)
        database = Database(process.settings.database_url)
        database_upgrade.upgrade(database, process.settings)
        database.dispose()
        yield sandbox, process


@contextmanager
def idle(folder: Path, **settings: Any) -> Iterator[Flask]:
    """Commands in this process, on a database that nobody made yet."""
    with Sandbox() as sandbox:
        app = create_app(settings_for(sandbox, folder, **settings))
        yield app
        app.extensions["services"].database.dispose()
