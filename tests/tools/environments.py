"""Settings as they are read from an environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import Settings, SettingsError, load_settings

NEEDED = {
    "UTOPIA_URL_ENDPOINT": "https://utopia.example.com",
    "UTOPIA_API_KEY": "utopia-key",
    "PC_URL": "https://powercode.example.com",
    "PC_API_KEY": "powercode-key",
    "SERVICE_PLAN_MAPPING": '{"1 Gbps": 201, "250 Mbps": 202}',
    "ADDITIONAL_SERVICE_PLAN_MAPPING": '{"Bond fee": 203}',
    "MAIL_SERVER": "smtp.example.com",
    "EMAIL_SENDER": "fiber@example.com",
    "EMAIL_RECIPIENTS": "office@example.com",
    "SECRET_KEY": "a-long-random-text",
}


def loader(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Loads the settings from an environment that holds what is needed, with some variables changed or gone."""

    def load(env_file: Path | None = None, **changed: str | None) -> Settings:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in {**NEEDED, **changed}.items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return load_settings(_env_file=env_file)

    return load


def faults_of(environment: Any, **changed: str | None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        environment(**changed)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults
