"""Settings for a service that is measured: production's, but for addresses, keys and what the caller names."""

import os
import sys
from pathlib import Path
from typing import Any

from config import Settings, load_settings
from sandbox.powercode import ADDITIONAL_PLANS, PLANS
from sandbox.process import SandboxProcess


def plain_gunicorn(threads: int) -> list[str]:
    """The command of gunicorn with one worker of its own, for what the service is compared with."""
    options = f"--workers 1 --worker-class gthread --threads {threads} --keep-alive 5 --backlog 1024 --timeout 60"
    return [sys.executable, "-m", "gunicorn", *options.split(), "--log-level", "warning", "--no-control-socket"]


def settings_with(folder: Path, **overrides: Any) -> Settings:
    """The settings; nothing of a developer's environment or .env is among them."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    Settings.model_config["env_file"] = None
    values = {
        "utopia_api_key": "utopia-0001",
        "pc_api_key": "powercode-0001",
        "pc_cust_tags": "5,9",
        "service_plan_mapping": PLANS,
        "additional_service_plan_mapping": ADDITIONAL_PLANS,
        "mail_server": "127.0.0.1",
        "mail_port": 9,
        "email_sender": "fiber@example.com",
        "email_recipients": "office@example.com",
        "secret_key": "only-for-benchmarks",
        "database_url": f"sqlite:///{folder}/handler.db",
        "log_file": folder / "api_class.log",
    }
    return load_settings(**{**values, **overrides})


def settings_for(sandbox: SandboxProcess, folder: Path, **overrides: Any) -> Settings:
    """Settings that connect to a sandbox."""
    addresses = sandbox.addresses
    connected = {
        "utopia_url_endpoint": addresses["utopia"]["url"],
        "utopia_api_key": addresses["utopia"]["api_key"],
        "pc_url": addresses["powercode"]["url"],
        "pc_api_key": addresses["powercode"]["api_key"],
        "mail_server": addresses["mailbox"]["host"],
        "mail_port": addresses["mailbox"]["port"],
    }
    return settings_with(folder, **{**connected, **overrides})
