"""The versions of a text. The file is the source of truth: its content is kept before each save and when it is read."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import TicketTextVersion, now
from app.people import audit
from app.storage.database import Database
from app.texts.text_files import TextFile

CONTEXT_LINES = 2
MOST_LINES_COMPARED = 4_000
LONGEST_QUOTE = 60


@dataclass(frozen=True)
class ComparedLine:
    """A line of a comparison: `same`, `added`, `removed`, or `…` where lines are left out."""

    what: str
    number: int | None
    text: str


def see(database: Database, present: Iterable[TextFile]) -> None:
    """Keep the files' content where it was not saved here: it was edited on the server, or came with a deploy."""
    found = {file.name: file for file in present}

    def unknown(session: Session) -> list[TicketTextVersion]:
        kept = newest_of(session, found)
        others = [(file, kept.get(name)) for name, file in found.items()]
        return [_found(file, before) for file, before in others if before is None or before.text != file.text]

    with database.read() as session:
        is_new = bool(unknown(session))
    if is_new:
        with database.write() as session:
            session.add_all(unknown(session))


def _found(file: TextFile, before: TicketTextVersion | None) -> TicketTextVersion:
    """A version with the file's own time; a copied file may have an older time than the version before it."""
    at = min(file.changed_at or now(), now())
    at = max(at, before.seen_at) if before else at
    return TicketTextVersion(file=file.name, text=file.text, seen_at=at)


def newest_of(session: Session, names: Iterable[str]) -> dict[str, TicketTextVersion]:
    """Each file's text as it was last read or saved."""
    mine = select(func.max(TicketTextVersion.id)).where(TicketTextVersion.file.in_(list(names)))
    ids = mine.group_by(TicketTextVersion.file)
    found = session.scalars(select(TicketTextVersion).where(TicketTextVersion.id.in_(ids)))
    return {version.file: version for version in found}


def history(session: Session, name: str, limit: int) -> Sequence[TicketTextVersion]:
    """The newest versions of a file first."""
    mine = select(TicketTextVersion).filter_by(file=name).order_by(TicketTextVersion.id.desc())
    return session.scalars(mine.limit(limit)).all()


def find(session: Session, name: str, version_id: int) -> TicketTextVersion | None:
    """One version of a file."""
    return session.scalar(select(TicketTextVersion).filter_by(file=name, id=version_id))


def had(session: Session, name: str, text: str) -> bool:
    """Whether a file held this text at some time."""
    mine = select(TicketTextVersion.id).filter_by(file=name, text=text)
    return session.scalar(mine.limit(1)) is not None


def before(session: Session, version: TicketTextVersion) -> TicketTextVersion | None:
    """The version before this one."""
    earlier = select(TicketTextVersion).filter_by(file=version.file).where(TicketTextVersion.id < version.id)
    return session.scalar(earlier.order_by(TicketTextVersion.id.desc()).limit(1))


def known_names(session: Session) -> set[str]:
    """The files that versions are kept of, also those that are gone."""
    return set(session.scalars(select(TicketTextVersion.file).distinct()))


def keep_saved(session: Session, file: TextFile, by: str, action: str) -> None:
    """Keep who saved what."""
    session.add(TicketTextVersion(file=file.name, text=file.text, saved_by=by))
    audit.record(session, by, action, f"text {file.name}")


def compare(old: str, new: str) -> list[ComparedLine]:
    """What was taken out and put in between two texts, with a few lines around each place."""
    before_, after = old.split("\n")[:MOST_LINES_COMPARED], new.split("\n")[:MOST_LINES_COMPARED]
    matcher = difflib.SequenceMatcher(a=before_, b=after)
    lines: list[ComparedLine] = []
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        if lines or group[0][3] > 0:
            lines.append(ComparedLine("…", None, ""))
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                lines += _lines("same", after, new_from, new_to)
            else:
                lines += [*_lines("removed", before_, old_from, old_to), *_lines("added", after, new_from, new_to)]
    return lines


def change_in_words(old: str, new: str) -> str:
    """What a version changed: `2 lines added, 1 removed: “Welcome, {first_name}!”`."""
    lines = compare(old, new)
    told = [
        f"{number} {'line' if number == 1 else 'lines'} {what}"
        for what in ("added", "removed")
        if (number := sum(line.what == what for line in lines))
    ]
    first = next((line.text.strip() for line in lines if line.what in ("added", "removed") and line.text.strip()), "")
    quoted = f": “{first[:LONGEST_QUOTE]}{'…' if len(first) > LONGEST_QUOTE else ''}”" if first else ""
    return f"{', '.join(told).capitalize()}{quoted}" if told else "No line changed."


def _lines(what: str, of: Sequence[str], first: int, end: int) -> Iterator[ComparedLine]:
    return (ComparedLine(what, number + 1, of[number]) for number in range(first, end))
