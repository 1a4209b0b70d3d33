"""`flask orders`: list, show, start and decide orders, whether the service runs or not."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.models import Order, OrderState, RemoteSystem, now
from app.provisioning.plans import plan_table
from app.storage.database import Database
from tests.conftest import Service
from tests.console.made_orders import apart
from tests.tools.command_runs import ORDER, commands, failed, printed, run

# orders list and show

STEPS = ["fetch_contract", "check_contract", "hand_over", "find_customer", "create_customer", "plan:164", "plan:172",
         "ticket", "tag:5", "tag:9", "complete"]  # fmt: skip


def test_orders_are_listed_the_newest_first_and_by_state(service: Service) -> None:
    service.take("UIA-1")
    service.callback("UIA-2")
    service.rested("UIA-2")

    assert [order["orderref"] for order in printed(run(service, "orders", "list", "--json"))] == ["UIA-2", "UIA-1"]
    (completed,) = printed(run(service, "orders", "list", "--state", "completed", "--json"))
    assert (completed["orderref"], completed["state"], completed["customer_id"]) == ("UIA-1", "completed", "1001")
    assert printed(run(service, "orders", "list", "--state", "waiting", "--json")) == []
    assert [re.split(r"  +", line)[:4] for line in run(service, "orders", "list").stdout.splitlines()] == [
        ["order", "state", "person", "customer"],
        ["UIA-2", "not ours", "-", "-"],
        ["UIA-1", "completed", "Ada Lind", "1001"],
    ]


def test_a_list_that_is_cut_says_so(service: Service) -> None:
    service.take("UIA-1")
    service.callback("UIA-2")
    service.rested("UIA-2")

    result = run(service, "orders", "list", "--limit", "1", "--json")

    assert len(printed(result)) == 1
    assert result.stderr == "These are the newest 1 of 2; --limit shows more.\n"
    assert run(service, "orders", "list").stderr == ""


def test_orders_of_a_problem_are_listed_also_for_a_spreadsheet_that_executes_nothing(service: Service) -> None:
    service.take("UIA-1", plan="10 Gbps", firstname="=HYPERLINK(1)")
    service.take("UIA-2", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")

    header, line = run(service, "orders", "list", "--problem", "unknown_plan", "--csv").stdout.splitlines()

    assert run(service, "orders", "list", "--problem", "similar_name").stdout == "No orders.\n"
    assert run(service, "orders", "show", "uia-1").stdout.startswith("UIA-1: ")
    assert header.split(",")[:4] == ["order", "state", "person", "address"]
    assert line.startswith("UIA-1,needs you,'=HYPERLINK(1) Lind,")


@pytest.mark.long
def test_all_orders_of_a_problem_are_resumed_with_what_became_of_each(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "status_code", times=2, status_code=9, message="no such category")
    for number in (601, 602):
        service.take(f"UIA-{number}", **apart(number, lastname=f"Lind{number}"))
    assert "goes with" in failed(run(service, "orders", "resume", "--all"))
    assert failed(run(service, "orders", "resume", "--all", "--problem", "tag_refused")) == "No order stands for that"

    result = run(service, "orders", "resume", "--all", "--problem", "ticket_refused", "--no-wait", "--json")

    assert result.exit_code == 0, result.stderr
    assert [service.rested(f"UIA-{number}", "completed")["state"] for number in (601, 602)] == ["completed"] * 2


def test_an_order_that_utopia_does_not_know_is_asked_about_first(service: Service) -> None:
    asked = run(service, "orders", "submit", "UIA-404", "--no-wait")

    assert asked.exit_code == 1
    assert "UTOPIA has no order UIA-404" in asked.stderr
    assert service.show("UIA-404") == {}
    assert run(service, "orders", "submit", "UIA-404", "--yes", "--no-wait").exit_code == 0
    assert service.rested("UIA-404")["state"] == "not_ours"


def test_a_state_that_does_not_exist_is_refused_with_those_that_do(service: Service) -> None:
    result = run(service, "orders", "list", "--state", "lost")

    assert result.exit_code == 2
    assert "needs_review" in result.stderr


def test_an_order_is_shown_with_all_that_scripts_rely_on(service: Service) -> None:
    service.take(plan="1 Gbps")
    service.mail_settled()

    order = printed(run(service, "orders", "show", ORDER, "--json"))

    assert (order["orderref"], order["state"], order["reason"]) == (ORDER, "completed", None)
    assert order["customer_id"]
    assert order["ticket_id"]
    assert order["services"] == [
        {"service_id": 164, "description": "1 Gbps", "added": True},
        {"service_id": 172, "description": "Bond fee", "added": True},
    ]
    assert [step["name"] for step in order["steps"]] == STEPS
    for step in order["steps"]:
        assert (step["state"], step["attempts"], step["error"]) == ("done", 1, None)
        began, ended = (datetime.fromisoformat(step[name]) for name in ("started_at", "finished_at"))
        assert began.tzinfo is not None
        assert began <= ended
    (callback,) = order["callbacks"]
    assert (callback["outcome"], callback["msg"]) == ("order", "Project New Order")
    assert datetime.fromisoformat(callback["received_at"]).tzinfo is not None
    assert [(notice["kind"], notice["state"]) for notice in order["notices"]] == [("account_created", "sent")]


def test_an_order_is_shown_in_words_too(service: Service) -> None:
    service.take(plan="Unheard-of plan")

    text = run(service, "orders", "show", ORDER).stdout

    assert text.startswith(f"{ORDER}: needs you\n  Ada Lind · ")
    assert "Unheard-of plan" in text
    assert "What you can do:" in text


@pytest.mark.parametrize("command", [("show",), ("resume",), ("dismiss", "--note", "x")])
def test_an_order_that_nobody_knows_is_one_line(service: Service, command: tuple[str, ...]) -> None:
    assert failed(run(service, "orders", command[0], "UIA-404", *command[1:])).startswith("There is no order UIA-404")


# orders submit


@pytest.mark.sweep
def test_submitting_without_a_service_carries_the_order_to_its_end(tmp_path: Path) -> None:
    with commands(tmp_path) as (sandbox, process):
        sandbox.utopia.add_order(ORDER)
        first = process.run("orders", "submit", ORDER, "--json")
        again = process.run("orders", "submit", ORDER, "--json")
        calls = sum(sandbox.powercode.call_counts.values())

        assert printed(first)["state"] == "completed"
        assert "  create_customer: done" in first.stderr.splitlines()
        assert printed(again)["callbacks"] == []
        assert len(sandbox.powercode.customers) == 1
        assert len(sandbox.mailbox.messages) == 1
        assert calls == sum(sandbox.powercode.call_counts.values())
        assert "Traceback" not in first.stderr + again.stderr


@pytest.mark.sweep
def test_submitting_beside_a_running_service_follows_its_work(tmp_path: Path) -> None:
    with commands(tmp_path) as (sandbox, process):
        process.start()
        sandbox.utopia.add_order(ORDER)
        order = printed(process.run("orders", "submit", ORDER, "--json"))
        process.terminate()
        assert process.ended() == 0

    assert order["state"] == "completed"
    assert len(sandbox.powercode.customers) == 1


def test_submitting_without_waiting_leaves_the_work_to_the_service(service: Service) -> None:
    service.order()

    result = run(service, "orders", "submit", ORDER, "--no-wait")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{ORDER} is ")
    assert service.rested(ORDER)["state"] == "completed"


@pytest.mark.sweep
def test_an_order_that_needs_a_person_ends_with_its_reason_and_is_resumed_without_a_service(tmp_path: Path) -> None:
    with commands(tmp_path) as (sandbox, process):
        sandbox.utopia.add_order(ORDER, plan="2 Gbps")
        stopped = process.run("orders", "submit", ORDER)
        database = Database(process.settings.database_url)
        with database.write() as session:
            plan_table.map_plan(session, "2 Gbps", 164)
        database.dispose()
        order = printed(process.run("orders", "resume", ORDER, "--json"))

    assert stopped.returncode == 1
    error = stopped.stderr.splitlines()[-1]
    assert error.startswith(f"Error: {ORDER} needs you: ")
    assert "2 Gbps" in error
    assert order["state"] == "completed"
    assert [one["service_id"] for one in order["services"]] == [164, 172]


@pytest.mark.sweep
def test_an_order_that_waits_does_not_hold_up_the_command(tmp_path: Path) -> None:
    with commands(tmp_path, retry_minutes="30") as (sandbox, process):
        sandbox.utopia.add_order(ORDER)
        sandbox.utopia.down()
        result = process.run("orders", "submit", ORDER, "--json")

    assert result.returncode == 1
    order = json.loads(result.stdout)
    assert (order["state"], order["waiting_for"]) == ("waiting", "utopia")
    assert result.stderr.splitlines()[-1].startswith(f"Error: {ORDER} is waiting: ")


@pytest.mark.sweep
def test_a_mail_server_that_is_down_already_does_not_hold_up_the_command(tmp_path: Path) -> None:
    with commands(tmp_path, retry_minutes="30") as (sandbox, process):
        sandbox.mailbox.down()
        orders = []
        for number in (1, 2):
            sandbox.utopia.add_order(f"UIA-{number}", siteid=str(number), address=f"{number} LAKE ROAD")
            orders.append(printed(process.run("orders", "submit", f"UIA-{number}", "--json")))

    assert [order["state"] for order in orders] == ["completed", "completed"]
    assert [order["notices"][0]["state"] for order in orders] == ["pending", "pending"]


@pytest.mark.parametrize("orderref", ["", " ", "UIA 1", "a" * 65, "UIA\n1", "'; drop table orders"])
def test_what_is_no_order_reference_is_refused(service: Service, orderref: str) -> None:
    assert failed(run(service, "orders", "submit", orderref, "--no-wait")).startswith("An order reference is")


# orders resume and dismiss


@pytest.mark.long
def test_mapping_a_plan_finishes_every_order_that_waited_for_it(service: Service) -> None:
    for number in (1, 2):
        service.take(f"UIA-{number}", plan="2 Gbps", siteid=str(number), address=f"{number} LAKE ROAD")

    mapped = run(service, "plans", "map", "2 gbps", "164")

    assert "One of 2 orders goes first; the others follow it." in mapped.stdout
    assert [service.rested(f"UIA-{number}", "completed")["state"] for number in (1, 2)] == ["completed"] * 2


@pytest.mark.long
def test_an_order_is_resumed_with_a_customer_that_a_person_names(service: Service) -> None:
    service.take("UIA-1")
    assert service.take("UIA-2")["state"] == "exists"
    assert "--customer-id" in failed(run(service, "orders", "resume", "UIA-2", "--no-wait"))

    result = run(service, "orders", "resume", "UIA-2", "--customer-id", "1001", "--no-wait")

    assert result.exit_code == 0, result.stderr
    order = service.rested("UIA-2", "completed")
    assert order["customer_id"] == "1001"
    assert [decision["action"] for decision in order["decisions"]] == ["customer_id"]
    assert "command line" in order["decisions"][0]["made_by"]


def test_a_finished_order_cannot_be_resumed_or_dismissed(service: Service) -> None:
    service.take()

    assert failed(run(service, "orders", "resume", ORDER)) == f"{ORDER} is completed; there is nothing to resume"
    assert failed(run(service, "orders", "dismiss", ORDER, "--note", "x")).startswith(f"{ORDER} is completed")


def test_two_answers_at_once_are_refused(service: Service) -> None:
    service.take(plan="2 Gbps")

    both = run(service, "orders", "resume", ORDER, "--new-customer", "--it-is-there")

    assert failed(both) == "Give one answer only"


def test_a_customer_id_is_a_number(service: Service) -> None:
    service.take(plan="2 Gbps")

    result = run(service, "orders", "resume", ORDER, "--customer-id", "Ada")

    assert failed(result) == "A PowerCode customer id is a number"


def test_an_order_is_dismissed_with_a_note_that_is_kept(service: Service) -> None:
    service.take(plan="2 Gbps")

    assert failed(run(service, "orders", "dismiss", ORDER, "--note", " ")).startswith("The note is empty")
    assert run(service, "orders", "dismiss", ORDER).exit_code == 2
    result = run(service, "orders", "dismiss", ORDER, "--note", "Ordered by mistake")

    assert (result.exit_code, result.stdout) == (0, f"{ORDER} is closed.\n")
    order = service.show(ORDER)
    assert (order["state"], order["reason"]) == ("dismissed", "Ordered by mistake")
    assert [(one["action"], one["note"]) for one in order["decisions"]] == [("dismiss", "Ordered by mistake")]


def test_an_order_that_waits_can_be_dismissed(service: Service) -> None:
    later = now() + timedelta(minutes=50)
    service.take(plan="2 Gbps")
    waits = {"state": OrderState.WAITING, "waiting_for": "utopia", "next_try_at": later}
    service.execute(update(Order).values(**waits))

    assert run(service, "orders", "dismiss", ORDER, "--note", "Moved away").exit_code == 0

    assert (service.show(ORDER)["state"], service.show(ORDER)["next_try_at"]) == ("dismissed", None)
    assert service.rows(select(RemoteSystem).where(RemoteSystem.down_since.is_not(None))) == []
