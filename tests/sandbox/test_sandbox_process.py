"""The sandbox as a process of its own, steered over its control API."""

import smtplib
from collections.abc import Iterator

import pytest
import requests

from sandbox.control import SandboxControl
from sandbox.process import SandboxProcess

ORDER = "UIA202411-002000"


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as running:
        running.control.add_order("UIA202411-001186")
        yield running


@pytest.fixture
def control(process: SandboxProcess) -> Iterator[SandboxControl]:
    yield process.control
    process.control.clear_faults()


def look_up(process: SandboxProcess, orderref: str) -> requests.Response:
    utopia = process.addresses["utopia"]
    body = {"apikey": utopia["api_key"], "orderref": orderref}
    return requests.post(f"{utopia['url']}/spquery/contractlookup", json=body, timeout=5)


def test_an_order_can_be_added_to_a_running_sandbox(process: SandboxProcess, control: SandboxControl) -> None:
    control.add_order(ORDER, plan="1 Gbps", lastname="Moe", contract_ready=False)
    assert look_up(process, ORDER).json()["customer"]["lastname"] == "Moe"
    assert control.state()["orders"][ORDER]["contractdownload"] == "Not Ready"


def test_faults_are_armed_and_cleared(process: SandboxProcess, control: SandboxControl) -> None:
    control.fault("utopia", "contractlookup", "http", times=None, status=429, retry_after=3)
    assert look_up(process, ORDER).headers["Retry-After"] == "3"
    control.clear_faults()
    assert look_up(process, "UIA202411-001186").status_code == 200
    assert control.counts()["calls"]["utopia"]["contractlookup"] >= 2


def test_a_server_goes_down_and_comes_back(process: SandboxProcess, control: SandboxControl) -> None:
    control.down("utopia")
    assert control.state()["up"]["utopia"] is False
    with pytest.raises(requests.ConnectionError):
        look_up(process, ORDER)
    control.up("utopia")
    assert look_up(process, "UIA202411-001186").ok


def test_mails_are_listed(process: SandboxProcess, control: SandboxControl) -> None:
    mailbox = process.addresses["mailbox"]
    with smtplib.SMTP(mailbox["host"], mailbox["port"], timeout=5) as smtp:
        smtp.sendmail("a@example.com", ["b@example.com"], "Subject: Hello\n\nText\n")
    assert control.state()["mails"][0]["headers"]["Subject"] == "Hello"


def test_what_the_sandbox_cannot_do_is_an_error_with_its_reason(control: SandboxControl) -> None:
    with pytest.raises(ValueError, match="unknown fault kind"):
        control.fault("utopia", "*", "explode")
    with pytest.raises(ValueError, match="KeyError"):
        control.down("nothing")


def test_the_simulated_servers_do_not_tell_that_they_are_simulated(process: SandboxProcess) -> None:
    utopia, powercode = process.addresses["utopia"]["url"], process.addresses["powercode"]["url"]
    for url in (f"{utopia}/state", f"{powercode}/state", f"{powercode}/index.php"):
        response = requests.get(url, timeout=5)
        assert response.status_code in (401, 404)
        assert "sandbox" not in f"{response.headers} {response.text}".lower()


@pytest.mark.long
def test_sigterm_ends_it_cleanly_with_a_connection_still_open() -> None:
    with requests.Session() as held:
        with SandboxProcess() as process:
            held.get(f"{process.addresses['control']['url']}/state", timeout=5)
        assert process.returncode == 0
