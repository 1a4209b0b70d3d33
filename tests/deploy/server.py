"""A server as docs/deploying.md sets it up: a checkout of a remote, and the service under systemd or its stand-in."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Self

import requests

from config import PROJECT
from sandbox import Sandbox
from sandbox.ports import bind
from tests.conftest import settings_for
from tests.deploy import packages
from tests.deploy.supervisors import supervisor_for
from tests.tools.processes import environment_of, post_callback, until

HERE = Path(__file__).resolve().parent
TEXT = "ticket_descriptions/new_desc.txt"
MINE = "Welcome, dear neighbour {first_name}\n"
STATE_LINE = re.compile(r'^utopia_handler_orders\{state="(\w+)"\} (\S+)$', re.MULTILINE)
GIT_USER = {
    **{"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"},
    **{"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com"},
    **{"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
}


def git(folder: Path, *words: str, **environment: str) -> str:
    """Run git and return what it prints."""
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(
        command, env={**os.environ, **GIT_USER, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def make_remote(folder: Path) -> Path:
    """A bare repository with the project as it is here, also what is not committed yet."""
    office, remote = folder / "first", folder / "remote.git"
    listed = git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in (name for name in listed if name and (PROJECT / name).is_file() and not name.startswith("docs/pic")):
        (office / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, office / name)
    git(office, "init", "--quiet", "--initial-branch", "main")
    git(office, "add", "--all")
    git(office, "commit", "--quiet", "--message", "The service")
    git(folder, "clone", "--quiet", "--bare", str(office), str(remote))
    return remote


class Server:
    """The checkout, its service, and the office that pushes changes.

    with Server(remote, folder, sandbox) as server:
        server.push({TEXT: "Welcome {first_name}"})
        assert server.deploy().returncode == 0
    """

    def __init__(self, remote: Path, folder: Path, sandbox: Sandbox, **settings: Any) -> None:
        self.checkout, self.office, self.remote = folder / "checkout", folder / "office", folder / "remote.git"
        self.sandbox = sandbox
        self._folder = folder
        shutil.copytree(remote, self.remote)
        for clone in (self.checkout, self.office):
            git(folder, "clone", "--quiet", self.remote.as_uri(), str(clone))
        packages.make(self.checkout / ".venv")
        (self.checkout / "instance").mkdir()
        (folder / "bin").mkdir()
        self._supervisor = supervisor_for(self.checkout, folder)
        self._reserved = bind("127.0.0.1", 0)
        self.port = int(self._reserved.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = settings_for(sandbox, self.checkout / "instance", flask_port=self.port, **settings)
        self._write_env()
        self._write_maker_of_packages()

    def __enter__(self) -> Self:
        self._supervisor.begin()
        try:
            self.systemctl("start")
            until(lambda: self.ready().get("ready"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._supervisor.end()
        self._reserved.close()

    # ---- The office

    def push(self, files: dict[str, str | None], message: str = "A change") -> str:
        """Commit and push files with their texts (None: removed); returns the commit."""
        for name, text in files.items():
            path = self.office / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        git(self.office, "add", "--all")
        git(self.office, "commit", "--quiet", "--message", message)
        git(self.office, "push", "--quiet")
        return git(self.office, "rev-parse", "HEAD")

    def changed(self, name: str, old: str, new: str) -> dict[str, str | None]:
        """A file of the office's with `old` replaced, for `push`."""
        text = (self.office / name).read_text()
        assert old in text, f"{name} has no {old}"
        return {name: text.replace(old, new, 1)}

    # ---- The server

    def instead_of_git(self, verb: str, shell: str) -> None:
        """Let the script's `git VERB` run these lines of shell first, where `git` is the real one."""
        real = shutil.which("git")
        path = self._folder / "bin" / "git"
        path.write_text(
            f'#!/usr/bin/env bash\ngit() {{ {real} "$@"; }}\n'
            f'if [[ " $* " == *" {verb} "* ]]; then\n{shell}\nfi\nexec {real} "$@"\n'
        )
        path.chmod(0o755)

    def deploy(
        self, *options: str, shell: str = "", folder: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the script as its user does; `shell` is run before it, in the same shell."""
        process = self.deploy_meanwhile(*options, shell=shell, folder=folder, **environment)
        out, _ = process.communicate(timeout=280)
        return subprocess.CompletedProcess(process.args, process.returncode, out)

    def deploy_meanwhile(
        self, *options: str, shell: str = "", folder: Path | None = None, **environment: str
    ) -> "subprocess.Popen[str]":
        """Start the script, and return while it runs; its caller stands in the checkout, or in `folder`."""
        command = f"{shell}\nexec {self.checkout}/deploy_changes_UAC.sh {shlex.join(options)}"
        own = {
            **{"PATH": f"{self._folder}/bin:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")},
            **{"DEPLOY_SERVICE": self.unit, "DEPLOY_PYTHON": f"{self._folder}/bin/packages"},
            **{"DEPLOY_SYSTEMCTL": self._supervisor.systemctl[0]},
            **GIT_USER,
            **{"DEPLOY_READY_SECONDS": "40", "LANG": "C.UTF-8"},
        }
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder or self.checkout,
            env={**own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def kill(self, process: "subprocess.Popen[Any]") -> None:
        """SIGKILL for the script and all that it started, as a power cut would."""
        for pid in [int(path.name) for path in Path("/proc").glob("[0-9]*")]:
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(pid) == process.pid:
                    os.kill(pid, signal.SIGKILL)
        process.communicate()

    def ready(self) -> dict[str, Any]:
        """What /readyz says; nothing where nobody answers."""
        try:
            said: dict[str, Any] = requests.get(f"{self.url}/readyz", timeout=10).json()
        except (requests.RequestException, ValueError):
            return {}
        return said

    @property
    def runs(self) -> str:
        """The commit of the process that serves, which is ready; "" where none is."""
        said = self.ready()
        return str(said["commit"]) if said.get("ready") else ""

    @property
    def head(self) -> str:
        """The commit that the checkout is at."""
        return git(self.checkout, "rev-parse", "HEAD")

    @property
    def local_changes(self) -> str:
        """What git says that was changed here, or is not known to it."""
        return git(self.checkout, "status", "--porcelain")

    @property
    def unit(self) -> str:
        """The service's name at systemd."""
        return self._supervisor.unit

    @property
    def main(self) -> int:
        """gunicorn's first process."""
        return int(self.systemctl("show", "--property", "MainPID", "--value"))

    @property
    def journal(self) -> str:
        """What the service printed."""
        return self._supervisor.journal

    def systemctl(self, *words: str) -> str:
        """Ask systemd, or its stand-in, about the service."""
        command = [*self._supervisor.systemctl, *words, self.unit]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=220).stdout.strip()

    def flask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One of the service's commands."""
        command = [".venv/bin/python", "-m", "flask", "--app", "wsgi", *words]
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        return subprocess.run(
            command, cwd=self.checkout, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    def post_callback(self, orderref: str, timeout: float = 30.0) -> int:
        """Send UTOPIA's callback; the HTTP status, or 0 when there was no answer."""
        return post_callback(self.url, orderref, "Project New Order", timeout)

    def show(self, orderref: str) -> dict[str, Any]:
        """The order, as `orders show --json` prints it."""
        shown: dict[str, Any] = json.loads(self.flask("orders", "show", orderref, "--json").stdout)
        return shown

    def counted(self) -> Counter[str]:
        """How many orders are in each state, as /metrics counts them; cheap enough to be asked again and again."""
        told = requests.get(f"{self.url}/metrics", timeout=30).text
        return Counter({state: int(float(count)) for state, count in STATE_LINE.findall(told)})

    def states(self, orderrefs: list[str]) -> Counter[str]:
        """How many of the orders are in each state."""
        listed = json.loads(self.flask("orders", "list", "--json", "--limit", "100000").stdout)
        states = {order["orderref"]: order["state"] for order in listed}
        return Counter(states.get(orderref, "lost") for orderref in orderrefs)

    def _write_env(self) -> None:
        names = environment_of(self.settings)
        del names["TICKET_TEMPLATE_DIR"]
        lines = [f"{name}='{value}'" for name, value in names.items() if value]
        (self.checkout / ".env").write_text("\n".join(lines) + "\n")

    def _write_maker_of_packages(self) -> None:
        path = self._folder / "bin" / "packages"
        path.write_text(f"#!{sys.executable}\n" + (HERE / "packages.py").read_text())
        path.chmod(0o755)


def last_line(output: str) -> str:
    """What a deploy says last."""
    return output.splitlines()[-1]
