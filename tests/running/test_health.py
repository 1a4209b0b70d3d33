"""What monitoring is told, also when things are broken."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from alembic import command
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from app import create_app
from app.models import Order, OrderState, now
from app.setup.settings_in_use import mark
from app.storage import migrate
from app.version import COMMIT, VERSION
from sandbox import Sandbox
from tests.conftest import Service, settings_for, wait_for
from tests.tools.processes import ServiceProcess

SECRETS = ["utopia-0001", "only-for-tests", "db-password-1"]


def ready(service: Service) -> tuple[int, Any]:
    answer = service.client.get("/readyz")
    assert [secret for secret in SECRETS if secret in answer.text] == []
    return answer.status_code, answer.json


def scraped(service: Service) -> dict[tuple[str, ...], float]:
    """The samples by name and label values, in the order of the labels' names."""
    answer = service.client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in families
        for each in family.samples
    }


@pytest.mark.sqlite
def test_a_process_that_lives_says_so_whatever_else_is_broken(idle: Service) -> None:
    idle.services.database.dispose()
    idle.services.database.path.unlink()

    answer = idle.client.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_a_running_service_is_ready(service: Service) -> None:
    assert ready(service) == (
        200,
        {
            "ready": True,
            "version": VERSION,
            "commit": COMMIT,
            "database": "ok",
            "executor": "running",
            "scheduler": "running",
            "backup": "none yet",
            "backup_made_at": None,
            "settings": "current",
            "settings_mark": mark(service.services.settings),
        },
    )


