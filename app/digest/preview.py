"""What the next digest would send: reads the real report, sends nothing, stores nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.digest import ledger, result_words, workflow
from app.digest.closings import CustomerDigest, group_by_customer
from app.digest.mails import SUBJECT, MailTemplates, Told, body
from app.digest.report.sources import ReportRows
from app.digest.schedule import iso_week
from app.digest.selection import Selection
from app.models import now
from app.storage.database import Database
from config import Settings

Watched = Callable[[Iterator[ReportRows]], Iterable[ReportRows]]
"""Passes the report's rows on, and can report progress."""


@dataclass(frozen=True)
class Outlook:
    """What a digest would do now. `due` customers would be told; `for_next_week` already had this week's message."""

    window_starts_on: date
    selection: Selection
    due: Sequence[CustomerDigest]
    for_next_week: Sequence[CustomerDigest]
    templates: MailTemplates | None

    def numbers(self) -> dict[str, Any]:
        """The window's start and the counts; `rows`: what would become of the rows read, each counted once."""
        found = self.selection
        told, later = (sum(len(digest.tickets) for digest in those) for those in (self.due, self.for_next_week))
        return {
            "window_starts_on": self.window_starts_on.isoformat(),
            "rows_read": found.rows_read,
            "rows": result_words.became(found, told=told, set_aside=len(found.set_aside), for_next_week=later),
            "already_reported": found.already_reported,
            "repeated": found.repeated,
        }

    def message(self, digest: CustomerDigest) -> dict[str, Any]:
        """One customer's message as it would go out, by the mail's templates where digests go out by mail."""
        told = Told(digest.email, digest.full_name, [(one.ticket, one.closed_on) for one in digest.tickets])
        subject, text = SUBJECT, body(told)
        if self.templates is not None:
            mail = self.templates.mail(told, "")
            subject, text = mail.subject, mail.text
        return {
            "email": told.email,
            "full_name": told.full_name,
            "tickets": len(told.tickets),
            "subject": subject,
            "body": text,
        }


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
