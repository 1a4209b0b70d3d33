"""The folder with the texts: only its own files are touched, and a save is whole or not at all."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.texts import text_files
from app.texts.text_files import ABSENT, ChangedMeanwhile, TextNotSaved, TextUnreadable

HELLO = "Hello {first_name}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "new_desc.txt").write_text(HELLO)
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "/etc/passwd",
        ".hidden.txt",
        "a/b.txt",
        "a\\b.txt",
        "x.html",
        "x.txt\n",
        "",
        "..",
        "x.txt\0.txt",
    ],
)
def test_a_name_that_leads_elsewhere_is_no_text(folder: Path, name: str) -> None:
    (folder.parent / "secret.txt").write_text("secret")

    assert text_files.read(folder, name) is None
    with pytest.raises(TextNotSaved, match="name can't be used"):
        text_files.write(folder, name, "x", ABSENT)


@given(st.text())
def test_no_name_that_is_taken_has_a_folder_in_it_or_is_hidden(name: str) -> None:
    if text_files.is_name(name):
        assert Path(name).name == name
        assert not name.startswith(".")


def test_hidden_files_folders_and_others_are_not_listed(folder: Path) -> None:
    for name in (".new_desc.txt.swp", "notes.md", ".secret.txt", "digest.html"):
        (folder / name).write_text("x")
    (folder / "old.txt").mkdir()

    assert text_files.names(folder) == ["digest.html", "new_desc.txt"]


def test_a_link_out_of_the_folder_is_neither_read_nor_written_through(folder: Path) -> None:
    secret = folder.parent / "secret.txt"
    secret.write_text("secret")
    (folder / "link.txt").symlink_to(secret)

    with pytest.raises(TextUnreadable, match="link"):
        text_files.read(folder, "link.txt")
    with pytest.raises(TextNotSaved):
        text_files.write(folder, "link.txt", "x", ABSENT)
    assert secret.read_text() == "secret"


def test_a_pipe_holds_up_nobody(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    with pytest.raises(TextUnreadable, match="not a file"):
        text_files.read(folder, "pipe.txt")


def test_a_save_keeps_the_mode_and_leaves_nothing_else_behind(folder: Path) -> None:
    (folder / "new_desc.txt").chmod(0o640)
    before = text_files.read(folder, "new_desc.txt")

    saved = text_files.write(folder, "new_desc.txt", "Dear {first_name}\r\nbye\r\n", before.fingerprint)

    assert (folder / "new_desc.txt").read_bytes() == b"Dear {first_name}\nbye\n"
    assert stat.S_IMODE((folder / "new_desc.txt").stat().st_mode) == 0o640
    assert [path.name for path in folder.iterdir()] == ["new_desc.txt"]
    assert text_files.read(folder, "new_desc.txt") == saved


def test_a_file_that_changed_meanwhile_is_not_overwritten(folder: Path) -> None:
    before = text_files.read(folder, "new_desc.txt")
    (folder / "new_desc.txt").write_text("git was here\n")

    with pytest.raises(ChangedMeanwhile) as caught:
        text_files.write(folder, "new_desc.txt", "mine\n", before.fingerprint)

    assert caught.value.now.text == "git was here\n"
    assert (folder / "new_desc.txt").read_text() == "git was here\n"


def test_a_file_that_was_deleted_meanwhile_is_not_made_again_unasked(folder: Path) -> None:
    before = text_files.read(folder, "new_desc.txt")
    (folder / "new_desc.txt").unlink()

    with pytest.raises(ChangedMeanwhile) as caught:
        text_files.write(folder, "new_desc.txt", "mine\n", before.fingerprint)

    assert caught.value.now is None


def test_a_new_file_replaces_none_that_is_there(folder: Path) -> None:
    with pytest.raises(ChangedMeanwhile):
        text_files.write(folder, "new_desc.txt", "new\n", ABSENT)


def test_a_write_that_fails_in_the_middle_leaves_the_old_text_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    before = text_files.read(folder, "new_desc.txt")
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(TextNotSaved, match="No space left"):
        text_files.write(folder, "new_desc.txt", "mine\n", before.fingerprint)

    assert [path.name for path in folder.iterdir()] == ["new_desc.txt"]
    assert (folder / "new_desc.txt").read_text() == HELLO


def test_a_folder_that_may_not_be_written_is_told_with_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def read_only(path: str, flags: int, *rest: int, **options: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(30, "Read-only file system")
        return real(path, flags, *rest, **options)

    before = text_files.read(folder, "new_desc.txt")
    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(TextNotSaved, match="ReadWritePaths"):
        text_files.write(folder, "new_desc.txt", "mine\n", before.fingerprint)


@pytest.mark.parametrize(("content", "why"), [(b"caf\xe9", "not UTF-8"), (b"x" * 100_001, "larger than 100 kB")])
def test_what_is_no_text_for_a_ticket_is_told(folder: Path, content: bytes, why: str) -> None:
    (folder / "new_desc.txt").write_bytes(content)
    with pytest.raises(TextUnreadable, match=why):
        text_files.read(folder, "new_desc.txt")


def test_line_breaks_and_marks_of_other_systems_are_no_part_of_the_text(folder: Path) -> None:
    (folder / "new_desc.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\rc")
    assert text_files.read(folder, "new_desc.txt").text == "a\nb\nc"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"), max_size=300))
def test_whatever_is_saved_is_read_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("texts")
    text_files.write(folder, "a.txt", text, ABSENT)
    assert text_files.read(folder, "a.txt").text == text


def test_a_file_with_a_nul_in_it_is_told_and_not_kept_as_a_version(folder: Path) -> None:
    (folder / "x.txt").write_bytes(b"Hi \0 {first_name}")

    with pytest.raises(TextUnreadable, match="NUL"):
        text_files.read(folder, "x.txt")
    with pytest.raises(TextNotSaved, match="NUL"):
        text_files.write(folder, "y.txt", "\0", ABSENT)
