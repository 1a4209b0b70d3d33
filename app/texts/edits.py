"""Saves a text: checks it, keeps a version before and after, and never overwrites somebody else's change."""

from pathlib import Path

from app.storage.database import Database
from app.texts import text_files, versions
from app.texts.text_files import ChangedMeanwhile, TextFile, TextNotSaved
from app.texts.text_kinds import faults_of

SAVED, RESTORED, CREATED, TAKEN_OVER = "changed", "brought back", "created", "taken over"
"""What the audit calls each."""


def save(database: Database, folder: Path, name: str, text: str, *, expected: str, by: str, action: str) -> TextFile:
    """Replace a text that is still as `expected` (a fingerprint); returns the new one.

    The text on disk is first committed as a version, so that it is not lost whatever fails afterwards.
    Raises `TextNotSaved`, also for a text with faults, and `ChangedMeanwhile`.
    """
    text = text.replace("\r\n", "\n")
    if faults_of(name, text):
        raise TextNotSaved("The text has faults, so it was not saved")
    there = _there(folder, name)
    if there is not None:
        versions.see(database, [there])
    try:
        saved = text_files.write(folder, name, text, expected)
    except ChangedMeanwhile as changed:
        if changed.now is not None:
            versions.see(database, [changed.now])
        raise
    _keep(database, saved, by, action)
    return saved


def create(database: Database, folder: Path, name: str, *, copy_of: str, by: str) -> TextFile:
    """A new text with another's content. Raises `TextNotSaved`."""
    source = _there(folder, copy_of)
    if source is None:
        raise TextNotSaved(f"There is no text {copy_of} to copy")
    try:
        made = text_files.write(folder, name, source.text, text_files.ABSENT, like=copy_of)
    except ChangedMeanwhile:
        raise TextNotSaved(f"There is a text {name} already; take another name") from None
    _keep(database, made, by, CREATED)
    return made


def _there(folder: Path, name: str) -> TextFile | None:
    try:
        return text_files.read(folder, name)
    except text_files.TextUnreadable as why:
        raise TextNotSaved(str(why)) from None


def _keep(database: Database, file: TextFile, by: str, action: str) -> None:
    with database.write() as session:
        versions.keep_saved(session, file, by, action)
