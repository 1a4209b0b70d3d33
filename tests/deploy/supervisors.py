"""What runs the service on a test server: systemd where it is this machine's first process, or its stand-in."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.deploy.systemd_stand_in import INSTALLED_IN
from tests.tools.processes import until

HERE = Path(__file__).resolve().parent
UNITS = Path("/run/systemd/system")

FOR_TESTS = {"User": "", "Group": "", "PrivateTmp": f"ReadWritePaths={tempfile.gettempdir()}\n", "ProtectHome": ""}
"""What stands in a line's place: a test's checkout is its own user's, and among temporary files, which may be at home.
The rest of the hardening stays."""


class Supervisor(Protocol):
    """Starts and ends the unit of a checkout."""

    unit: str

    @property
    def systemctl(self) -> Sequence[str]:
        """The command that speaks to it."""

    def begin(self) -> None:
        """Know the unit; it does not run yet."""

    def end(self) -> None:
        """Leave nothing behind."""

    @property
    def journal(self) -> str:
        """What the unit printed."""


def supervisor_for(checkout: Path, folder: Path) -> Supervisor:
    """systemd needs root to be given a unit."""
    if UNITS.is_dir() and os.geteuid() == 0:
        return Systemd(checkout, folder)
    return StandIn(checkout, folder)


class Systemd:
    """The unit under a name of the test's own, until the machine's next start at the latest."""

    systemctl = ("systemctl",)

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.unit = f"utopia-handler-{folder.name.replace('_', '-')}-{os.getpid()}"
        self._checkout = checkout
        self._file = UNITS / f"{self.unit}.service"

    def begin(self) -> None:
        """The unit as it is in deploy/, for this checkout."""
        text = (self._checkout / "deploy" / "utopia-handler.service").read_text()
        for key, line in FOR_TESTS.items():
            text = re.sub(rf"^{key}=.*\n", line, text, flags=re.MULTILINE)
        self._file.write_text(text.replace(INSTALLED_IN, str(self._checkout)))
        self._do("daemon-reload")

    def end(self) -> None:
        """Stop it, and take it away."""
        self._do("kill", "--signal=SIGKILL", self.unit)
        self._do("stop", self.unit)
        self._do("reset-failed", self.unit)
        self._file.unlink()
        self._do("daemon-reload")

    @property
    def journal(self) -> str:
        """What the unit printed."""
        command = ["journalctl", "--unit", self.unit, "--no-pager", "--output", "cat"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def _do(self, *words: str) -> None:
        subprocess.run(["systemctl", *words], capture_output=True, check=False)


class StandIn:
    """`systemd_stand_in.py`, with its own `systemctl` and `journalctl` in the folder's bin/."""

    unit = "utopia-handler"

    def __init__(self, checkout: Path, folder: Path) -> None:
        self._checkout, self._folder = checkout, folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def systemctl(self) -> Sequence[str]:
        """The command that speaks to it."""
        return (str(self._folder / "bin" / "systemctl"),)

    def begin(self) -> None:
        """Start it, with the unit as it is in deploy/."""
        for name in ("systemctl", "journalctl"):
            path = self._folder / "bin" / name
            path.write_text(f"#!{sys.executable}\n" + (HERE / "commands.py").read_text())
            path.chmod(0o755)
        unit = self._checkout / "deploy" / "utopia-handler.service"
        program = [sys.executable, str(HERE / "systemd_stand_in.py")]
        command = [*program, str(unit), str(self._checkout), str(self._folder)]
        self._process = subprocess.Popen(command, start_new_session=True)
        until((self._folder / "control").exists)

    def end(self) -> None:
        """It ends the unit, too."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    @property
    def journal(self) -> str:
        """What the unit printed."""
        with contextlib.suppress(FileNotFoundError):
            return (self._folder / "journal").read_text()
        return ""
