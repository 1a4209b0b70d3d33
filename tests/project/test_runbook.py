"""Whoever gets a mail, or finds a word in an order, finds it in the runbook."""

import re
from collections.abc import Mapping

import pytest

from app.models import NoticeKind, OrderState
from app.provisioning.problems import PROBLEMS
from config import PROJECT

RUNBOOK = (PROJECT / "docs" / "runbook.md").read_text(encoding="utf-8")
TABLE = RUNBOOK.partition("\n## ")[0]
ROWS = re.findall(r"^\| (.+?) \| \[.+?\]\((.*?)\) \|$", TABLE, re.M)
SECTION_OF: Mapping[str, str] = {word: where for words, where in ROWS for word in re.findall(r"`([a-z_]+)`", words)}
SECTIONS = {
    re.sub(r"[^a-z0-9 -]", "", name.lower()).replace(" ", "-") for name in re.findall(r"^##+ (.+)$", RUNBOOK, re.M)
}


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if kind != NoticeKind.NEEDS_YOU])
def test_every_mail_is_in_the_runbook(kind: NoticeKind) -> None:
    assert f"`{kind}`" in TABLE


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_reason_to_stop_leads_to_its_section_of_the_runbook(code: str) -> None:
    assert SECTION_OF[code] == f"#{PROBLEMS[code].anchor}"


def test_the_runbook_explains_no_word_that_there_is_not() -> None:
    assert set(SECTION_OF) <= {*PROBLEMS, *NoticeKind, *OrderState}


def test_the_runbook_leads_to_sections_that_there_are() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK)) <= SECTIONS
