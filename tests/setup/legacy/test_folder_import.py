"""What the scripts that were in use before left behind: taken over, told, or left where it is; never guessed."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.models import AuditEntry, DigestWindow, Order, User
from app.setup.legacy import environment, failed_orders, old_users
from app.setup.legacy.findings import Became, Entry
from tests.conftest import Service
from tests.setup.legacy.reports import HASH, imported, leave, report, users, why
from tests.tools.command_runs import ORDER, commands, failed, printed


def test_everything_the_scripts_left_is_taken_over_once(service: Service, tmp_path: Path) -> None:
    service.order()
    folder = leave(
        tmp_path,
        failed_orders=[{"orderref": ORDER, "error": "timeout", "customer": "Ada Lind"}],
        users={"ada": {"password": HASH, "role": "admin"}},
        last_run_date={"last_run_date": "14/11/2026"},
    )

    result = imported(service, folder)

    assert result.exit_code == 0, result.output
    assert service.rested(ORDER)["state"] == "completed"
    assert users(service) == {"ada": "administrator"}
    assert service.one(select(DigestWindow.starts_on)).isoformat() == "2026-11-14"
    again = report(service, folder)
    assert {became for entries in again.values() for _, became in entries} == {"here already"}
    assert imported(service, folder).exit_code == 0
    assert len(service.sandbox.powercode.customers) == 1


def test_a_dry_run_takes_and_starts_nothing(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders=[ORDER], users={"ada": HASH}, last_run_date={"last_run_date": "14/11/2026"})

    said = report(service, folder, "--dry-run")

    assert [became for entries in said.values() for _, became in entries] == ["taken"] * 3
    assert "Nothing is taken" in imported(service, folder, "--dry-run").stdout
    with service.services.database.read() as session:
        assert [session.scalars(select(model.id)).all() for model in (Order, User, DigestWindow, AuditEntry)] == [
            []
        ] * 4


@pytest.mark.sweep
def test_without_a_service_the_orders_are_followed_to_their_end(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    with commands(tmp_path) as (sandbox, process):
        sandbox.utopia.add_order(ORDER)
        result = printed(process.run("import", "legacy", str(leave(old, failed_orders=[ORDER])), "--json"))

    assert result["orders"] == [{"orderref": ORDER, "state": "completed", "reason": None}]


def test_a_broken_file_keeps_none_of_the_others_back(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders="{", users={"ada": HASH}, last_run_date="[1")

    said = failed(imported(service, folder))

    assert said.startswith("2 of what is in")
    assert users(service) == {"ada": "staff"}


def test_a_folder_without_any_of_the_files_is_told(service: Service, tmp_path: Path) -> None:
    assert "none of these" in failed(imported(service, tmp_path))
    assert "There is no folder" in failed(imported(service, tmp_path / "nowhere"))


def test_the_files_are_left_as_they_are(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders=[], users={"ada": HASH}, env="PC_DUE_BY_DAYS=5\n")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    imported(service, folder)

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize("content", ["{}", '{"last_run_date": "31/02/2026"}', "[" * 100_000, "\x00", '"14/11/2026"'])
def test_a_last_run_that_cannot_be_read_sets_no_window(service: Service, tmp_path: Path, content: str) -> None:
    assert "1 of what is in" in failed(imported(service, leave(tmp_path, last_run_date=content)))

    assert service.rows(select(DigestWindow.id)) == []


@pytest.mark.parametrize("name", [".env", "failed_orders.json", "users.json", "last_run_date.json"])
def test_what_is_no_file_or_too_large_is_one_line(service: Service, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert "no file" in why(service, tmp_path, name)
    (tmp_path / name).rmdir()

    os.mkfifo(tmp_path / name)
    assert "no file" in why(service, tmp_path, name), "and it does not hang"
    (tmp_path / name).unlink()

    with (tmp_path / name).open("wb") as large:
        large.truncate(100 * 1024 * 1024)
    assert "larger than" in why(service, tmp_path, name)


NAMES = st.sampled_from(["orderref", "msg", "name", "password", "role", "users", "orders", ORDER, "\0", "\ud800"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([ORDER, HASH, "\0", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner),
    max_leaves=12,
)


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_any_json_gives_entries_and_no_other_error(service: Service, content: object) -> None:
    found = list(failed_orders.read(content))
    with service.services.database.write() as session:
        found += list(old_users.take(session, content, "x"))
        session.rollback()

    assert all(isinstance(entry, Entry) and (entry.became is not Became.NOT_TAKEN or entry.why) for entry in found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_any_text_as_settings_gives_entries_and_no_other_error(service: Service, text: str) -> None:
    assert all(isinstance(entry, Entry) for entry in environment.compare(text, service.services.settings))
