"""The alarms for Prometheus and the board for Grafana ask only for what /metrics has."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.digest import ledger
from app.models import AlertKind, CallbackOutcome, DigestRun, LastBackup, Notice, OrderState, RunState, System, now
from app.observability.metrics import CONTRACT_NOT_READY, NOTICE_STATES
from app.running.snapshot import snapshot
from config import PROJECT
from powercode import NeverArrived, OutcomeUnknown, Refused
from tests.conftest import Service

RULES = PROJECT / "deploy" / "prometheus" / "rules.yml"
BOARD = PROJECT / "deploy" / "grafana" / "dashboard.json"
METRIC = re.compile(r"\butopia_handler_\w+")
SELECTED = re.compile(r"(utopia_handler_\w+)\{([^}]*)\}")
LABEL = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
FROM_PROMETHEUS = {"job", "instance"}
GROUPED_BY = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BOARD.read_text(encoding="utf-8"))
    return found


def expressions() -> Iterator[str]:
    for rule in rules():
        yield rule["expr"]
    for panel in board()["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


@pytest.fixture
def samples(service: Service) -> dict[str, list[dict[str, str]]]:
    """The labels of every sample, by name, after an order and a digest."""
    service.take()
    with service.services.database.write() as session:
        run = {"key": "k", "iso_week": "2026-W47", "started_by": "schedule", "source": "file:/r.csv"}
        session.add(DigestRun(**run, state=RunState.COMPLETED, finished_at=now()))
        session.merge(LastBackup(id=1, watched_since=now(), made_at=now()))
        ledger.schedule_kept_since(session, service.services.settings.digest_schedule)
    with service.changed(report_source="file:/r.csv"):
        body, _ = service.services.metrics.render(lambda: snapshot(service.services))
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def test_every_metric_that_is_asked_for_exists(samples: dict[str, list[dict[str, str]]]) -> None:
    asked = {name for expression in expressions() for name in METRIC.findall(expression)}

    assert asked - set(samples) == set()
    assert len(asked) > 10


def test_every_label_that_is_asked_for_exists(samples: dict[str, list[dict[str, str]]]) -> None:
    for expression in expressions():
        names = METRIC.findall(expression)
        known = {label for name in names for labels in samples[name] for label in labels} | FROM_PROMETHEUS
        for name, selector in SELECTED.findall(expression):
            assert {label for label, _, _ in LABEL.findall(selector)} <= known, (name, selector)
        for grouped in GROUPED_BY.findall(expression):
            assert {label.strip() for label in grouped.split(",") if label.strip()} <= known, expression


def test_every_value_of_a_label_that_is_asked_for_can_occur() -> None:
    known = {
        "outcome": {*CallbackOutcome} | {NeverArrived.outcome, OutcomeUnknown.outcome, Refused.outcome},
        "state": {*OrderState} | NOTICE_STATES,
        "kind": {*AlertKind},
        "system": {*System},
    }
    for expression in expressions():
        for _, selector in SELECTED.findall(expression):
            for label, _, values in LABEL.findall(selector):
                if label in known:
                    assert set(values.split("|")) <= known[label], (label, values)


def test_every_alarm_has_a_name_of_its_own_a_severity_and_a_sentence() -> None:
    names = [rule["alert"] for rule in rules()]

    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))


def test_every_alarm_leads_to_its_section() -> None:
    page = (PROJECT / "docs" / "alerts.md").read_text(encoding="utf-8")
    titles = re.findall(r"^##+ (.+)$", page, re.MULTILINE)
    sections = {re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-") for title in titles}

    for rule in rules():
        place, _, section = rule["annotations"]["runbook_url"].partition("#")
        assert place.endswith("/docs/alerts.md")
        assert section in sections


def test_a_contract_that_is_not_ready_is_no_mail_that_was_not_sent(service: Service) -> None:
    due = now() + timedelta(hours=1)
    service.add(Notice(key="contract:A", kind="contract", waiting_for="contract", next_try_at=due))
    service.add(Notice(key="test:B", kind="test_callback", waiting_for="mail", next_try_at=due))

    found = snapshot(service.services).notices

    assert (found["pending"], found[CONTRACT_NOT_READY]) == (1, 1)


def test_every_expression_closes_what_it_opens() -> None:
    for expression in expressions():
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), expression
        assert expression.count('"') % 2 == 0, expression


def test_panels_of_the_board_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in board()["panels"]}) == len(board()["panels"])


def test_alerts_are_counted_by_kind_and_each_kind_has_a_number(samples: dict[str, list[dict[str, str]]]) -> None:
    assert {labels["kind"] for labels in samples["utopia_handler_alerts"]} == set(AlertKind)


@pytest.mark.sqlite
def test_the_disks_of_database_and_log_are_shown(samples: dict[str, list[dict[str, str]]]) -> None:
    assert {labels["folder"] for labels in samples["utopia_handler_disk_free_bytes"]} == {"database", "log"}


def test_every_alarm_is_explained() -> None:
    words = (PROJECT / "docs" / "alerts.md").read_text(encoding="utf-8")

    assert [rule["alert"] for rule in rules() if rule["alert"] not in words] == []
