"""`flask orders missing`."""

from pathlib import Path

import pytest

from tests.aftercare.test_reconciliation import OURS, SECOND, THIRD, begun, never_called
from tests.conftest import Service
from tests.tools.command_runs import commands, failed, printed, run


def test_the_command_lists_what_never_called_back(service: Service) -> None:
    begun(service)
    assert run(service, "orders", "missing").stdout == "No order is missing.\n"
    never_called(service, SECOND)

    (row,) = printed(run(service, "orders", "missing", "--json"))

    assert (row["orderref"], row["kind"], row["person"], row["plan"]) == (SECOND, "missing", "Bo Lind", "250 Mbps")
    assert run(service, "orders", "missing").stdout.startswith(f"{SECOND:24} Bo Lind, 1 FAR LANE")


@pytest.mark.long
def test_the_command_takes_in_one_or_all_without_waiting(service: Service) -> None:
    begun(service)
    never_called(service, SECOND, THIRD)

    taken = run(service, "orders", "missing", "--take-in", SECOND, "--no-wait")

    assert taken.stdout == f"{SECOND} is received.\n"
    service.rested(SECOND)
    assert printed(run(service, "orders", "missing", "--take-in", "all", "--no-wait", "--json")) == [
        {"orderref": THIRD, "state": "received"}
    ]
    service.rested(THIRD)
    assert "none of the orders" in failed(run(service, "orders", "missing", "--take-in", "UIA202411-999999"))


def test_the_command_fails_where_it_can_t_tell(service: Service) -> None:
    begun(service)
    service.sandbox.utopia.orders_shape = "numbers"
    assert failed(run(service, "orders", "missing")).startswith("Can't tell: UTOPIA's answer names no order")

    service.sandbox.utopia.fault("orders", "http", status=502)
    assert failed(run(service, "orders", "missing")).startswith("UTOPIA could not be asked: ")


@pytest.mark.sweep
def test_the_command_follows_what_it_takes_in_when_no_service_runs(tmp_path: Path) -> None:
    with commands(tmp_path) as (sandbox, process):
        sandbox.utopia.add_order(OURS)
        assert process.run("orders", "missing").returncode == 0
        sandbox.utopia.add_order(SECOND, siteid="714781", firstname="Bo", address="1 FAR LANE")

        followed = process.run("orders", "missing", "--take-in", "all", "--json")

        assert printed(followed) == [{"orderref": SECOND, "state": "completed"}]
        assert f"{SECOND}: completed" in followed.stderr
