"""The runbook's words on a page."""

import pytest

from app.provisioning.causes.cause import EXISTS
from app.provisioning.problems import PROBLEMS
from app.wording.docs_sections import section


@pytest.mark.parametrize("heading", sorted({each.section for each in (*PROBLEMS.values(), EXISTS)}))
def test_every_problem_s_section_of_the_runbook_can_be_shown(heading: str) -> None:
    words = section("runbook.md", heading)

    assert words.startswith("<p>")
    assert not {"**", "](", "`"} & set(words.split())


def test_a_section_that_is_not_there_shows_nothing() -> None:
    assert section("runbook.md", "Not there") == section("not-there.md", "Not there") == ""
