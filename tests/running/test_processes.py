"""The service as processes: how it starts, stops, takes over, and lives through a full disk."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.state import state_of
from tests.conftest import settings_for
from tests.tools.office import Office
from tests.tools.processes import BY_HAND, ServiceProcess, until
from tests.tools.promises import contract_of, take

ORDER = "UIA202411-000001"


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Any:
    return settings_for(sandbox, tmp_path, read_timeout_seconds=10)


@pytest.fixture
def process(settings: Any, tmp_path: Path) -> Iterator[ServiceProcess]:
    with ServiceProcess(settings, tmp_path) as process:
        yield process


@pytest.fixture
def office(settings: Any, sandbox: Sandbox) -> Iterator[Office]:
    office = Office(settings, lambda: state_of(sandbox))
    yield office
    office.close()


def calls_of(sandbox: Sandbox, action: str) -> int:
    return sandbox.powercode.count(action)


@pytest.mark.sweep
def test_a_stop_ends_the_step_in_flight_and_the_next_start_goes_on_with_the_next_one(
    sandbox: Sandbox, process: ServiceProcess, office: Office
) -> None:
    process.start()
    sandbox.powercode.fault("createCustomer", "slow", seconds=1.5)
    orderrefs = take(sandbox, process, [1])
    until(lambda: calls_of(sandbox, "createCustomer"))

    process.terminate()
    assert process.ended() == 0
    (order,) = office.orders()
    assert [step["state"] for step in order["steps"] if step["name"] == "create_customer"] == ["done"]
    assert calls_of(sandbox, "addCustomerService") == 0, "a step began after the stop"

    process.start()
    office.check_completed(orderrefs)
    assert calls_of(sandbox, "createCustomer") == 1
    assert calls_of(sandbox, "searchCustomers") == 4
    assert "needs_you" not in str(office.orders())


@pytest.mark.sweep
@pytest.mark.sqlite
def test_gunicorns_first_process_holds_no_sqlalchemy(process: ServiceProcess) -> None:
    process.start()

    loaded = {pid: Path(f"/proc/{pid}/maps").read_text() for pid in (process.pid, *process.workers)}
    assert {pid for pid, libraries in loaded.items() if "sqlalchemy" in libraries} == set(process.workers)


@pytest.mark.long
def test_an_idle_service_ends_with_exit_code_0(process: ServiceProcess) -> None:
    process.start()
    until(lambda: process.executing)
    began = time.monotonic()
    process.terminate()
    assert process.ended() == 0
    print(f"an idle service stopped within {time.monotonic() - began:.2f} s")


@pytest.mark.sweep
def test_a_start_by_hand_serves_and_executes_like_the_one_by_gunicorn(
    sandbox: Sandbox, settings: Any, tmp_path: Path
) -> None:
    with ServiceProcess(settings, tmp_path, command=BY_HAND) as process:
        process.start()
        office = Office(settings, lambda: state_of(sandbox))
        office.check_completed(take(sandbox, process, [1]))
        office.close()
        process.terminate()
        assert process.ended() == 0


@pytest.mark.sweep
def test_of_two_workers_one_executes_and_the_other_takes_over_when_it_is_killed(
    sandbox: Sandbox, settings: Any, office: Office, tmp_path: Path
) -> None:
    with ServiceProcess(settings, tmp_path, WEB_CONCURRENCY="2") as process:
        process.start()
        until(lambda: len(process.workers) == 2)
        executing = until(lambda: process.executing)
        sandbox.powercode.latency = 0.05
        orderrefs = take(sandbox, process, range(12))
        until(lambda: calls_of(sandbox, "createCustomer") >= 3)
        assert process.log.count(" executes as ") == 1, "more than one process executes"

        os.kill(executing, signal.SIGKILL)
        began = time.monotonic()
        successor = until(lambda: process.executing != executing and process.executing)
        print(f"the other worker took over after {time.monotonic() - began:.2f} s")

        assert successor in process.workers
        office.check_completed(orderrefs)
        assert process.log.count(" executes as ") == 2


@pytest.mark.sweep
def test_a_command_starts_work_that_the_running_service_does(
    sandbox: Sandbox, process: ServiceProcess, office: Office
) -> None:
    process.start()
    until(lambda: process.executing)
    sandbox.utopia.add_order(ORDER, **contract_of(1))

    submitted = process.run("orders", "submit", ORDER)

    assert submitted.returncode == 0, submitted.stderr
    assert "completed" in submitted.stdout
    office.check_completed([ORDER])
    assert process.log.count(" executes as ") == 1


@pytest.mark.sweep
@pytest.mark.sqlite
def test_orders_whose_outcome_a_full_disk_did_not_take_go_on_without_a_restart(
    sandbox: Sandbox, process: ServiceProcess, office: Office
) -> None:
    process.start()
    until(lambda: process.executing)
    sandbox.powercode.latency = 1
    acknowledged = take(sandbox, process, [1, 2, 3])
    until(lambda: calls_of(sandbox, "searchCustomers"))

    process.limit_files(0)
    until(lambda: "stands still" in requests.get(f"{process.url}/readyz", timeout=5).json()["executor"], 90)

    process.limit_files(-1)
    sandbox.powercode.latency = 0
    office.check_completed(acknowledged)
    until(lambda: requests.get(f"{process.url}/readyz", timeout=5).status_code == 200)


@pytest.mark.sweep
@pytest.mark.sqlite
def test_a_callback_that_finds_the_disk_full_is_answered_503_and_nothing_acknowledged_is_lost(
    sandbox: Sandbox, process: ServiceProcess, office: Office
) -> None:
    process.start()
    until(lambda: process.executing)
    sandbox.powercode.latency = 0.1
    acknowledged = take(sandbox, process, [1, 2, 3])
    until(lambda: calls_of(sandbox, "searchCustomers"))

    process.limit_files(0)
    assert [process.post_callback(f"UIA202411-00010{number}") for number in range(3)] == [503, 503, 503]
    assert requests.get(f"{process.url}/healthz", timeout=5).status_code == 200

    process.limit_files(-1)
    acknowledged += take(sandbox, process, [4])
    office.check_completed(acknowledged)
    assert len(office.orders()) == len(acknowledged)