@pytest.mark.sweep
def test_a_service_that_stands_by_is_ready_too(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with ServiceProcess(settings, first) as executing, ServiceProcess(settings, second) as standby:
        executing.start()
        wait_for(lambda: read(executing)["executor"] == "running")
        standby.start()
        answer = read(standby)

    assert (answer["ready"], answer["executor"], answer["scheduler"]) == (True, "standby", "standby")


def read(process: ServiceProcess) -> dict[str, Any]:
    return requests.get(f"{process.url}/readyz", timeout=5).json()


def test_a_process_that_executes_nothing_is_not_ready(idle: Service) -> None:
    status, answer = ready(idle)
    assert (status, answer["ready"], answer["database"], answer["executor"]) == (503, False, "ok", "stopped")

    del idle.app.extensions["background"]
    status, answer = ready(idle)
    assert (status, answer["executor"], answer["scheduler"]) == (503, "not started", "not started")


@pytest.mark.sqlite
def test_a_database_whose_folder_is_gone_is_503_not_an_error_page(idle: Service) -> None:
    folder = idle.services.database.path.parent
    idle.services.database.dispose()
    folder.rename(folder.with_name("elsewhere"))

    status, answer = ready(idle)

    assert (status, answer["ready"], answer["database"]) == (503, False, "not available (OperationalError)")


@pytest.mark.sqlite
def test_a_database_file_deleted_under_the_process_is_not_called_ok(idle: Service) -> None:
    assert ready(idle)[1]["database"] == "ok"
    idle.services.database.path.unlink()

    assert ready(idle)[1]["database"] == "not available (FileNotFoundError)"


@pytest.mark.sqlite
def test_a_file_that_is_no_database_is_told(idle: Service) -> None:
    database = idle.services.database
    database.dispose()
    for path in database.path.parent.glob("handler.db*"):
        path.unlink()
    database.path.write_bytes(b"this is no database at all" * 500)

    assert ready(idle)[1]["database"] == "not available (DatabaseError)"


@pytest.mark.long
def test_a_database_server_that_is_down_is_503_without_its_address(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.webhook.down()  # a port where nothing listens
    url = f"postgresql://handler:db-password-1@127.0.0.1:{sandbox.webhook.port}/handler"
    app = create_app(settings_for(sandbox, tmp_path, database_url=url))
    answer = app.test_client().get("/readyz")

    assert (answer.status_code, answer.json["database"]) == (503, "not available (OperationalError)")
    assert "db-password-1" not in answer.text
    assert "127.0.0.1" not in answer.text


def test_an_old_database_names_the_command_that_upgrades_it(idle: Service) -> None:
    with idle.services.database.engine.connect() as connection:
        command.downgrade(migrate.alembic_config(connection), "base")
        connection.commit()

    status, answer = ready(idle)

    assert (status, answer["database"]) == (503, "needs `utopia-handler db upgrade`")


# Metrics


def test_callbacks_are_counted_by_outcome(idle: Service) -> None:
    idle.callback("UIA-1")
    idle.callback("UIA-1")
    idle.callback("UIA-1", "Project Update")
    idle.callback("UIA-1", "Test")
    idle.client.post("/api-callback", data=b"[]")

    counted = scraped(idle)

    outcomes = {key[1]: value for key, value in counted.items() if key[0] == "utopia_handler_callbacks_total"}
    assert outcomes == {"order": 1, "repeat": 1, "recorded": 1, "test": 1, "rejected": 1, "flood": 0, "not_stored": 0}
    assert counted["utopia_handler_orders", "received"] == 1
    assert counted["utopia_handler_database_up",] == 1


def test_orders_are_counted_by_state_those_without_any_too(service: Service) -> None:
    service.take("UIA-1")
    service.take("UIA-2", plan="Unheard-of plan", siteid="4711", firstname="Bo", lastname="Berg")
    service.callback("UIA-3")
    service.rested("UIA-3")

    counted = scraped(service)

    orders = {key[1]: value for key, value in counted.items() if key[0] == "utopia_handler_orders"}
    assert orders == {**dict.fromkeys(OrderState, 0), "completed": 1, "needs_review": 1, "not_ours": 1}
    assert counted["utopia_handler_oldest_waiting_order_seconds",] == 0


def test_remote_calls_are_counted_with_their_durations(service: Service) -> None:
    def seen() -> list[float]:
        counted = scraped(service)
        total, seconds = "utopia_handler_remote_calls_total", "utopia_handler_remote_call_seconds_count"
        keys = [
            (total, "contractlookup", "ok", "utopia"),
            (total, "contractlookup", "not_ours", "utopia"),
            (total, "createCustomer", "ok", "powercode"),
            (seconds, "contractlookup", "utopia"),
        ]
        return [counted.get(key, 0) for key in keys]

    before = seen()

    service.take("UIA-1")
    service.callback("UIA-2")
    service.rested("UIA-2")

    assert [after - then for after, then in zip(seen(), before, strict=True)] == [1, 1, 1, 2]


def test_a_refused_call_is_counted_as_refused(service: Service) -> None:
    key = ("utopia_handler_remote_calls_total", "createCustomer", "refused", "powercode")
    before = scraped(service).get(key, 0)
    service.sandbox.powercode.fault("createCustomer", "status_code", status_code=7, message="Invalid")

    assert service.take()["state"] == "needs_review"

    assert scraped(service)[key] == before + 1


def test_the_order_that_waits_longest_is_shown_with_its_age(idle: Service) -> None:
    idle.callback("UIA-1")
    idle.callback("UIA-2")
    with idle.services.database.write() as session:
        for orderref, hours in (("UIA-1", 2), ("UIA-2", 1)):
            since = now() - timedelta(hours=hours)
            waits = {"state": OrderState.WAITING, "waiting_since": since, "next_try_at": now() + timedelta(hours=1)}
            session.execute(update(Order).filter_by(orderref=orderref).values(**waits))

    counted = scraped(idle)

    assert 7200 <= counted["utopia_handler_oldest_waiting_order_seconds",] < 7300
    assert counted["utopia_handler_orders", "waiting"] == 2


@pytest.mark.sqlite
def test_metrics_without_a_database_still_show_what_was_counted(idle: Service) -> None:
    idle.callback("UIA-1")
    database = idle.services.database
    database.dispose()
    for path in database.path.parent.glob("handler.db*"):
        path.unlink()

    counted = scraped(idle)

    assert counted["utopia_handler_callbacks_total", "order"] == 1
    assert counted["utopia_handler_database_up",] == 0
    assert counted["utopia_handler_build_info", COMMIT or "unknown", VERSION] == 1


def test_metrics_name_no_customer_and_no_order(service: Service) -> None:
    service.take("UIA202411-001186", firstname="Zaphira")

    text = service.client.get("/metrics").text

    assert "UIA202411" not in text
    assert "Zaphira" not in text
