"""Settings for a service that is measured: production's, but for addresses, keys and what the caller names."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import PROJECT, Settings, load_settings
from sandbox import Sandbox, connected_to
from sandbox.ports import bind
from sandbox.powercode import ADDITIONAL_PLANS, PLANS
from sandbox.process import SandboxProcess
from tests.tools.postgres import PostgresServer
from tests.tools.processes import ServiceProcess, until


@dataclass
class Setup:
    """What the measured services run on: SQLite and one worker, unless a benchmark is told otherwise."""

    postgresql: PostgresServer | None = None
    workers: int = 1

    def database_of(self, folder: Path) -> str:
        """The address of an empty database for a service that keeps its files in `folder`."""
        return self.postgresql.database_for(folder) if self.postgresql else f"sqlite:///{folder}/handler.db"


SETUP = Setup()


def service_with(settings: Settings, folder: Path) -> ServiceProcess:
    """The service with so many workers; not started yet."""
    return ServiceProcess(settings, folder, WEB_CONCURRENCY=f"{SETUP.workers}")


@contextmanager
def served(application: str, threads: int, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Port and process id of what the service is compared with, under a gunicorn with one worker of its own kind."""
    options = f"--workers 1 --worker-class gthread --threads {threads} --keep-alive 5 --backlog 1024 --timeout 60"
    with bind("127.0.0.1", 0) as reserved:
        port = int(reserved.getsockname()[1])
        command = [sys.executable, "-m", "gunicorn", *options.split(), "--log-level", "warning", "--no-control-socket"]
        # Started in another folder, where gunicorn finds no gunicorn.conf.py.
        process = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", application],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **environment},
        )
        try:
            until(lambda: _listens(port), 30)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def settings_with(folder: Path, **overrides: Any) -> Settings:
    """The settings, with systems that nobody is; nothing of a developer's environment or .env is among them."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    Settings.model_config["env_file"] = None
    values = {
        "utopia_url_endpoint": "http://127.0.0.1:9",
        "utopia_api_key": "utopia-0001",
        "pc_url": "http://127.0.0.1:9",
        "pc_api_key": "powercode-0001",
        "pc_cust_tags": "5,9",
        "service_plan_mapping": PLANS,
        "additional_service_plan_mapping": ADDITIONAL_PLANS,
        "mail_server": "127.0.0.1",
        "mail_port": 9,
        "email_sender": "fiber@example.com",
        "email_recipients": "office@example.com",
        "secret_key": "only-for-benchmarks",
        "database_url": SETUP.database_of(folder),
        "log_file": folder / "api_class.log",
    }
    return load_settings(**{**values, **overrides})


def settings_for(sandbox: Sandbox | SandboxProcess, folder: Path, **overrides: Any) -> Settings:
    """Settings that connect to a sandbox."""
    return settings_with(folder, **{**connected_to(sandbox.addresses), **overrides})
