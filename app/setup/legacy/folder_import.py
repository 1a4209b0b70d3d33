"""Takes over a folder of the old scripts, each file by itself, so that a broken file does not stop the others."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from app.digest import ledger
from app.models import DigestWindow
from app.services import Services
from app.setup.legacy import environment, failed_orders, leftovers, old_texts, old_users
from app.setup.legacy.findings import Became, Entry, FileFound, NotReadable, content_of, json_of, text_of

FILES = (".env", "failed_orders.json", "users.json", "last_run_date.json")
TEXTS = f"{old_texts.FOLDER}/"
THE_REST = "the rest of the folder"


class DryRun(Exception):
    """Rolls a transaction back."""


def take_over(services: Services, folder: Path, by: str, *, dry_run: bool) -> list[FileFound]:
    """What is in the folder's files and what became of it; with `dry_run`, what would become of it.

    When repeated, it finds everything here already.
    """
    readers: dict[str, Callable[[Path], list[Entry]]] = {
        ".env": lambda file: list(environment.compare(text_of(file), services.settings)),
        "failed_orders.json": lambda file: failed_orders.take(
            services, list(failed_orders.read(json_of(file))), dry_run=dry_run
        ),
        "users.json": lambda file: _people(services, json_of(file), by, dry_run=dry_run),
        "last_run_date.json": lambda file: _window(services, file, by, dry_run=dry_run),
    }
    texts_there = old_texts.folder_of(folder, environment.values_in(folder).get("TICKET_TEMPLATE_DIR", ""))
    return [
        *(_found(name, folder / name, readers[name]) for name in FILES),
        _found(TEXTS, texts_there, lambda there: old_texts.take(services, there, by, dry_run=dry_run)),
        _found(THE_REST, folder, lambda there: leftovers.look(there, {*FILES, texts_there.name})),
    ]


def is_of_the_old_scripts(found: list[FileFound]) -> bool:
    """Whether any file in the folder is from the old scripts."""
    *known, rest = found
    return any(each.is_there for each in known) or any(leftovers.is_known(entry.subject) for entry in rest.entries)


def _found(name: str, file: Path, read: Callable[[Path], list[Entry]]) -> FileFound:
    try:
        return FileFound(name, True, read(file))
    except FileNotFoundError:
        return FileFound(name, False, [])
    except NotReadable as why:
        return FileFound(name, True, [Entry("as a whole", Became.NOT_TAKEN, str(why))])


def _people(services: Services, content: object, by: str, *, dry_run: bool) -> list[Entry]:
    return _in_one_transaction(services, lambda session: list(old_users.take(session, content, by)), dry_run=dry_run)


def _window(services: Services, file: Path, by: str, *, dry_run: bool) -> list[Entry]:
    content_of(file)
    return _in_one_transaction(services, lambda session: [_take_window(session, file, by)], dry_run=dry_run)


def _take_window(session: Session, file: Path, by: str) -> Entry:
    subject = "the day of the last run"
    window = session.get(DigestWindow, 1)
    if window is not None:
        return Entry(subject, Became.HERE, f"the digest reports closings from {window.starts_on} on already")
    try:
        starts_on = ledger.import_last_run(session, file, by)
    except ledger.ImportRefused as why:
        return Entry(subject, Became.NOT_TAKEN, str(why))
    return Entry(subject, Became.TAKEN, f"closings from {starts_on} on will be reported, that day included")


def _in_one_transaction(services: Services, work: Callable[[Session], list[Entry]], *, dry_run: bool) -> list[Entry]:
    entries: list[Entry] = []
    try:
        with services.database.write() as session:
            entries = work(session)
            session.flush()
            if dry_run:
                raise DryRun
    except DryRun:
        pass
    return entries
