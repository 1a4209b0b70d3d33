"""The dependency audit: a finding fails the build; a service that can't be asked does not, and is told."""

import importlib.util
import json
import sys
from datetime import date
from types import ModuleType
from typing import Any

import pytest

from config import PROJECT

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", PROJECT / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


SOUND = {"name": "flask", "version": "3.1.0", "vulns": []}
SKIPPED = {"name": "flask", "skip_reason": "Dependency not found"}
HIT = {
    "name": "requests",
    "version": "2.19.0",
    "vulns": [{"id": "PYSEC-2018-28", "aliases": ["CVE-2018-18074"], "fix_versions": ["2.20.0"]}],
}


def said(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_a_finding_fails_the_build_and_says_what_to_do(audit: ModuleType) -> None:
    verdict = audit.judge(said(SOUND, HIT), "", {}, TODAY)

    assert verdict.fails
    assert verdict.lines[0] == "requests 2.19.0: PYSEC-2018-28 CVE-2018-18074 (fixed in 2.20.0)"


@pytest.mark.parametrize("named", ["PYSEC-2018-28", "CVE-2018-18074"])
def test_what_was_accepted_does_not_fail_until_its_day(audit: ModuleType, named: str) -> None:
    allowed = audit.accepted(f'[[accepted]]\nid = "{named}"\nreason = "not used"\nuntil = 2026-11-22\n')

    assert not audit.judge(said(HIT), "", allowed, TODAY).fails
    assert audit.judge(said(HIT), "", allowed, date(2026, 11, 23)).fails


@pytest.mark.parametrize(
    ("report", "errors"),
    [("", "requests.exceptions.ProxyError: Max retries exceeded"), ("", "timed out"), (said(SKIPPED), "")],
)
def test_where_nobody_can_be_asked_the_build_goes_on_and_says_that_nothing_was_audited(
    audit: ModuleType, report: str, errors: str
) -> None:
    verdict = audit.judge(report, errors, {}, TODAY)

    assert not verdict.fails
    assert verdict.lines[0].startswith("NOT AUDITED")


def test_a_tool_that_fails_otherwise_fails_the_build(audit: ModuleType) -> None:
    assert audit.judge("", "ERROR: requirements.txt: no such file", {}, TODAY).fails
    assert audit.judge("", "", {}, TODAY).fails


def test_packages_that_the_service_does_not_know_are_named(audit: ModuleType) -> None:
    verdict = audit.judge(said(SOUND, SKIPPED | {"name": "ours"}), "", {}, TODAY)

    assert not verdict.fails
    assert verdict.lines == ["not known to the service: ours", "1 packages audited: 0 open findings, 0 accepted"]


def test_each_accepted_vulnerability_has_a_reason_and_a_day(audit: ModuleType) -> None:
    for one in audit.accepted(audit.ACCEPTED.read_text()).values():
        assert one.reason
        assert isinstance(one.until, date)
