"""A process knows when `.env`, or a file that it names, was changed since it started; a command asks the service."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.setup.settings_in_use import SettingsInUse, fault_of_running, mark
from config import Settings, load_settings
from tests.tools.loopback import Answering, answered_by, serving

REQUIRED = {
    "UTOPIA_URL_ENDPOINT": "https://utopia.example.com",
    "UTOPIA_API_KEY": "utopia-key",
    "PC_URL": "https://powercode.example.com",
    "PC_API_KEY": "powercode-key",
    "SERVICE_PLAN_MAPPING": "{}",
    "ADDITIONAL_SERVICE_PLAN_MAPPING": "{}",
    "MAIL_SERVER": "smtp.example.com",
    "EMAIL_SENDER": "fiber@example.com",
    "EMAIL_RECIPIENTS": "office@example.com",
    "SECRET_KEY": "only-for-tests",
}


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / ".env"
    path.write_text("".join(f"{name}={value}\n" for name, value in REQUIRED.items()))
    monkeypatch.setitem(Settings.model_config, "env_file", path)
    return path


def add(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def test_settings_that_stay_are_current(env_file: Path) -> None:
    assert SettingsInUse(load_settings()).is_current()


def test_a_comment_changes_no_settings(env_file: Path) -> None:
    in_use = SettingsInUse(load_settings())

    add(env_file, "# the office moves in May")

    assert in_use.is_current()


@pytest.mark.parametrize("line", ["EMAIL_RECIPIENTS=new.office@example.com", "MAIL_PORT=often"])
def test_another_value_and_a_fault_are_a_change_until_they_are_taken_back(env_file: Path, line: str) -> None:
    in_use = SettingsInUse(load_settings())
    before = env_file.read_text()

    add(env_file, line)

    assert not in_use.is_current()
    env_file.write_text(before)
    assert in_use.is_current()


def test_a_file_that_the_settings_name_counts_as_well(env_file: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text("{}")
    add(env_file, f"GOOGLE_SERVICE_ACCOUNT_FILE={key}")
    in_use = SettingsInUse(load_settings())

    key.write_text('{"type": "service_account"}')

    assert not in_use.is_current()


def test_the_mark_tells_settings_apart_and_nothing_of_them(env_file: Path) -> None:
    settings = load_settings()

    assert mark(settings) == mark(load_settings())
    assert mark(settings) == mark(load_settings(role="web", worker_port=5999))
    assert mark(settings) != mark(load_settings(mail_port=2525))
    assert mark(settings) != mark(load_settings(pc_api_key="another-key"))


@contextmanager
def a_service_that_says(**said: Any) -> Iterator[int]:
    class Answers(Answering):
        def do_GET(self) -> None:
            self.answer(200, json.dumps(said).encode())

    with serving(answered_by(Answers)) as address:
        yield int(address.rpartition(":")[2])


def test_a_command_hears_of_a_service_with_former_settings(env_file: Path) -> None:
    with a_service_that_says(settings="changed") as port:
        assert "still runs with former settings" in str(fault_of_running(load_settings(flask_port=port)))


def test_a_command_hears_that_its_own_settings_are_not_the_services(env_file: Path) -> None:
    with a_service_that_says(settings="current", settings_mark="another") as port:
        assert "other settings than this command" in str(fault_of_running(load_settings(flask_port=port)))


def test_nothing_is_wrong_where_the_service_has_these_settings_or_none_runs(env_file: Path) -> None:
    with a_service_that_says(settings="current", settings_mark=mark(load_settings(flask_port=1))) as port:
        assert fault_of_running(load_settings(flask_port=1)) is None
        assert fault_of_running(load_settings(flask_port=port)) is not None  # the port is a setting, too
