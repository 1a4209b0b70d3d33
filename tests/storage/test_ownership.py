"""What root makes before the first start is open to the user that the service runs as, and what is not is told."""

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.durable.locks import lock_for
from app.setup import database_upgrade
from app.storage import ownership
from app.storage.database import Database
from config import PROJECT
from sandbox import Sandbox
from tests.conftest import settings_for
from tests.tools.processes import environment_of

SERVICE = 65534
"""The user "nobody", as whom the service runs here."""
pytestmark = [pytest.mark.sqlite]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the service's user, whom the test may become."""
    folder = Path(f"/tmp/ownership-of-test-{os.getpid()}")
    folder.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(folder, SERVICE, SERVICE)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def as_service() -> Iterator[None]:
    """Root becomes the service's user when this is asked for; another user is it already."""
    user = os.geteuid()
    os.seteuid(user or SERVICE)
    yield
    os.seteuid(user)


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in folder.rglob("*")}


@pytest.mark.sweep
def test_what_root_makes_first_belongs_to_the_owner_of_the_folder(folder: Path) -> None:
    with Sandbox() as sandbox:
        url, log = f"sqlite:///{folder}/instance/handler.db", folder / "logs/api_class.log"
        settings = settings_for(sandbox, folder, database_url=url, log_file=log)
        for command in ("config check", "db upgrade"):
            done = subprocess.run(
                [sys.executable, "-m", "flask", "--app", "wsgi", *command.split()],
                cwd=PROJECT,
                env={**os.environ, **environment_of(settings)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr

    names = {path.name for path in folder.rglob("*")}
    assert {"handler.db", "handler.db.upgrade.lock", "handler.db.use.lock", "api_class.log"} <= names
    assert owners(folder) == {folder.stat().st_uid}


@pytest.mark.long
def test_the_service_goes_on_with_what_root_began(folder: Path, request: pytest.FixtureRequest) -> None:
    with Sandbox() as sandbox:
        settings = settings_for(sandbox, folder, database_url=f"sqlite:///{folder}/instance/handler.db")
    database = Database(settings.database_url)
    database_upgrade.upgrade(database, settings)
    assert lock_for(database, None).acquire()
    database.dispose()

    request.getfixturevalue("as_service")
    database = Database(settings.database_url)
    database_upgrade.upgrade(database, settings)
    assert lock_for(database, None).acquire()
    database.dispose()


@pytest.mark.long
@pytest.mark.parametrize("command", ["orders list", "db upgrade", "db check", "config check"])
def test_a_database_that_can_not_be_opened_is_one_sentence(
    folder: Path, request: pytest.FixtureRequest, command: str
) -> None:
    with Sandbox() as sandbox:
        url = f"sqlite:///{folder}/handler.db"
        settings = settings_for(sandbox, folder, database_url=url)
    database = Database(settings.database_url)
    database_upgrade.upgrade(database, settings)
    database.dispose()
    for file in folder.glob("handler.db*"):
        os.chown(file, os.geteuid(), os.getegid())
        file.chmod(0)
    app = create_app(settings)

    request.getfixturevalue("as_service")
    owner = ownership.name_of(folder.joinpath("handler.db").stat().st_uid)
    result = app.test_cli_runner().invoke(args=command.split())

    assert result.exit_code == 1, result.exception
    assert result.stderr == (
        f"Error: The database can't be opened: {folder}/handler.db belongs to {owner}, "
        f"and {ownership.name_of(os.geteuid())}, who runs this, may not use it\n"
    )


@pytest.mark.long
@pytest.mark.parametrize("closed", ["", ".upgrade.lock"])
def test_the_service_says_whose_the_database_is_when_it_starts(
    folder: Path,
    closed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    with Sandbox() as sandbox:
        settings = settings_for(sandbox, folder, database_url=f"sqlite:///{folder}/handler.db", log_file=folder / "log")
    database_upgrade.upgrade(database := Database(settings.database_url), settings)
    database.dispose()
    for file in folder.glob("handler.db*"):
        os.chown(file, SERVICE if os.geteuid() == 0 else os.geteuid(), -1)
    file = Path(f"{folder}/handler.db{closed}")
    os.chown(file, os.geteuid(), os.getegid())
    file.chmod(0)

    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder / "metrics"))
    server = runpy.run_path(str(PROJECT / "gunicorn.conf.py"))

    request.getfixturevalue("as_service")
    with pytest.raises(SystemExit):
        server["bring_up_to_date"]()
    server["on_exit"](None)
    assert capsys.readouterr().err.startswith(f"The database can't be opened: {file} belongs to ")
