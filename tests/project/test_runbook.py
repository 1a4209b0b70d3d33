"""Whoever gets a mail, or finds a word in an order, finds it in the runbook."""

import re

import pytest

from app.models import NoticeKind
from app.provisioning import matching
from config import PROJECT

RUNBOOK = (PROJECT / "docs" / "runbook.md").read_text(encoding="utf-8")
TABLE = RUNBOOK.partition("\n## ")[0]
STOPS = re.compile(r'NeedsReview\(\s*"([a-z_]+)"')
IN_THE_CODE = {
    problem for path in (PROJECT / "app").rglob("*.py") for problem in STOPS.findall(path.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if kind != NoticeKind.NEEDS_YOU])
def test_every_mail_is_in_the_runbook(kind: NoticeKind) -> None:
    assert f"`{kind}`" in TABLE


@pytest.mark.parametrize("problem", sorted(IN_THE_CODE | set(matching.Problem)))
def test_every_reason_to_stop_is_in_the_runbook(problem: str) -> None:
    assert f"`{problem}`" in TABLE
