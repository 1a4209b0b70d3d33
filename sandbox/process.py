"""A sandbox in a process of its own, for tests that kill or restart the process under test."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from sandbox.control import SandboxControl

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 10.0


class SandboxProcess:
    """Runs `python -m sandbox` inside `with`.

    `addresses` is the line that it printed (`addresses["utopia"]["url"]`, ...), `control` steers it.
    """

    addresses: dict[str, Any]
    control: SandboxControl

    def __init__(self, *options: str) -> None:
        """`options` of the command line."""
        self._command = [sys.executable, "-m", "sandbox", *options]

    def __enter__(self) -> Self:
        """Returns when the sandbox is ready. Raises RuntimeError when it ended instead (its stderr says why)."""
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._end()
            raise RuntimeError(f"the sandbox ended with code {self._process.returncode} before it was ready")
        self.addresses = json.loads(line)
        self.control = SandboxControl(self.addresses["control"]["url"])
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._end()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def _end(self) -> None:
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
