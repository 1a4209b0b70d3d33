"""A shell block of the pages is run by a test as it is written; what stands behind a prompt is an example."""

import re
import shlex
from collections.abc import Iterator

import pytest
from click import Command

from config import PROJECT
from tests.project.test_documents import cli, options_of  # noqa: F401 - a fixture
from tests.tools.pages import PAGES, Block, blocks

BACKUP = "tests/safekeeping/test_second_machine.py"
SWITCHING = "tests/setup/legacy/test_switching.py"
RUN_BY = {
    ("docs/install.md", "1. Install"): BACKUP,
    ("docs/backup.md", "A backup every night"): BACKUP,
    ("docs/backup.md", "On a new machine"): BACKUP,
    ("docs/backup.md", "PostgreSQL"): BACKUP,
    ("docs/deploying.md", "Setting it up"): BACKUP,
    ("docs/deploying.md", "When the units change"): BACKUP,
    ("docs/switching.md", "Before the day"): SWITCHING,
    ("docs/switching.md", "The day"): SWITCHING,
    ("docs/switching.md", "The way back"): SWITCHING,
}
"""The test that follows the blocks under a heading of a page."""
SHELL, EXAMPLE, PICTURE = "sh", "console", "text"
PROGRAM = "python"
"""The receiver of docs/events.md, which tests/outgoing/test_events.py runs as it is written."""
OTHER_PROGRAMS = {"cd", "curl", "git", "openssl"}
ALL = [block for page in PAGES for block in blocks(page)]


def of(language: str) -> list[object]:
    """The blocks of a kind, by their places."""
    found = [block for block in ALL if block.language == language]
    return [pytest.param(block, id=f"{block.page.name}: {block.heading}") for block in found]


def examples(block: Block) -> Iterator[list[str]]:
    """The commands behind the prompts of a block, each as its words."""
    for line in re.findall(r"^(?:\$|#) (.+)$", block.text, re.MULTILINE):
        for command in re.split(r" (?:\||&&) ", line):
            yield shlex.split(command.removeprefix("sudo "), comments=True)


def test_every_block_says_what_it_is() -> None:
    assert {block.language for block in ALL} == {SHELL, EXAMPLE, PICTURE, PROGRAM}


@pytest.mark.parametrize("block", of(SHELL))
def test_a_shell_block_is_followed_by_a_test(block: Block) -> None:
    name = str(block.page.relative_to(PROJECT))
    if name == "README.md":  # its own are those of the page on installing, and the demo
        elsewhere = [other.text for other in ALL if (other.page.name, other.heading) == ("install.md", "1. Install")]
        assert block.text in elsewhere or block.text.splitlines()[1:] == ["make demo"]
        return
    test = (PROJECT / RUN_BY[name, block.heading]).read_text(encoding="utf-8")
    assert f'"{name}"' in test
    assert f'"{block.heading}"' in test


@pytest.mark.parametrize("block", of(EXAMPLE))
def test_an_example_names_commands_and_options_that_there_are(block: Block, cli: dict[str, Command]) -> None:  # noqa: F811
    for program, *words in examples(block):
        if program == "utopia-handler":
            command = cli[" ".join(words[:2])]
            assert {word for word in words if word.startswith("--")} <= options_of(command), words
        elif program.startswith("/opt/utopia-handler/"):
            script = PROJECT / program.removeprefix("/opt/utopia-handler/")
            assert script.stat().st_mode & 0o100, program
        else:
            assert program in OTHER_PROGRAMS, program


def test_tasks_that_the_pages_name_are_in_the_makefile() -> None:
    tasks = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        for task in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert task in tasks, (page.name, task)
