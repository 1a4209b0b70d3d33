"""What Prometheus reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.observability.metrics import Metrics, Snapshot

ROOT = Path(__file__).resolve().parents[2]


def lines(metrics: Metrics, snapshot: Snapshot | None = None) -> list[str]:
    body, _ = metrics.render(lambda: snapshot or Snapshot())
    return [line for line in body.decode().splitlines() if not line.startswith("#")]


def test_callbacks_are_counted_by_outcome() -> None:
    metrics = Metrics()
    metrics.callback("order")
    metrics.callback("order")
    metrics.callback("repeat")
    assert 'utopia_handler_callbacks_total{outcome="order"} 2.0' in lines(metrics)
    assert 'utopia_handler_callbacks_total{outcome="repeat"} 1.0' in lines(metrics)


def test_a_remote_call_is_counted_and_timed() -> None:
    metrics = Metrics()
    metrics.remote_call("powercode", "createCustomer", "unknown", 0.7)
    shown = lines(metrics)
    where = 'action="createCustomer"'
    assert f'utopia_handler_remote_calls_total{{{where},outcome="unknown",system="powercode"}} 1.0' in shown
    assert f'utopia_handler_remote_call_seconds_bucket{{{where},le="0.5",system="powercode"}} 0.0' in shown
    assert f'utopia_handler_remote_call_seconds_bucket{{{where},le="1.0",system="powercode"}} 1.0' in shown
    assert f'utopia_handler_remote_call_seconds_sum{{{where},system="powercode"}} 0.7' in shown


def test_what_comes_from_outside_makes_no_new_series() -> None:
    metrics = Metrics()
    for number in range(50):
        metrics.callback(f"made up {number}")
    shown = lines(metrics, Snapshot(orders={"made up": 2, "also made up": 3}))
    assert 'utopia_handler_callbacks_total{outcome="other"} 50.0' in shown
    assert 'utopia_handler_orders{state="other"} 5.0' in shown
    assert "made up" not in "".join(shown)


def test_the_database_is_read_at_each_scrape_and_not_before() -> None:
    read = []

    def snapshot() -> Snapshot:
        read.append(1)
        return Snapshot(orders={"waiting": len(read)}, oldest_waiting_seconds=61.5, notices={"sent": 4})

    metrics = Metrics()
    assert read == []
    metrics.render(snapshot)
    shown = metrics.render(snapshot)[0].decode().splitlines()
    assert 'utopia_handler_orders{state="waiting"} 2.0' in shown
    assert "utopia_handler_oldest_waiting_order_seconds 61.5" in shown
    assert 'utopia_handler_notices{state="sent"} 4.0' in shown
    assert "utopia_handler_database_up 1.0" in shown


def test_a_state_without_orders_shows_a_zero_and_not_a_gap() -> None:
    shown = lines(Metrics())
    assert 'utopia_handler_orders{state="needs_review"} 0.0' in shown
    assert "utopia_handler_oldest_waiting_order_seconds 0.0" in shown


def test_a_database_that_is_down_leaves_the_other_numbers_readable(caplog: pytest.LogCaptureFixture) -> None:
    def snapshot() -> Snapshot:
        raise RuntimeError("could not connect as handler:pw")

    metrics = Metrics()
    metrics.callback("order")
    shown = metrics.render(snapshot)[0].decode()
    assert 'utopia_handler_callbacks_total{outcome="order"} 1.0' in shown
    assert "utopia_handler_database_up 0.0" in shown
    assert "utopia_handler_orders" not in shown
    assert "handler:pw" not in caplog.text


def test_the_version_and_the_content_type_are_shown() -> None:
    body, content_type = Metrics(version="1.4.0", commit="deece5e").render(Snapshot)
    assert b'utopia_handler_build_info{commit="deece5e",version="1.4.0"} 1.0' in body
    assert content_type.startswith("text/plain; version=")


def test_two_objects_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.callback("test")
    assert 'utopia_handler_callbacks_total{outcome="test"} 0.0' in lines(other)


def test_an_outcome_that_never_was_is_a_zero_so_that_its_first_time_is_an_increase() -> None:
    assert 'utopia_handler_callbacks_total{outcome="not_stored"} 0.0' in lines(Metrics())


WORKERS = """
import os
from app.observability.metrics import Metrics, Snapshot

metrics = Metrics(version="9")
def work():
    metrics.callback("order")
    metrics.remote_call("utopia", "orders", "ok", 0.3)

for _ in range(2):
    if not (worker := os.fork()):
        work()
        os._exit(0)
    os.waitpid(worker, 0)
work()
print(metrics.render(lambda: Snapshot(orders={"waiting": 7}))[0].decode())
"""


@pytest.fixture(scope="module")
def scrape_of_one_of_three_workers(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("metrics") / "not made yet"
    done = subprocess.run(
        [sys.executable, "-c", WORKERS],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.sweep
def test_one_worker_answers_for_all(scrape_of_one_of_three_workers: list[str]) -> None:
    shown = scrape_of_one_of_three_workers
    assert 'utopia_handler_callbacks_total{outcome="order"} 3.0' in shown
    assert 'utopia_handler_remote_call_seconds_count{action="orders",system="utopia"} 3.0' in shown


@pytest.mark.long
def test_the_databases_numbers_are_shown_once_with_several_workers(scrape_of_one_of_three_workers: list[str]) -> None:
    shown = scrape_of_one_of_three_workers
    assert [line for line in shown if line.startswith('utopia_handler_orders{state="waiting"')] == [
        'utopia_handler_orders{state="waiting"} 7.0'
    ]
    assert shown.count('utopia_handler_build_info{commit="unknown",version="9"} 1.0') == 1
