"""The old script's `ticket_descriptions/`: its texts with their titles. A text that is replaced is kept as a version.

A title is the `name` in the `.meta.json` beside a text. Its `subject` isn't taken: a ticket's summary is a setting.
"""

from pathlib import Path

from app.services import Services
from app.setup.legacy.findings import Became, Entry, NotReadable, shown
from app.texts import edits, text_files, versions
from app.texts.text_files import ABSENT, TITLE_SUFFIX, TextFile, TextNotSaved, TextUnreadable
from app.texts.text_kinds import faults_of
from app.wording.allowed_html import clean

FOLDER = "ticket_descriptions"
FAULTS_SHOWN = 3


def folder_of(old: Path, setting: str) -> Path:
    """The texts' folder, by `TICKET_TEMPLATE_DIR`; if the whole installation was copied, the folder in the copy."""
    copied = old / (Path(setting or FOLDER).name if Path(setting).is_absolute() else setting or FOLDER)
    return copied if copied.is_dir() else old / (setting or FOLDER)


def take(services: Services, folder: Path, by: str, *, dry_run: bool) -> list[Entry]:
    """Take over each text of the folder; returns what became of each. Raises `NotReadable`, `FileNotFoundError`."""
    try:
        names = sorted(file.name for file in folder.iterdir())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotReadable(f"it can't be opened ({error.strerror})") from None
    apart = {f"{name}{TITLE_SUFFIX}" for name in names}  # a title is taken with its text
    return [_entry(services, folder, name, by, dry_run=dry_run) for name in names if name not in apart]


def _entry(services: Services, folder: Path, name: str, by: str, *, dry_run: bool) -> Entry:
    if text_files.is_name(name):
        return _text(services, folder, name, by, dry_run=dry_run)
    if name.endswith(".txt"):
        why = "its name can't be used here: rename it to letters, digits, blanks, - and _, and import again"
        return Entry.about(name, Became.NOT_TAKEN, why)
    return Entry.about(name, Became.LEFT_OUT, "it is none of the ticket's texts")


def _text(services: Services, folder: Path, name: str, by: str, *, dry_run: bool) -> Entry:
    here = services.settings.ticket_template_dir
    try:
        theirs, ours = text_files.read(folder, name), text_files.read(here, name)
    except TextUnreadable as why:
        return Entry(name, Became.NOT_TAKEN, str(why))
    text, remark = _usable(name, theirs.text if theirs else "")
    if text is None:
        return Entry(name, Became.NOT_TAKEN, remark)
    title = text_files.title(folder, name)
    is_titled = title in ("", text_files.title(here, name))
    if ours is not None and is_titled and _was_here(services, ours, text):
        return Entry(name, Became.HERE, "what was changed since stays" if ours.text != text else "")
    if not dry_run:
        try:
            _take(services, name, text, ours, by)
            if title:
                text_files.write_title(here, name, title)
        except TextNotSaved as why:
            return Entry(name, Became.NOT_TAKEN, str(why))
    kept = "what was here is kept as a version" if ours and ours.text != text else ""
    return Entry(name, Became.TAKEN, "; ".join(filter(None, [title and f"“{shown(title)}”", kept, remark])))


def _take(services: Services, name: str, text: str, ours: TextFile | None, by: str) -> None:
    """Raises `TextNotSaved`."""
    database, here = services.database, services.settings.ticket_template_dir
    if ours is None or not _was_here(services, ours, text):
        expected, action = ours.fingerprint if ours else ABSENT, edits.TAKEN_OVER
        edits.save(database, here, name, text, expected=expected, by=by, action=action)


def _was_here(services: Services, ours: TextFile, text: str) -> bool:
    if ours.text == text:
        return True
    with services.database.read() as session:
        return versions.had(session, ours.name, text)


def _usable(name: str, text: str) -> tuple[str | None, str]:
    """The text as it can be used here (None where it can't), and a remark about it."""
    faults = [each.fault for each in faults_of(name, text)]
    if not faults:
        return text, ""
    more = f" and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
    words = "; ".join(str(fault) for fault in faults[:FAULTS_SHOWN]) + more
    bare = clean(text)
    if faults_of(name, bare):
        return None, f"it can't be used: {words}"
    return bare, f"without what a ticket here can't hold ({words}): look at its preview in the console"
