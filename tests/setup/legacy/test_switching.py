"""The switch from the scripts in use before, by docs/switching.md alone: its commands, as they are written there."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from config import PROJECT
from sandbox import Sandbox
from sandbox.listener import bind
from tests.deploy.server import git
from tests.setup.legacy import old_folder
from tests.tools.processes import until

PAGE = (PROJECT / "docs" / "switching.md").read_text(encoding="utf-8")
BY_HAND = "deploy/install.sh"  # makes users, folders and units on the machine itself
NEW = "UIA202611-000042"

SYSTEMCTL = """
echo "$*" >> {folder}/systemctl.log
cd {here}
if [[ $* == "start utopia-handler" ]]; then
    setsid .venv/bin/gunicorn -c gunicorn.conf.py wsgi:app &> served.txt &
    echo $! > served.pid
    until curl -fs {url}/readyz > /dev/null; do kill -0 "$(cat served.pid)"; sleep 0.1; done
elif [[ $* == "disable --now utopia-handler" ]]; then
    kill "$(cat served.pid)"
fi
"""


def blocks(part: str) -> list[str]:
    """The commands of a part of the page, a block each."""
    text = PAGE.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    return [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if BY_HAND not in block]


class Office:
    """A server with an old installation, and this one installed beside it, under a folder of the test's own.

    Commands run as they are written, but for the places, and for a few that would change the machine: `bin/` has those.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.reserved = bind("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.reserved.getsockname()[1]}"
        self.old, self.here, self.nginx = folder / "api_callback", folder / "utopia-handler", folder / "nginx"
        old_folder.make(self.old, self._old_settings())
        _check_out(self.here)
        (self.nginx / "conf.d").mkdir(parents=True)
        (self.nginx / "conf.d" / "api_callback.conf").write_text("uwsgi_pass unix:/run/api_callback.sock;\n")
        self._write_stand_ins()

    def _old_settings(self) -> dict[str, str]:
        return old_folder.environment(
            UTOPIA_URL_ENDPOINT=self.sandbox.utopia.url,
            UTOPIA_API_KEY=self.sandbox.utopia.api_key,
            PC_URL=self.sandbox.powercode.url,
            PC_API_KEY=self.sandbox.powercode.api_key,
            MAIL_SERVER=self.sandbox.mailbox.host,
            MAIL_PORT=str(self.sandbox.mailbox.port),
        )

    def _write_stand_ins(self) -> None:
        stand_ins = {
            "utopia-handler": 'exec .venv/bin/flask --app wsgi "$@"',
            "chown": "exit 0",
            "nginx": "exit 0",
            "install": f'shift 4; exec {shutil.which("install")} "$@"',
            "systemctl": SYSTEMCTL.format(folder=self.folder, here=self.here, url=self.url),
        }
        (self.folder / "bin").mkdir()
        for name, shell in stand_ins.items():
            (self.folder / "bin" / name).write_text(f"#!/usr/bin/env bash\nset -e\n{shell}\n")
            (self.folder / "bin" / name).chmod(0o755)

    def run(self, block: str) -> str:
        """Run the commands of a block; what they print."""
        places = {
            "/opt/utopia-handler": str(self.here),
            "/opt/api_callback": str(self.old),
            "/etc/nginx": str(self.nginx),
            "https://orders.example.com": self.url,
            "http://127.0.0.1:5050": self.url,
            "FLASK_PORT=5050": f"FLASK_PORT={self.url.rpartition(':')[2]}",
        }
        for written, place in places.items():
            block = block.replace(written, place)
        environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "LANG": "C.UTF-8", "HOME": str(self.folder)}
        command = ["bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(
            command, cwd=self.here, env=environment, capture_output=True, text=True, check=False, timeout=140
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def flask(self, *words: str) -> str:
        return self.run(f"utopia-handler {' '.join(words)}")

    def end(self) -> None:
        """Stop what the commands started."""
        if (self.here / "served.pid").exists():
            subprocess.run(["kill", (self.here / "served.pid").read_text().strip()], check=False)
        self.reserved.close()


def _check_out(folder: Path) -> None:
    """This program as install.sh puts it there, with a folder for the database."""
    listed = git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in (name for name in listed if (PROJECT / name).is_file() and not name.startswith(("docs/", "tests/"))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to((PROJECT / ".venv").resolve())
    (folder / "instance").mkdir()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Sandbox() as sandbox:
        sandbox.powercode.services = {201: "1 Gbps", 202: "250 Mbps", 203: "Bond fee"}
        office = Office(tmp_path, sandbox)
        yield office
        office.end()


def sign_in(office: Office, name: str, password: str) -> int:
    """The status of the sign-in: 303 leads on to the console."""
    browser = requests.Session()
    page = browser.get(f"{office.url}/login", timeout=30).text
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)[1]
    form = {"csrf_token": token, "name": name, "password": password}
    return browser.post(f"{office.url}/login", data=form, allow_redirects=False, timeout=30).status_code


@pytest.mark.sweep
@pytest.mark.sqlite
@pytest.mark.timeout(600)
def test_an_old_installation_is_switched_over_by_the_page_alone(office: Office) -> None:
    office.sandbox.utopia.add_order(old_folder.OPEN)
    office.sandbox.utopia.add_order(old_folder.SETTLED, firstname="Grace", siteid="714781")
    office.sandbox.utopia.add_order(NEW, firstname="Ole", lastname="Berg", email="ole@example.com", siteid="714790")
    before = {file: file.read_bytes() for file in office.old.rglob("*") if file.is_file()}

    prepared = [office.run(block) for block in blocks("Before the day")]
    switched = [office.run(block) for block in blocks("The day")]

    assert any("What will be different" in said for said in prepared)
    assert any("UNKNOWN_20261101_100000_ab12cd34 left out" in said for said in switched)
    assert office.flask("orders", "list").split()[:2] == [old_folder.OPEN, "completed"]
    (customer,) = office.sandbox.powercode.customers.values()
    assert [(each.service_id, each.quantity) for each in customer.services] == [(202, 1), (203, 1)]
    assert "<p>Hello Ada Lind,</p>" in customer.tickets[0].fields["description"]

    callback = {"event": "Project Update", "orderref": NEW, "msg": "Project New Order"}
    assert requests.post(f"{office.url}/api-callback", json=callback, timeout=30).status_code == 200
    until(lambda: len(office.sandbox.powercode.customers) == 2)
    until(lambda: '"state": "completed"' in office.flask("orders", "show", NEW, "--json"))
    assert [sign_in(office, "olga", password) for password in (old_folder.PASSWORD, "wrong", old_folder.PASSWORD)] == [
        *(303, 401, 303)
    ]
    assert sign_in(office, "boss", "the boss's pass") == 303
    assert {file: file.read_bytes() for file in before} == before, "the old folder was only read"

    for block in blocks("The way back"):
        office.run(block)
    assert (office.nginx / "conf.d" / "api_callback.conf").exists()
    assert "enable --now api_callback.service" in (office.folder / "systemctl.log").read_text()
