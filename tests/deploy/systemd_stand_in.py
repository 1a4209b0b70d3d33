"""What systemd does with one unit of Type=notify, by the unit file itself, for machines whose first process is another.

    python systemd_stand_in.py UNIT-FILE CHECKOUT FOLDER

FOLDER gets `control` (a socket that `systemctl` speaks to) and `journal`. The unit's sandboxing and its user are left
out: the service runs as whoever runs the tests.
"""

import ctypes
import json
import os
import re
import selectors
import shlex
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PR_SET_PDEATHSIG = 1
INSTALLED_IN = "/opt/utopia-handler"
START_SECONDS = 90.0
BEAT_SECONDS = 0.02


class Unit:
    """The keys of a unit file; of several with one name, the last."""

    def __init__(self, file: Path, checkout: Path) -> None:
        text = file.read_text().replace(INSTALLED_IN, str(checkout))
        self.keys = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))

    def seconds(self, key: str) -> float:
        return float(self.keys[key])


class Supervisor:
    """Keeps the unit's processes as systemd would; `tick` does whatever is due."""

    def __init__(self, unit: Unit, checkout: Path, folder: Path) -> None:
        self.unit = unit
        self.checkout = checkout
        self.main = 0
        self.main_is_child = False
        self.is_ready = False
        self.wanted = False
        self.restart_at = 0.0
        self._output: dict[int, bytes] = {}
        self._journal = (folder / "journal").open("a", buffering=1)
        self._selector = selectors.DefaultSelector()
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._notices.bind(str(folder / "notify"))
        self._notices.setblocking(False)
        self._notify_path = str(folder / "notify")

    def start(self) -> str:
        """Start it, and return when it is ready; the error otherwise."""
        if self.main and self.is_ready:
            return ""
        self.wanted = True
        self._spawn()
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready and self.main:
            if time.monotonic() > deadline:
                return "Job failed because a timeout was exceeded."
            self.tick()
        return "" if self.is_ready else "Job failed because the control process exited with error code."

    def stop(self) -> str:
        """ExecStop; then KillMode=mixed: SIGTERM to the main process, SIGKILL to what is left after it."""
        self.wanted = False
        self.restart_at = 0.0
        if self.main:
            self._wait_for(subprocess.Popen(self._words("ExecStop")))
        if self.main and self.main_is_child:  # systemd waits for no other
            os.kill(self.main, signal.SIGTERM)
            self._wait_for(None)
        self._kill_all()
        return ""

    def _wait_for(self, command: subprocess.Popen[bytes] | None) -> None:
        """Until the command has ended, or else the main process, and TimeoutStopSec at most."""
        deadline = time.monotonic() + self.unit.seconds("TimeoutStopSec")
        while (Path(f"/proc/{command.pid}").exists() if command else self.main) and time.monotonic() < deadline:
            self.tick()
        if command:
            command.returncode = 0  # reaped with all others

    def _words(self, key: str) -> list[str]:
        return [str(self.main) if word == "$MAINPID" else word for word in shlex.split(self.unit.keys[key])]

    def reload(self) -> str:
        """Run ExecReload; it is done when the command is."""
        if not (self.main and self.is_ready):
            return "Unit cannot be reloaded because it is inactive."
        done = subprocess.run(self._words("ExecReload"), capture_output=True, check=False)
        return done.stderr.decode()

    def tick(self) -> None:
        """Notices first, then processes that ended: in systemd's order."""
        time.sleep(BEAT_SECONDS)
        self._read_notices()
        self._read_output()
        self._reap()
        if self.restart_at and time.monotonic() >= self.restart_at:
            self._spawn()

    def _spawn(self) -> None:
        self.restart_at, self.is_ready = 0.0, False
        reading, writing = os.pipe()
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NOTIFY_SOCKET": self._notify_path}
        process = subprocess.Popen(
            shlex.split(self.unit.keys["ExecStart"]),
            cwd=self.checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
        )
        os.close(writing)
        os.set_blocking(reading, False)
        self._selector.register(reading, selectors.EVENT_READ)
        self.main, self.main_is_child = process.pid, True
        process.returncode = 0  # reaped below, with all others

    def _read_notices(self) -> None:
        while True:
            try:
                message, control, _, _ = self._notices.recvmsg(4096, socket.CMSG_SPACE(12))
            except BlockingIOError:
                return
            sender = struct.unpack("3i", control[0][2])[0]
            if sender != self.main and self.unit.keys["NotifyAccess"] != "all":
                continue
            for line in message.decode().splitlines():
                self._heed(*line.partition("=")[::2])

    def _heed(self, name: str, value: str) -> None:
        if name == "READY":
            self.is_ready = True
        elif name == "MAINPID" and int(value) in self._processes():
            self.main = int(value)
            self.main_is_child = self.main in _children_of(os.getpid())  # as it is now: systemd does not look again

    def _read_output(self) -> None:
        for key, _ in self._selector.select(0):
            text = os.read(key.fd, 65536)
            if not text:
                self._selector.unregister(key.fd)
                os.close(key.fd)
            *lines, rest = (self._output.pop(key.fd, b"") + text).split(b"\n")
            if rest:
                self._output[key.fd] = rest
            for line in lines:
                self._journal.write(f"{time.time():.3f} {line.decode(errors='replace')}\n")

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.main:
                self._read_output()
                self._main_ended()

    def _main_ended(self) -> None:
        self.main, self.is_ready = 0, False
        self._kill_all()
        if self.wanted:
            self.restart_at = time.monotonic() + self.unit.seconds("RestartSec")

    def _kill_all(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)

    def _processes(self) -> list[int]:
        """All below this one: what the unit's control group holds. Those that lost their parent come here."""
        found, parents = [], [os.getpid()]
        while parents:
            children = _children_of(parents.pop())
            found += children
            parents += children
        return found


def _children_of(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def answer(supervisor: Supervisor, words: list[str]) -> tuple[int, str]:
    """The exit code and the text of a `systemctl` command."""
    options = [word for word in words if word.startswith("-")]
    verb, *rest = [word for word in words if not word.startswith("-")]
    if verb == "show":
        shown = {**supervisor.unit.keys, "MainPID": str(supervisor.main)}
        return 0, shown.get(rest[0] if "--property" in options else "", "")
    if verb == "is-active":
        return (0, "active") if supervisor.main and supervisor.is_ready else (3, "inactive")
    if verb == "list-units":
        return 0, ""
    if verb == "restart":
        supervisor.stop()
    verbs = {"start": supervisor.start, "stop": supervisor.stop, "reload": supervisor.reload}
    error = verbs[verb.replace("restart", "start")]()
    return (1, error) if error else (0, "")


def main() -> None:
    """Serve until SIGTERM, which ends the unit, too."""
    file, checkout, folder = map(Path, sys.argv[1:4])
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # tests that are killed leave nothing behind
    supervisor = Supervisor(Unit(file, checkout), checkout, folder)
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ending.append(number))
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.bind(str(folder / "control"))
    control.listen(16)
    control.setblocking(False)
    while not ending:
        supervisor.tick()
        try:
            client, _ = control.accept()
        except BlockingIOError:
            continue
        with client:
            client.setblocking(True)
            code, text = answer(supervisor, json.loads(client.recv(65536)))
            client.sendall(json.dumps([code, text]).encode())
    supervisor._kill_all()


if __name__ == "__main__":
    main()
