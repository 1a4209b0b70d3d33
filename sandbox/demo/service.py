"""The service as the demo runs it: gunicorn in a process of its own, used over HTTP and by its commands."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any, Self

import requests
from pydantic import SecretStr

from config import PROJECT, Settings
from sandbox import Sandbox, connected_to
from sandbox.demo.seed import a_report
from sandbox.powercode import ADDITIONAL_PLANS, PLANS

TEXTS, REPORT_NAME = PROJECT / "ticket_descriptions", "report.csv"
CONSOLE_NAME, CONSOLE_PASSWORD = "demo", "demo"
READY_SECONDS = 120.0
PATIENCE_SECONDS = 120.0
STOP_SECONDS = 30.0
BUSY = "A machine that is busy takes longer: wait until it is quiet, and run make demo again"
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER")


def demo_settings(sandbox: Sandbox, folder: Path, port: int) -> dict[str, str]:
    """Every setting by its variable's name: the demo's value where it has one, otherwise the default."""
    chosen = {
        **connected_to(sandbox.addresses),
        "pc_cust_tags": ",".join(str(tag) for tag in sandbox.powercode.tag_names),
        "service_plan_mapping": PLANS,
        "additional_service_plan_mapping": ADDITIONAL_PLANS,
        "email_sender": "Fiber desk <fiber@example.com>",
        "email_recipients": "office@example.com",
        "secret_key": "only-for-the-demo",
        "admin_user": CONSOLE_NAME,
        "admin_pass": CONSOLE_PASSWORD,
        "database_url": f"sqlite:///{folder}/handler.db",
        "log_file": folder / "api_class.log",
        "ticket_template_dir": folder / TEXTS.name,
        "report_source": f"file:{folder / REPORT_NAME}",
        "digest_webhook_url": sandbox.webhook.post_url,
        "flask_port": port,
    }
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return {name.upper(): as_text(value) for name, value in {**defaults, **chosen}.items()}


def as_text(value: object) -> str:
    """A setting's value as it stands in the environment or in .env."""
    match value:
        case None:
            return ""
        case SecretStr():
            return value.get_secret_value()
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(str(each) for each in value)
        case dict():
            return json.dumps(value)
    return str(value)


def port_is_free(port: int) -> bool:
    """Whether a server can listen on this port of the loopback."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answer(web: requests.Session, address: str, seconds: float = 5.0) -> str | None:
    """The answer of the address; None for a timeout, a broken connection or an error status."""
    try:
        said = web.get(address, timeout=seconds)
    except requests.RequestException:
        return None
    return said.text if said.ok else None


class DemoService:
    """Runs inside `with`; `url` is its address. RuntimeError when it does not do what is asked of it."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{settings['FLASK_PORT']}"
        self._folder = folder
        self._settings = settings
        kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        self._environment = {**kept, **settings, "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
        self._web = requests.Session()
        self._web.trust_env = False

    def __enter__(self) -> Self:
        """Returns when the service is ready for callbacks."""
        self._write_command()
        (self._folder / "metrics").mkdir()
        shutil.copytree(TEXTS, self._folder / TEXTS.name)  # the console may change them
        (self._folder / REPORT_NAME).write_text(a_report(date.today()), encoding="utf-8")
        log = (self._folder / "gunicorn.log").open("wb")
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
        # A session of its own: Ctrl-C reaches the demo alone, which then stops the service in good order.
        self._process = subprocess.Popen(
            command, cwd=PROJECT, env=self._environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def check_alive(self) -> None:
        """RuntimeError when the service ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"the service ended with code {self._process.returncode}. See {self._folder}/*.log")

    def send_callback(self, orderref: str) -> requests.Response:
        """UTOPIA's callback for a new order, over HTTP."""
        body = {"event": "Project Update", "orderref": orderref, "msg": "Project New Order"}
        try:
            return self._web.post(f"{self.url}/api-callback", json=body, timeout=PATIENCE_SECONDS)
        except requests.RequestException:
            self.check_alive()
            raise RuntimeError(f"the service gave no answer to a callback. {BUSY}") from None

    def wait_for(self, state: str, number: int, asked_to_end: threading.Event) -> float:
        """Wait until so many orders are in a state (/metrics says so); returns how many seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            self.check_alive()
            if self._orders_in(state) >= number:
                return time.monotonic() - began
            if asked_to_end.wait(0.05):
                raise RuntimeError("ended before it was over")
        shown = f"See {self._folder}/*.log, and .demo/flask orders list"
        raise RuntimeError(f"no order became {state} within {PATIENCE_SECONDS:g} seconds. {BUSY}. {shown}")

    def order(self, orderref: str) -> dict[str, Any]:
        """What `orders show --json` prints."""
        command = [str(self._folder / "flask"), "orders", "show", orderref, "--json"]
        try:
            done = subprocess.run(
                command, cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"orders show took more than {PATIENCE_SECONDS:g} seconds. {BUSY}") from None
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "orders show failed")
        order: dict[str, Any] = json.loads(done.stdout)
        return order

    def _orders_in(self, state: str) -> int:
        metrics = answer(self._web, f"{self.url}/metrics")
        found = re.search(rf'^utopia_handler_orders{{state="{state}"}} (\d+)', metrics or "", re.MULTILINE)
        return int(found[1]) if found else 0

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.check_alive()
            said = answer(self._web, f"{self.url}/readyz")
            if said and json.loads(said)["executor"] == "running":
                return
            time.sleep(0.1)
        late = f"the service was not ready within {READY_SECONDS:g} seconds"
        raise RuntimeError(f"{late}. {BUSY}. See {self._folder}/*.log")

    def _write_command(self) -> None:
        """`.demo/flask`: the flask command with the demo's settings, to try things while the demo runs."""
        given = {**self._settings, "FLASK_SKIP_DOTENV": "1"}
        exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in given.items())
        path = self._folder / "flask"
        flask = f'exec {shlex.quote(sys.executable)} -m flask --app wsgi "$@"'
        path.write_text(f"#!/bin/sh\n{exports}\ncd {shlex.quote(str(PROJECT))} || exit\n{flask}\n", encoding="utf-8")
        path.chmod(0o700)

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
