"""The old script's ticket texts."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.setup.legacy import old_texts as texts_taken
from app.texts import text_files, versions
from config import PROJECT
from tests.conftest import Service
from tests.setup.legacy import old_folder
from tests.setup.legacy.reports import imported, report
from tests.tools.command_runs import ORDER, failed


@pytest.fixture
def texts(service: Service, tmp_path: Path) -> Iterator[Path]:
    """The texts here, in a folder of the test's own."""
    folder = tmp_path / "texts here"
    shutil.copytree(PROJECT / "ticket_descriptions", folder)
    with service.changed(ticket_template_dir=folder):
        yield folder


def test_the_old_texts_come_with_their_titles_and_what_they_replace_is_kept(service: Service, texts: Path) -> None:
    shipped = (texts / "new_desc.txt").read_text()
    old = old_folder.make(texts.parent / "old", {}, failed_orders={}, users=[])

    said = report(service, old)["ticket_descriptions/"]

    assert said == [("moved.txt", "taken"), ("new_desc.txt", "taken")]
    assert (texts / "new_desc.txt").read_text() == old_folder.TEXT
    assert text_files.title(texts, "new_desc.txt") == "Welcome to fiber"
    kept = service.read(versions.history, "new_desc.txt", 9)
    assert [version.text for version in kept] == [old_folder.TEXT, shipped]
    assert service.take(ORDER)["state"] == "completed"
    (ticket,) = service.sandbox.powercode.tickets.values()
    assert "<p>Hello Ada Lind,</p>" in ticket.fields["description"]


def test_a_text_that_was_changed_since_is_not_replaced_again(service: Service, texts: Path) -> None:
    old = old_folder.make(texts.parent / "old", {}, failed_orders={}, users=[])
    report(service, old)
    (texts / "new_desc.txt").write_text("Hello {first_name}, better now.\n")

    said = report(service, old)["ticket_descriptions/"]

    assert said == [("moved.txt", "here already"), ("new_desc.txt", "here already")]
    assert (texts / "new_desc.txt").read_text() == "Hello {first_name}, better now.\n"


def test_a_text_that_can_not_be_used_stays_away_and_is_named_with_its_line(service: Service, texts: Path) -> None:
    old = old_folder.make(texts.parent / "old", {}, failed_orders={}, users=[])
    (old / "ticket_descriptions" / "new_desc.txt").write_text("Hello\n{customer}\n")
    (old / "ticket_descriptions" / "Überraschung.txt").write_text("Hello\n")
    (old / "ticket_descriptions" / "latin.txt").write_bytes(b"Gr\xfc\xdfe")
    before = (texts / "new_desc.txt").read_text()

    result = imported(service, old)

    assert "3 of what is in" in failed(result)
    assert "line 2: unknown placeholder {customer}" in result.stdout
    assert (texts / "new_desc.txt").read_text() == before
    assert {file.name for file in texts.glob("*.txt")} == {"digest.txt", "moved.txt", "new_desc.txt"}


def test_a_text_comes_without_what_a_ticket_can_not_hold_and_that_is_told(service: Service, texts: Path) -> None:
    old = old_folder.make(texts.parent / "old", {}, failed_orders={}, users=[])
    styled = "<p style='color: red'>Hello <font>{customer_name}</font></p>\n"
    (old / "ticket_descriptions" / "new_desc.txt").write_text(styled)

    result = imported(service, old)

    assert result.exit_code == 0, result.stderr
    assert "line 1: the attribute style is not allowed on <p>" in result.stdout
    assert (texts / "new_desc.txt").read_text() == "<p>Hello {customer_name}</p>\n"
    assert dict(report(service, old)["ticket_descriptions/"])["new_desc.txt"] == "here already"


@pytest.mark.parametrize("named", ["ticket_descriptions", "../elsewhere", "{tmp}/elsewhere", "/nowhere/elsewhere"])
def test_the_texts_are_where_the_old_settings_say(tmp_path: Path, named: str) -> None:
    (tmp_path / "old" / "ticket_descriptions").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "old" / "elsewhere").mkdir()

    found = texts_taken.folder_of(tmp_path / "old", named.format(tmp=tmp_path)).resolve()

    expected = {"ticket_descriptions": "old/ticket_descriptions", "../elsewhere": "elsewhere"}
    assert found == tmp_path / expected.get(named, "old/elsewhere")
