"""The switch from the scripts in use before, by docs/switching.md alone: its commands, as they are written there."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.deploy.server import make_remote
from tests.setup.legacy import old_folder
from tests.tools.machines import CAN_MAKE_MACHINES, NO_MACHINE, Machine
from tests.tools.network import Network
from tests.tools.pages import ORIGIN, commands
from tests.tools.processes import until
from tests.tools.promises import contract_of

PAGE = "docs/switching.md"
NEW = "UIA202611-000042"
PUBLIC, HERE = "https://orders.example.com", "http://127.0.0.1:5050"
OLD = "/opt/api_callback"
SITE = "/etc/nginx/conf.d/api_callback.conf"


class Office:
    """A machine with an old installation. Its proxy is a stand-in: what is public is asked of the service itself."""

    def __init__(self, machine: Machine, sandbox: Sandbox, remote: Path, folder: Path) -> None:
        self.machine, self.sandbox, self._remote = machine, sandbox, remote
        old_folder.make(folder / "old", self._old_settings())
        machine.run(f"cp -rT {folder}/old {OLD}; mkdir -p {Path(SITE).parent}")
        machine.run(f"cat > {SITE}", said="uwsgi_pass unix:/run/api_callback.sock;\n")
        machine.run("ln -sf /bin/true /usr/local/bin/nginx")

    def _old_settings(self) -> dict[str, str]:
        return old_folder.environment(
            UTOPIA_URL_ENDPOINT=self.sandbox.utopia.url,
            UTOPIA_API_KEY=self.sandbox.utopia.api_key,
            PC_URL=self.sandbox.powercode.url,
            PC_API_KEY=self.sandbox.powercode.api_key,
            MAIL_SERVER=self.sandbox.mailbox.host,
            MAIL_PORT=str(self.sandbox.mailbox.port),
        )

    def follow(self, heading: str) -> list[str]:
        """Type each block of a part of the page; what they print."""
        said = []
        for block in commands(PAGE, heading):
            typed = block.replace(ORIGIN, f"git clone {self._remote.as_uri()}").replace(PUBLIC, HERE)
            codes = (3,) if "deploy/install.sh" in typed else (0,)
            said.append(self.machine.run(f"cd /opt/utopia-handler 2>/dev/null || cd\n{typed}", codes=codes))
        return said

    def flask(self, *words: str) -> str:
        return self.machine.run(f"utopia-handler {' '.join(words)}")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        sandbox = stack.enter_context(Sandbox(host=network.office_address))
        sandbox.powercode.services = {201: "1 Gbps", 202: "250 Mbps", 203: "Bond fee"}
        machine = stack.enter_context(Machine(network.host(), tmp_path / "machine"))
        yield Office(machine, sandbox, make_remote(tmp_path), tmp_path)


def sign_in(office: Office, name: str, password: str) -> str:
    """The status of the sign-in: 303 leads on to the console."""
    page = office.machine.run(f"curl --silent --cookie-jar /root/jar {HERE}/login")
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)[1]
    form = {"csrf_token": token, "name": name, "password": password}
    fields = shlex.join(word for field in form.items() for word in ("--data-urlencode", "=".join(field)))
    status = "--output /dev/null --write-out '%{http_code}'"
    return office.machine.run(f"curl --silent --cookie /root/jar {status} {fields} {HERE}/login")


def old_files(office: Office) -> str:
    """What is in the old folder, by its sums."""
    return office.machine.run(f"find {OLD} -type f -exec sha256sum {{}} + | sort")


@pytest.mark.sweep
@pytest.mark.sqlite
@pytest.mark.timeout(600)
@pytest.mark.skipif(not CAN_MAKE_MACHINES, reason=NO_MACHINE)
def test_an_old_installation_is_switched_over_by_the_page_alone(office: Office) -> None:
    office.sandbox.utopia.add_order(old_folder.OPEN)
    office.sandbox.utopia.add_order(old_folder.SETTLED, firstname="Grace", siteid="714781")
    office.sandbox.utopia.add_order(NEW, **contract_of(1))
    before = old_files(office)

    prepared = office.follow("Before the day")
    switched = office.follow("The day")

    assert any("Still to do" in said for said in prepared)
    assert any("What will be different" in said for said in prepared)
    assert any("UNKNOWN_20261101_100000_ab12cd34 left out" in said for said in switched)
    assert office.flask("orders", "list").splitlines()[1].split()[:2] == [old_folder.OPEN, "completed"]
    (customer,) = office.sandbox.powercode.customers.values()
    assert [(each.service_id, each.quantity) for each in customer.services] == [(202, 1), (203, 1)]
    assert "<p>Hello Ada Lind,</p>" in customer.tickets[0].fields["description"]

    callback = json.dumps({"event": "Project Update", "orderref": NEW, "msg": "Project New Order"})
    token = office.machine.run("sed -n 's/^CALLBACK_TOKEN=//p' /opt/utopia-handler/.env").strip()
    address = f"{HERE}/api-callback?token={token}"
    office.machine.run(f"curl --fail --silent --json @- '{address}'", said=callback)
    until(lambda: len(office.sandbox.powercode.customers) == 2)
    until(lambda: '"state": "completed"' in office.flask("orders", "show", NEW, "--json"))
    assert [sign_in(office, "olga", password) for password in (old_folder.PASSWORD, "wrong", old_folder.PASSWORD)] == [
        "303",
        "401",
        "303",
    ]
    assert sign_in(office, "boss", "the boss's pass") == "303"
    assert old_files(office) == before, "the old folder was only read"

    office.follow("The way back")
    assert office.machine.run(f"ls {SITE}")
    assert "enable --now api_callback.service" in office.machine.run("cat /run/systemctl.log")
