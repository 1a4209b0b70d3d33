"""Versions of the texts: each state of a file is kept, also those that somebody else made."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import AuditEntry
from app.storage.database import Database
from app.texts import edits, text_files, versions
from app.texts.text_files import ChangedMeanwhile, TextFile, TextNotSaved
from tests.conftest import Service

NAME = "new_desc.txt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / NAME).write_text("one\n")
    return tmp_path


@pytest.fixture
def database(service: Service) -> Database:
    return service.services.database


def save(database: Database, folder: Path, text: str, by: str = "alice") -> TextFile:
    expected = text_files.read(folder, NAME).fingerprint
    return edits.save(database, folder, NAME, text, expected=expected, by=by, action=edits.SAVED)


def kept(database: Database) -> list[tuple[str, str | None]]:
    with database.read() as session:
        return [(version.text, version.saved_by) for version in reversed(versions.history(session, NAME, 100))]


def test_what_was_found_in_the_folder_has_the_time_of_its_file(database: Database, folder: Path) -> None:
    os.utime(folder / NAME, (1_795_000_000, 1_795_000_000))
    versions.see(database, [text_files.read(folder, NAME)])

    with database.read() as session:
        (version,) = versions.history(session, NAME, 100)
    assert version.seen_at.timestamp() == 1_795_000_000


def test_the_text_before_the_first_save_is_kept(database: Database, folder: Path) -> None:
    save(database, folder, "two\n")
    assert kept(database) == [("one\n", None), ("two\n", "alice")]


def test_a_change_from_outside_is_kept_when_it_is_seen_and_once(database: Database, folder: Path) -> None:
    save(database, folder, "two\n")
    (folder / NAME).write_text("git\n")
    for _ in range(3):
        versions.see(database, [text_files.read(folder, NAME)])
    save(database, folder, "three\n", by="bob")
    assert [text for text, _ in kept(database)] == ["one\n", "two\n", "git\n", "three\n"]


def test_what_somebody_else_wrote_meanwhile_is_kept_and_not_replaced(database: Database, folder: Path) -> None:
    expected = text_files.read(folder, NAME).fingerprint
    (folder / NAME).write_text("git\n")
    with pytest.raises(ChangedMeanwhile):
        edits.save(database, folder, NAME, "mine\n", expected=expected, by="alice", action=edits.SAVED)
    assert kept(database) == [("git\n", None)]


def test_a_text_with_faults_is_not_saved(database: Database, folder: Path) -> None:
    with pytest.raises(TextNotSaved, match="faults"):
        save(database, folder, "Hello {firstname}\n")
    assert (folder / NAME).read_text() == "one\n"


def test_a_save_is_in_the_audit(database: Database, folder: Path) -> None:
    save(database, folder, "two\n")
    with database.read() as session:
        (entry,) = session.query(AuditEntry).all()
    assert (entry.made_by, entry.action, entry.subject) == ("alice", "changed", f"text {NAME}")


def test_a_copy_takes_no_name_that_is_in_use(database: Database, folder: Path) -> None:
    edits.create(database, folder, "winter.txt", copy_of=NAME, by="alice")
    assert (folder / "winter.txt").read_text() == "one\n"
    with pytest.raises(TextNotSaved, match="already"):
        edits.create(database, folder, "winter.txt", copy_of=NAME, by="alice")


texts = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12).map("\n".join)


@given(texts, texts)
def test_a_comparison_tells_every_line_that_went_or_came(old: str, new: str) -> None:
    lines = versions.compare(old, new)
    removed = [line for line in lines if line.what == "removed"]
    added = [line for line in lines if line.what == "added"]
    assert (lines == []) == (old == new)
    assert all(old.split("\n")[line.number - 1] == line.text for line in removed)
    assert all(new.split("\n")[line.number - 1] == line.text for line in added)
    assert len(new.split("\n")) - len(old.split("\n")) == len(added) - len(removed)
