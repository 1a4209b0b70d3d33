"""The demo never reaches a real system, and says what is in its way."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from config import PROJECT, Settings, load_settings
from sandbox import Sandbox
from sandbox.demo.service import answer, demo_settings


def test_the_demo_gives_every_setting_so_that_an_env_file_has_no_say(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("PC_URL_API=https://powercode.example.com:444/api/1/index.php\nPC_CUST_TAGS=77\n")
    monkeypatch.setitem(Settings.model_config, "env_file", env_file)
    for name, value in demo_settings(sandbox, tmp_path, 5060).items():
        monkeypatch.setenv(name, value)
    settings = load_settings(_env_file=env_file)
    assert settings.pc_url_api == sandbox.powercode.api_url
    assert settings.pc_url_uapi == sandbox.powercode.uapi_url
    assert settings.pc_cust_tags == (5, 9)
    assert {name.upper() for name in Settings.model_fields} <= set(demo_settings(sandbox, tmp_path, 5060))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.long
def test_a_taken_port_is_named_with_the_way_to_choose_another(taken_port: int) -> None:
    environment = {**os.environ, "FLASK_PORT": str(taken_port), "ONCE": "1"}
    command = [sys.executable, "-m", "sandbox.demo"]
    demo = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert demo.returncode == 1
    assert f"port {taken_port} is taken" in demo.stderr
    assert "make demo FLASK_PORT=5060" in demo.stderr


def test_a_service_that_is_too_busy_to_answer_is_asked_again_and_ends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy, requests.Session() as web:
        address = f"http://127.0.0.1:{busy.getsockname()[1]}/readyz"
        assert answer(web, address, seconds=0.05) is None
