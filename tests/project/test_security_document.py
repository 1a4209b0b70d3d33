"""docs/security.md claims nothing that no test proves: every test that it names is there."""

import re

from config import PROJECT

NAMED = re.compile(r"`(test_\w+)`")
DEFINED = re.compile(r"^ *def (test_\w+)\(", re.MULTILINE)


def test_every_test_that_the_document_names_is_there() -> None:
    named = set(NAMED.findall((PROJECT / "docs" / "security.md").read_text()))
    defined = {name for path in (PROJECT / "tests").rglob("*.py") for name in DEFINED.findall(path.read_text())}

    assert len(named) > 30
    assert named - defined == set()


def test_every_attack_has_a_test() -> None:
    _, *sections = re.split(r"^## ", (PROJECT / "docs" / "security.md").read_text(), flags=re.MULTILINE)

    assert [section.partition("\n")[0] for section in sections if not NAMED.search(section)] == []
