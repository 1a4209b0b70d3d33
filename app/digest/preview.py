"""What the next digest would send: reads the real report, sends nothing, stores nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from app.digest import ledger, result_words, workflow
from app.digest.closings import CustomerDigest, group_by_customer
from app.digest.mails import SUBJECT, MailTemplates, Told, body
from app.digest.report.sources import ReportRow
from app.digest.schedule import iso_week
from app.digest.selection import Selection
from app.models import now
from app.storage.database import Database
from config import Settings

Watched = Callable[[Iterator[ReportRow]], Iterable[ReportRow]]
"""Passes the report's rows on, and can report progress."""


@dataclass(frozen=True)
class PreviewedMessage:
    """A message as it would go out."""

    email: str
    full_name: str
    tickets: int
    subject: str
    body: str


@dataclass(frozen=True)
class Outlook:
    """What a digest would do now. `due` customers would be told; `for_next_week` already had this week's message."""

    window_starts_on: date
    selection: Selection
    due: Sequence[CustomerDigest]
    for_next_week: Sequence[CustomerDigest]
    templates: MailTemplates | None

    @property
    def rows(self) -> dict[str, int]:
        """What would become of the rows read, each counted once."""
        told, later = (sum(len(digest.tickets) for digest in those) for those in (self.due, self.for_next_week))
        return result_words.of_selection(self.selection, told=told, for_next_week=later)

    def message(self, digest: CustomerDigest) -> PreviewedMessage:
        """One customer's message, by the mail's templates where digests go out by mail."""
        told = Told(digest.email, digest.full_name, [(one.ticket, one.closed_on) for one in digest.tickets])
        subject, text = SUBJECT, body(told)
        if self.templates is not None:
            mail = self.templates.mail(told, "")
            subject, text = mail.subject, mail.text
        return PreviewedMessage(told.email, told.full_name, len(told.tickets), subject, text)


def outlook(
    settings: Settings, database: Database, source: str, since: date | None = None, watched: Watched = iter
) -> Outlook:
    """What a digest of `source` would do now, with closings from `since` or from the window's start on.

    Raises `SourceUnreadable`, and `TemplateFault` where the mail's templates can't be used.
    """
    today = now().astimezone(settings.zone).date()
    templates = MailTemplates(settings.ticket_template_dir) if settings.digest_delivery == "mail" else None
    with database.read() as session:
        first_day = since or ledger.planned_window_start(session, today, settings.digest_first_window_days)
        reported = ledger.reported_since(session, first_day)
        taken = ledger.addressed_in(session, iso_week(now(), settings.zone))
    selection = workflow.select_from(settings, source, first_day, today, reported, watched=watched)
    digests = list(group_by_customer(selection.closings))
    due = [digest for digest in digests if digest.email_key not in taken]
    waiting = [digest for digest in digests if digest.email_key in taken]
    return Outlook(first_day, selection, due, waiting, templates)
