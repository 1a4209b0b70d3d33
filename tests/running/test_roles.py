"""What a process does is said by its role: it serves, it works on orders, or both."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from sandbox import Sandbox
from sandbox.state import state_of
from tests.conftest import Service, settings_for
from tests.tools.office import Office
from tests.tools.processes import GUNICORN, ServiceProcess, until
from tests.tools.promises import broken, contract_of

ORDERREF = "UIA202411-000001"
WORKER_BY_HAND = (sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--name", "desk")


class Desk:
    """Processes of several roles on one database, each with a folder of its own."""

    def __init__(self, folder: Path, sandbox: Sandbox, stack: ExitStack) -> None:
        self.sandbox = sandbox
        self.settings = settings_for(sandbox, folder)
        self._folder = folder
        self._stack = stack

    def process(self, role: str, *command: str) -> ServiceProcess:
        """A process of that role, ready."""
        folder = self._folder / role
        folder.mkdir()
        own = self.settings.model_copy(update={"role": role, "log_file": folder / "api_class.log"})
        process = self._stack.enter_context(ServiceProcess(own, folder, command=command or GUNICORN))
        process.start()
        return process


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(tmp_path, stack.enter_context(Sandbox()), stack)


def gauge(process: ServiceProcess, name: str) -> float:
    lines = requests.get(f"{process.url}/metrics", timeout=10).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


@pytest.mark.sweep
def test_a_web_process_stores_orders_and_a_worker_makes_the_accounts(desk: Desk) -> None:
    web = desk.process("web")
    desk.sandbox.utopia.add_order(ORDERREF, **contract_of(1))
    assert web.post_callback(ORDERREF) == 200
    assert (web.ready()["ready"], web.ready()["executor"]) == (True, "no worker runs")
    assert gauge(web, "utopia_handler_executing_processes") == 0

    worker = desk.process("worker", *WORKER_BY_HAND)

    office = Office(desk.settings, lambda: state_of(desk.sandbox))
    orders = office.completed([ORDERREF])
    office.close()
    assert broken(state_of(desk.sandbox), orders) == []
    assert web.ready()["executor"] == "in a worker"
    assert gauge(web, "utopia_handler_executing_processes") == 1
    assert worker.ready()["executor"] == "running"
    assert worker.post_callback(ORDERREF) == 404, "a worker takes no callbacks"
    assert requests.get(f"{worker.url}/login", timeout=10).status_code == 404, "and has no console"


@pytest.mark.sweep
def test_a_worker_that_is_stopped_ends_its_steps_and_says_nothing_is_wrong(desk: Desk) -> None:
    worker = desk.process("worker", *WORKER_BY_HAND)
    until(lambda: worker.executing)

    worker.terminate()

    assert worker.ended() == 0
    assert "Stopping: running steps end" in worker.log


def test_only_orders_that_are_worked_on_here_make_a_process_of_all_roles_ready(service: Service) -> None:
    assert service.client.get("/readyz").json["executor"] == "running"
    with service.changed(role="web"):
        assert service.client.get("/readyz").json["executor"] == "in a worker"
