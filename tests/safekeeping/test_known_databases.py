"""A database that was in use and is gone, or empty, is no first start."""

from pathlib import Path

import pytest

from app.safekeeping import known_databases
from app.storage import migrate
from sandbox import Sandbox
from sandbox.ports import bind
from tests.conftest import Service, settings_for
from tests.tools.processes import ServiceProcess, until

pytestmark = pytest.mark.sqlite


@pytest.fixture
def service(sandbox: Sandbox, tmp_path: Path) -> Service:
    """A service that was started once, with its database in a folder as a disk would be."""
    (tmp_path / "texts").mkdir()
    made = Service(sandbox, settings_for(sandbox, tmp_path, ticket_template_dir=tmp_path / "texts"))
    known_databases.remember(made.services.database, made.services.settings)
    return made


def refused(service: Service) -> str:
    service.services.database.dispose()
    with pytest.raises(known_databases.DatabaseMissing) as missing:
        known_databases.refuse_missing(service.services.database, service.services.settings)
    return str(missing.value)


def test_a_database_that_was_never_there_may_be_made(sandbox: Sandbox, tmp_path: Path) -> None:
    fresh = Service(sandbox, settings_for(sandbox, tmp_path, ticket_template_dir=tmp_path))

    known_databases.refuse_missing(fresh.services.database, fresh.services.settings)


def test_a_database_that_is_there_is_taken(service: Service) -> None:
    known_databases.refuse_missing(service.services.database, service.services.settings)


def test_a_database_that_is_gone_is_refused_and_the_file_is_not_made(service: Service) -> None:
    path = service.services.database.path
    path.unlink()

    assert "no such file" in refused(service)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", None])
def test_a_database_that_is_empty_again_is_refused(service: Service, content: bytes | None) -> None:
    path = service.services.database.path
    service.services.database.dispose()
    for each in path.parent.glob("handler.db*"):
        each.unlink()
    if content is None:
        migrate.version_of(service.services.database)  # makes a file without tables
    else:
        path.write_bytes(content)

    said = refused(service)

    assert "an empty one" in said
    assert "db upgrade --new" in said


def test_only_the_last_databases_are_written_down(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "texts" / ".databases"
    file.write_text("".join(f"/data/{number}.db\n" for number in range(50)))

    known_databases.remember(service.services.database, service.services.settings)

    lines = file.read_text().splitlines()
    assert len(lines) == known_databases.MOST_KEPT
    assert lines[-1] == str(service.services.database.path)


@pytest.mark.sweep
def test_the_service_does_not_start_without_its_database_until_it_may_make_a_new_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "new_desc.txt").write_text("Welcome {first_name}")
    settings = settings_for(sandbox, tmp_path, ticket_template_dir=tmp_path / "texts")
    with ServiceProcess(settings, tmp_path) as process:
        process.start()
        process.kill()
        for each in tmp_path.glob("handler.db*"):
            each.unlink()

        process.start(wait=False)
        until(lambda: process.has_ended)
        last_words = process.printed.splitlines()[-1]
        refused_command = process.run("db", "upgrade")
        allowed = process.run("db", "upgrade", "--new")
        process.start()

    assert "The database is gone" in last_words
    assert (refused_command.returncode, allowed.returncode) == (1, 0)
    assert "db restore" in refused_command.stderr


@pytest.mark.sweep
def test_the_last_line_of_a_start_without_its_database_server_names_place_and_cause(tmp_path: Path) -> None:
    with Sandbox() as sandbox, bind("127.0.0.1", 0) as nobody:
        port = nobody.getsockname()[1]
        url = f"postgresql://clerk:hidden@127.0.0.1:{port}/orders"
        with ServiceProcess(settings_for(sandbox, tmp_path, database_url=url), tmp_path) as process:
            process.start(wait=False)
            assert process.ended() != 0

    assert process.printed.splitlines()[-1].startswith(f"The database orders on 127.0.0.1:{port}, as clerk: ")
    assert "Connection refused" in process.printed.splitlines()[-1]
    assert "hidden" not in process.printed
    assert "Traceback" not in process.printed
