"""PowerCodeClient against the simulated PowerCode, as in the service."""

import doctest
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

import powercode
from powercode import NeverArrived, NewTicket, OutcomeUnknown, PowerCodeClient
from sandbox import PowerCode, Sandbox
from tests.powercode.one_call import ADA

REF = "UIA202411-001186"


def a_client(server: PowerCode, **changes: Any) -> PowerCodeClient:
    settings = {"read_timeout": 5, "deadline": 10, **changes}
    return PowerCodeClient(f"{server.url}/api/1/index.php", f"{server.url}/uapi", server.api_key, **settings)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[PowerCode]:
    yield sandbox.powercode


@pytest.fixture
def client(server: PowerCode) -> Iterator[PowerCodeClient]:
    with a_client(server) as client:
        yield client


def test_the_session_in_the_readme_is_true() -> None:
    readme = Path(powercode.__file__).with_name("README.md")
    outcome = doctest.testfile(str(readme), module_relative=False)
    assert outcome.attempted > 10
    assert outcome.failed == 0


@pytest.mark.parametrize("shape", ["nested", "flat"])
def test_a_customer_is_read_the_same_nested_and_flat(
    client: PowerCodeClient, server: PowerCode, shape: Literal["nested", "flat"]
) -> None:
    server.record_shape = shape
    hand_made = server.add_customer(status="Delinquent", phone="(406) 555-0119")
    for tells in (server.record_tells, ()):
        server.record_tells = tells
        found = client.read_customer(customer_id=hand_made.customer_id)
        assert (found.name, found.address, found.city) == ("Grace Moe", "48 OLD MILL ROAD", "Bozeman")
        assert (found.state, found.status, found.ext_account_id) == ("MT", "Delinquent", "")
        contact = ("grace.moe@example.com", "(406) 555-0119", "59715") if tells else ("", "", "")
        assert (found.email, found.phone, found.zip) == contact


@pytest.mark.parametrize("folds", [True, False])
def test_a_search_tells_of_a_customer_as_much_as_the_server_does(
    client: PowerCodeClient, server: PowerCode, folds: bool
) -> None:
    server.search_folds = folds
    server.add_customer(status="Not Active", extAccountID="714204")
    (short,) = client.search_customers("Moe")
    server.search_tells = ("phone", "mail", "zip", "site", "status")
    (whole,) = client.search_customers("0119")
    assert (short.phone, short.status, short.ext_account_id) == ("", "", "")
    assert (whole.phone, whole.status, whole.ext_account_id) == ("4065550119", "Not Active", "714204")
    assert bool(client.search_customers("MOE")) is folds


@pytest.mark.parametrize("as_strings", [True, False])
def test_an_account_with_plan_ticket_and_tags_is_made_and_found_again(
    client: PowerCodeClient, server: PowerCode, as_strings: bool
) -> None:
    server.ids_as_strings = as_strings
    customer_id = client.create_customer(ADA)
    client.add_customer_service(customer_id, 164)
    ticket_id = client.create_ticket(NewTicket(customer_id=customer_id, description="<p>Welcome</p>"))
    client.add_customer_tag(customer_id, 5)
    client.add_customer_tag(customer_id, 9)

    kept = server.customers[int(customer_id)]
    assert [each.service_id for each in kept.services] == [164]
    assert kept.fields["customerPortalPassword"] == "portal-word-19"
    assert client.read_ticket(ticket_id).content["description"] == "<p>Welcome</p>"
    assert [tag.tag_id for tag in client.remove_customer_tag(customer_id, 5)] == ["9"]
    assert [tag.tag_id for tag in client.customer_tags(customer_id)] == ["9"]
    for found in (
        client.search_customers("Ada Lind")[0],
        client.search_customers("4065550143")[0],
        client.read_customer(customer_id=customer_id),
        client.read_customer(ext_account_id="714780"),
    ):
        assert (found.customer_id, found.name, found.address) == (customer_id, "Ada Lind", "12 N EXAMPLE AVENUE")
    assert client.read_customer(ext_account_id="714780").mentions_order(REF)


def test_a_server_that_goes_and_comes_back_is_found_again(client: PowerCodeClient, server: PowerCode) -> None:
    client.search_customers("Ada")
    server.down()
    with pytest.raises(NeverArrived):
        client.create_customer(ADA)
    server.up()
    assert client.create_customer(ADA)
    assert len(server.customers) == 1


@pytest.mark.parametrize("message", ["Lock wait timeout exceeded; try restarting transaction", "Database is down"])
def test_trouble_of_powercodes_own_is_not_read_as_nobody(server: PowerCode, message: str) -> None:
    server.fault("*", "status_code", times=2, status_code=1, message=message)
    with a_client(server) as client:
        with pytest.raises(OutcomeUnknown):
            client.search_customers("Ada Lind")
        with pytest.raises(OutcomeUnknown):
            client.read_customer(ext_account_id="714780")


def test_an_error_that_says_not_found_is_nobody(server: PowerCode) -> None:
    server.fault("searchCustomers", "status_code", status_code=1, message="Error: no customers found")

    with a_client(server) as client:
        assert client.search_customers("Ada Lind") == ()
