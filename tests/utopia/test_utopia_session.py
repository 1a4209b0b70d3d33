"""UtopiaClient against the simulated UTOPIA, as in the service."""

import doctest
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

import utopia
from sandbox import Sandbox, Utopia
from utopia import AuthenticationFailed, NotReady, OutcomeUnknown, Refused, UtopiaClient, UtopiaError

REF = "UIA202411-001186"


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[Utopia]:
    sandbox.utopia.add_order(REF, plan="1 Gbps")
    yield sandbox.utopia


@pytest.fixture
def client(server: Utopia) -> Iterator[UtopiaClient]:
    with UtopiaClient(server.url, server.api_key, read_timeout=5, deadline=10) as client:
        yield client


def test_the_session_in_the_readme_is_true() -> None:
    readme = Path(utopia.__file__).with_name("README.md")
    outcome = doctest.testfile(str(readme), module_relative=False)
    assert outcome.attempted > 10
    assert outcome.failed == 0


def test_every_service_provider_call_is_understood(client: UtopiaClient, server: Utopia) -> None:
    assert client.orders(orderref=REF).rows[0]["orderref"] == REF
    assert client.service(714780).rows[0]["description"] == "1 Gbps"
    project = client.projects(orderref=REF).rows[0]
    assert client.project_detail(project["projectid"]).rows[0]["orderref"] == REF
    assert client.check_access(siteid=714780).content == {"access": True}
    assert client.mac_search(client.ap_view(714780).router_mac).rows[0]["siteid"] == "714780"
    assert len(client.products().rows) == 3
    assert client.outage_tickets(status="open").rows == ()
    for change in (
        client.edit_service_item(1, spsubid1="a"),
        client.edit_order_item(1, vlan=7),
        client.suspend(1, 714780),
        client.unsuspend(1, 714780),
        client.change_speed(1, 714780, uiaid=2, product=259, issuedate="2026-12-01"),
        client.cancel_service(1, 714780, issuedate="2026-12-01"),
    ):
        assert change.content["result"] == "success"
    with pytest.raises(Refused):
        client.outage_ticket(9)


def test_a_contract_is_waited_for_until_it_is_ready(client: UtopiaClient, server: Utopia) -> None:
    server.set_contract_ready(REF, False)
    assert not client.contract(REF).contract_ready
    with pytest.raises(NotReady):
        client.contract_pdf(REF, BytesIO())
    server.set_contract_ready(REF, True)
    file = BytesIO()
    assert client.contract_pdf(REF, file) == len(file.getvalue())
    assert file.getvalue().startswith(b"%PDF")


def test_a_wrong_key_is_told_apart_from_other_refusals(server: Utopia) -> None:
    with pytest.raises(AuthenticationFailed):
        UtopiaClient(server.url, "another key").contract(REF)


@pytest.mark.parametrize(
    ("kind", "error"),
    [("reset", OutcomeUnknown), ("garbage", OutcomeUnknown), ("empty", OutcomeUnknown), ("cut", OutcomeUnknown)],
)
def test_a_fault_is_over_with_the_next_call(
    client: UtopiaClient, server: Utopia, kind: str, error: type[UtopiaError]
) -> None:
    server.fault("contractlookup", kind)
    with pytest.raises(error):
        client.contract(REF)
    assert client.contract(REF).contract_ready
    assert server.count("contractlookup") == 2
