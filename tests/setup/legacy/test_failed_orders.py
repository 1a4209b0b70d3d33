"""Orders that the old script could not finish."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from app.models import Order
from tests.conftest import Service
from tests.setup.legacy.reports import INVENTED, OTHER, imported, leave, report, why
from tests.tools.command_runs import ORDER, failed


@pytest.mark.parametrize(
    "content",
    [
        [ORDER],
        [{"orderref": ORDER}],
        [{"order_ref": f" {ORDER} ", "reason": "timeout"}],
        {"failed_orders": [{"OrderRef": ORDER}]},
        {ORDER: {"error": "timeout"}},
        {ORDER: "timeout"},
        {"orderref": ORDER, "msg": "Project New Order"},
        {ORDER: {"orderref": ORDER, "customer_data": {"name": "Ada Lind"}, "retry_count": 3, "resolved": False}},
        [{"orderref": ORDER, "resolved": "no"}],
    ],
)
def test_a_failed_order_is_found_in_every_form_that_means_one(
    service: Service, tmp_path: Path, content: object
) -> None:
    folder = leave(tmp_path, failed_orders=content)

    assert report(service, folder, "--dry-run")["failed_orders.json"] == [(ORDER, "taken")]


@pytest.mark.parametrize(
    "content",
    [
        [{"event": "Project Update", "orderref": ORDER, "msg": "project new order"}, ORDER],
        f'"{ORDER}"\n{{"orderref": "{ORDER}"}}\n',
    ],
)
def test_an_order_that_is_in_the_file_twice_is_taken_once(service: Service, tmp_path: Path, content: object) -> None:
    folder = leave(tmp_path, failed_orders=content)

    assert report(service, folder, "--dry-run")["failed_orders.json"] == [(ORDER, "taken"), (ORDER, "left out")]


@pytest.mark.parametrize(
    "content",
    [
        {ORDER: {"orderref": ORDER, "resolved": True, "resolution_notes": "made by hand"}},
        [{"order_ref": ORDER, "resolved": 1}],
        {INVENTED: {"orderref": INVENTED, "timestamp": "2026-11-01T10:00:00", "resolved": False}},
        {INVENTED: {"orderref": None, "resolved": True}},
        [{"orderref": "UNKNOWN"}],
        [INVENTED],
    ],
)
def test_what_was_settled_or_invented_there_is_left_out_and_is_no_error(
    service: Service, tmp_path: Path, content: object
) -> None:
    result = imported(service, leave(tmp_path, failed_orders=content), "--json")

    assert result.exit_code == 0, result.stderr
    (file,) = (each for each in json.loads(result.stdout)["files"] if each["file"] == "failed_orders.json")
    assert file["counts"] == {"entries": 1, "left out": 1}
    assert service.rows(select(Order.orderref)) == []


def test_a_settled_order_stays_settled_where_another_entry_repeats_it(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders=[ORDER, {"orderref": ORDER, "resolved": True}, OTHER])

    said = report(service, folder, "--dry-run")["failed_orders.json"]

    assert said == [(ORDER, "left out"), (ORDER, "left out"), (OTHER, "taken")]


@pytest.mark.parametrize(
    "content",
    [
        {ORDER: {"resolved": "perhaps"}},
        [{"reference": ORDER}],
        [{"orderref": 17}],
        [{"orderref": ORDER, "order_ref": OTHER}],
        [[ORDER]],
        [None],
        ["../../etc/passwd"],
        ["UIA 1"],
        {"comment": "nothing failed"},
        {ORDER: {"orderref": OTHER}},
        '"' + ORDER + '"',
        "17",
        "[" * 100_000,
        "{",
        "\x00",
    ],
)
def test_an_entry_that_may_be_no_order_is_not_taken(service: Service, tmp_path: Path, content: object) -> None:
    folder = leave(tmp_path, failed_orders=content)

    result = imported(service, folder)

    assert "1 of what is in" in failed(result)
    assert service.rows(select(Order.orderref)) == []


def test_a_callback_that_starts_no_order_starts_none_here_either(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders=[{"orderref": ORDER, "msg": "Project Update"}])

    assert report(service, folder)["failed_orders.json"] == [(ORDER, "left out")]
    assert service.state(ORDER) is None


def test_whom_the_old_script_had_made_a_customer_gets_no_second_account(service: Service, tmp_path: Path) -> None:
    service.knows_ada(extAccountID="714780")
    service.order()

    imported(service, leave(tmp_path, failed_orders=[ORDER]))

    assert service.rested(ORDER)["state"] == "exists"
    assert len(service.sandbox.powercode.customers) == 1


def test_an_order_that_is_here_is_not_looked_up_again(service: Service, tmp_path: Path) -> None:
    service.callback(ORDER)
    service.rested(ORDER, "not_ours")
    calls = service.sandbox.utopia.calls

    assert why(service, leave(tmp_path, failed_orders=[ORDER]), "failed_orders.json") == "it is not_ours"
    assert service.sandbox.utopia.calls == calls
