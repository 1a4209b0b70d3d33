"""The service as a process of its own, for what starts, stops or kills it."""

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from benchmarks.usage import children_of, resident_megabytes
from config import PROJECT, Settings
from sandbox.demo.service import as_text
from sandbox.ports import bind

START_SECONDS = 30.0
STOP_SECONDS = 120.0
KEPT_FROM_OUTSIDE = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")

GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
BY_HAND = (sys.executable, "wsgi.py")

Value = TypeVar("Value")


def until(condition: Callable[[], Value], seconds: float = 60.0) -> Value:
    """The condition's value as soon as it is true; AssertionError when it isn't within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still not true after {seconds:g} s: {condition}"
        time.sleep(0.005)
    return value


def environment_of(settings: Settings) -> dict[str, str]:
    """Every setting as an environment variable, so that nothing of a developer's .env reaches the process."""
    return {name.upper(): as_text(getattr(settings, name)) for name in Settings.model_fields}


def post_callback(url: str, orderref: str, msg: str, timeout: float) -> int:
    """Send UTOPIA's callback on a connection of its own; the HTTP status, or 0 when there was no answer."""
    message = {"event": "Project Update", "orderref": orderref, "msg": msg}
    try:
        return requests.post(f"{url}/api-callback", json=message, timeout=timeout).status_code
    except requests.RequestException:
        return 0


class ServiceProcess:
    """The service on a port of its own, which stays the same over its starts.

    with ServiceProcess(settings, folder) as service:
        service.start()
        service.post_callback("UIA202411-001186")
        service.kill()
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        command: Sequence[str] = GUNICORN,
        address: str = "127.0.0.1",
        **environment: str,
    ) -> None:
        """`folder` takes what the process prints; `environment` is added to the settings (`WEB_CONCURRENCY="2"`).

        `address` is where it listens, on the host on which `command` starts it.
        """
        self._reserved = bind("127.0.0.1", 0)
        self.port = int(self._reserved.getsockname()[1])
        where = {"flask_host": address, "flask_port": self.port, "worker_port": self.port}
        self.settings = settings.model_copy(update=where)
        self.url = f"http://{address}:{self.port}"
        self._command = command
        self._printed = folder / "printed.txt"
        metrics = folder / "metrics"
        metrics.mkdir(exist_ok=True)
        self.environment = {
            **{name: os.environ[name] for name in KEPT_FROM_OUTSIDE if name in os.environ},
            **environment_of(self.settings),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        self._reserved.close()

    def start(self, *, wait: bool = True) -> float:
        """Start the process; returns the seconds until `/readyz` said so (0 without `wait`)."""
        began = time.monotonic()
        with self._printed.open("ab") as printed:
            self._process = subprocess.Popen(
                self._command,
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
        if not wait:
            return 0.0
        self.wait_ready()
        return time.monotonic() - began

    @property
    def has_ended(self) -> bool:
        """Whether it was killed, or ended by itself."""
        return self._process is None or self._process.poll() is not None

    def wait_ready(self, *, restarted: bool = False) -> None:
        """Return when `/readyz` answers 200.

        AssertionError, with what was printed, when the process ended, unless somebody starts it again (`restarted`).
        """

        def ready() -> bool:
            assert restarted or not self.has_ended, f"the service ended: {self.printed}"
            try:
                return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
            except requests.RequestException:
                return False

        until(ready, START_SECONDS)

    def kill(self) -> None:
        """SIGKILL for the whole process group at the same moment, as a power cut would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def terminate(self) -> None:
        """SIGTERM, as systemd sends it."""
        assert self._process is not None, "not started"
        self._process.terminate()

    def ended(self, seconds: float = STOP_SECONDS) -> int:
        """The exit code, once the process has ended."""
        assert self._process is not None, "not started"
        code = self._process.wait(seconds)
        self._process = None
        return code

    def limit_files(self, size: int) -> None:
        """Let no file of the running workers grow beyond so many bytes, as if the disk were full; -1: no limit."""
        for worker in self.workers:
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def freeze(self) -> None:
        """SIGSTOP for the whole process group."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on as if nothing had been."""
        os.killpg(self.pid, signal.SIGCONT)

    def ready(self) -> dict[str, Any]:
        """What `/readyz` says."""
        said: dict[str, Any] = requests.get(f"{self.url}/readyz", timeout=10).json()
        return said

    @property
    def pid(self) -> int:
        """The process that was started: gunicorn's master."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """The process ids of gunicorn's workers."""
        return children_of(self.pid)

    @property
    def executing(self) -> int:
        """The process id of the worker that began to execute last, by the log; 0 when none did."""
        found = re.findall(r"Process (\d+) executes", self.log)
        return int(found[-1]) if found else 0

    @property
    def megabytes(self) -> float:
        """Memory that the workers hold (RSS)."""
        return sum(map(resident_megabytes, self.workers))

    @property
    def log(self) -> str:
        """The log file's text."""
        return self.settings.log_file.read_text() if self.settings.log_file.exists() else ""

    @property
    def printed(self) -> str:
        """What the process wrote to stdout and stderr."""
        return self._printed.read_text() if self._printed.exists() else ""

    def post_callback(self, orderref: str, msg: str = "Project New Order", timeout: float = 10.0) -> int:
        """Send UTOPIA's callback; the HTTP status, or 0 when there was no answer."""
        return post_callback(self.url, orderref, msg, timeout)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of the service's commands: `run("orders", "show", "UIA202411-001186", "--json")`."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
