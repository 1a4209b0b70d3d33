"""The alarms and the board's queries, asked of a real Prometheus that scrapes a real service."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from config import PROJECT
from sandbox import Sandbox
from sandbox.ports import bind
from tests.conftest import settings_for, wait_for
from tests.deploy.test_deploy_monitoring import RULES, board, rules
from tests.tools.processes import ServiceProcess

PROGRAM = shutil.which("prometheus")
pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(PROGRAM is None, reason="there is no prometheus (Debian: apt-get install prometheus)"),
]
CONFIGURED = {
    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
    "rule_files": [str(RULES)],
}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that has the alarms, and has scraped a service with an order."""
    folder = tmp_path_factory.mktemp("prometheus")
    with Sandbox() as sandbox, ServiceProcess(settings_for(sandbox, folder), folder) as service:
        service.start()
        assert service.post_callback("UIA202411-001186") == 200
        with bind("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
        with running(folder, port, service.url.removeprefix("http://")) as url:
            wait_for(lambda: ask(url, 'utopia_handler_database_up{job="utopia-handler"}'))
            yield url


class running:  # noqa: N801 - reads as a word
    """A Prometheus of its own during the block."""

    def __init__(self, folder: Path, port: int, target: str) -> None:
        job = {"job_name": "utopia-handler", "static_configs": [{"targets": [target]}]}
        (folder / "prometheus.yml").write_text(yaml.safe_dump({**CONFIGURED, "scrape_configs": [job]}))
        self._command = [
            str(PROGRAM),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        self._log = folder / "prometheus.log"
        self._url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> str:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=self._log.open("w"))
        wait_for(self._answers)
        return self._url

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return requests.get(f"{self._url}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False


def ask(url: str, query: str) -> list[Any]:
    """What a query finds; fails the test with Prometheus's own words where it can't be asked."""
    answer = requests.get(f"{url}/api/v1/query", params={"query": query}, timeout=10).json()
    assert answer["status"] == "success", (query, answer)
    found: list[Any] = answer["data"]["result"]
    return found


def queries() -> Iterator[tuple[str, str]]:
    """The board's queries by their panels, with its variables filled in."""
    for panel in board()["panels"]:
        for target in panel["targets"]:
            filled = target["expr"].replace("$job", "utopia-handler").replace("$__rate_interval", "1m")
            yield panel["title"], filled


SEEN_LATER = ("Digest completed", "Callbacks a minute", "Remote calls", "How long")
"""Panels that need a digest, or two scrapes of what was counted, before they show anything."""


def test_every_query_of_the_board_is_one_and_finds_what_there_is(prometheus: str) -> None:
    for title, query in queries():
        found = ask(prometheus, query)
        assert found or title.startswith(SEEN_LATER), (title, query)


def test_the_versions_panel_tells_version_and_commit_of_each_process(prometheus: str) -> None:
    (query,) = [query for title, query in queries() if title == "Versions"]

    (row,) = ask(prometheus, query)

    assert {"instance", "version", "commit"} == set(row["metric"])


def test_every_alarm_is_loaded_and_in_good_health(prometheus: str) -> None:
    def loaded() -> list[Any]:
        groups = requests.get(f"{prometheus}/api/v1/rules", timeout=10).json()["data"]["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        return found if all(rule["health"] == "ok" for rule in found) else []

    names = {rule["name"] for rule in wait_for(loaded)}

    assert names == {rule["alert"] for rule in rules()}


def test_a_digest_that_never_came_and_a_worker_are_alarms_of_their_own(tmp_path: Path) -> None:
    """By Prometheus's own tool, which makes the days pass."""
    tool = shutil.which("promtool")
    assert tool, "promtool comes with Prometheus"
    due = {"series": 'utopia_handler_digest_due_since_timestamp_seconds{job="utopia-handler"}', "values": "1+0x2600"}
    worker = {"series": 'up{job="utopia-handler",instance="127.0.0.1:5051"}', "values": "0+0x2600"}
    expected = [
        ("9d", "UtopiaHandlerDigestMissing", True),
        ("7d", "UtopiaHandlerDigestMissing", False),
        ("9d", "UtopiaHandlerWorkerDown", True),
        ("9d", "UtopiaHandlerDown", False),
    ]
    case = {
        "interval": "5m",
        "input_series": [due, worker],
        "promql_expr_test": [],
        "alert_rule_test": [fired(*each) for each in expected],
    }
    cases = {"rule_files": [str(RULES)], "evaluation_interval": "5m", "tests": [case]}
    (tmp_path / "case.json").write_text(json.dumps(cases))

    command = [tool, "test", "rules", "case.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def fired(when: str, name: str, does: bool) -> dict[str, Any]:
    (rule,) = [rule for rule in rules() if rule["alert"] == name]
    labels = {"job": "utopia-handler", **rule["labels"]}
    words = dict(rule["annotations"])
    if name == "UtopiaHandlerDigestMissing":
        words["summary"] = "No weekly digest was completed for 8d 23h 59m 59s"
    else:
        labels["instance"] = "127.0.0.1:5051"
        words["summary"] = words["summary"].replace("{{ $labels.instance }}", "127.0.0.1:5051")
    alerts = [{"exp_labels": labels, "exp_annotations": words}] if does else []
    return {"eval_time": when, "alertname": name, "exp_alerts": alerts}


def test_the_example_of_the_scrape_is_what_prometheus_takes(tmp_path: Path) -> None:
    lines = [line for line in RULES.read_text(encoding="utf-8").splitlines() if line.startswith("#   ")]
    written = "\n".join(line.removeprefix("#   ") for line in lines)
    assert yaml.safe_load(written)["scrape_configs"][0]["job_name"] == "utopia-handler"
    (tmp_path / "prometheus.yml").write_text(written.replace("/etc/prometheus/utopia-handler.yml", str(RULES)))

    tool = str(shutil.which("promtool"))
    subprocess.run([tool, "check", "config", tmp_path / "prometheus.yml"], check=True, cwd=PROJECT)
