"""`.env.example` is true: every setting is in it, with its real default, and it can be used as it is."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from config import PROJECT, REQUIRED, Settings, SettingsError, load_settings
from sandbox.demo.service import as_text

LINES = (PROJECT / ".env.example").read_text(encoding="utf-8").splitlines()
ACTIVE = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
SHOWN_DEFAULT = re.compile(r"#([A-Z][A-Z0-9_]*)=(.*)")
SAMPLES = {
    "UTOPIA_API_KEY": "key-of-utopia",
    "PC_URL": "https://powercode.example.com",
    "PC_API_KEY": "key-of-powercode",
    "SERVICE_PLAN_MAPPING": '{"1 Gbps": 201, "250 Mbps": 202}',
    "ADDITIONAL_SERVICE_PLAN_MAPPING": "{}",
    "MAIL_SERVER": "smtp.example.com",
    "EMAIL_SENDER": "Fiber desk <fiber@example.com>",
    "EMAIL_RECIPIENTS": "office@example.com,billing@example.com",
    "SECRET_KEY": "f00d" * 16,
}


def settings_in(pattern: re.Pattern[str]) -> dict[str, str]:
    return dict(found.groups() for line in LINES if (found := pattern.fullmatch(line)))


def load(tmp_path: Path, lines: Sequence[str]) -> Settings:
    env_file = tmp_path / ".env"
    env_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_settings(_env_file=env_file)


def filled(lines: Sequence[str]) -> list[str]:
    names = (line.partition("=")[0] for line in lines)
    return [f"{name}={SAMPLES[name]}" if name in SAMPLES else line for name, line in zip(names, lines, strict=True)]


def test_every_setting_is_explained_once() -> None:
    shown = [found[1] for line in LINES if (found := re.match(r"#?([A-Z][A-Z0-9_]*)=", line))]
    assert sorted(shown) == sorted(name.upper() for name in Settings.model_fields)


def test_the_required_ones_come_first_and_are_the_only_active_lines() -> None:
    assert set(settings_in(ACTIVE)) == {name.upper() for name in REQUIRED}
    first_optional = min(number for number, line in enumerate(LINES) if SHOWN_DEFAULT.fullmatch(line))
    assert all(number < first_optional for number, line in enumerate(LINES) if ACTIVE.fullmatch(line))


def test_a_plain_copy_names_exactly_the_required_settings_that_are_empty(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as faults:
        load(tmp_path, LINES)
    assert {fault.partition(":")[0] for fault in faults.value.faults} == set(SAMPLES)


def test_a_copy_with_the_required_ones_filled_in_has_no_fault(tmp_path: Path) -> None:
    settings = load(tmp_path, filled(LINES))
    assert settings.email_recipients == ("office@example.com", "billing@example.com")


@pytest.mark.parametrize(("name", "shown"), settings_in(SHOWN_DEFAULT).items())
def test_the_default_shown_is_the_real_one(name: str, shown: str) -> None:
    assert shown == as_text(Settings.model_fields[name.lower()].default)


def test_all_defaults_made_active_change_nothing(tmp_path: Path) -> None:
    active = [line[1:] if SHOWN_DEFAULT.fullmatch(line) else line for line in filled(LINES)]
    assert load(tmp_path, active) == load(tmp_path, filled(LINES))
