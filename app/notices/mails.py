"""What the mails to staff say: one short function a mail makes its facts; the words are in templates/mail/."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import Executable
from sqlalchemy.orm import Session

from app.models import Notice, NoticeKind, Order
from app.notices.enclosures import Enclosure
from app.notices.mail_bodies import both
from app.remote.mail import Attachment, Mail
from app.services import Services
from app.wording.outage_words import refused_key
from config import Settings

MOMENTS = ("since", "until", "expires_at", "made_at", "held_up_since")
"""What a notice's content may have as text in ISO 8601, and a mail says in the office's time."""

GOOD_NEWS = (
    NoticeKind.ACCOUNT_CREATED,
    NoticeKind.CONTRACT,
    NoticeKind.TEST_CALLBACK,
    NoticeKind.ANSWERS_AGAIN,
    NoticeKind.MAIL_WAS_STUCK,
    NoticeKind.DISK_HAS_ROOM,
    NoticeKind.CERTIFICATE_FINE,
    NoticeKind.FLOOD_IS_OVER,
    NoticeKind.BACKUP_FINE,
)


@dataclass(frozen=True)
class AboutOrders:
    """What notices need to know about an order: the facts that every mail about it names, its contract, its cause.

    `steps` selects the steps of an `order_id` that `facts` takes. `contract` fetches it into an empty file, and returns
    that as an enclosure, or why there is none.
    """

    steps: Executable
    facts: Callable[[Settings, Order, Sequence[Any]], dict[str, Any]]
    contract: Callable[[Services, Order, BinaryIO], Enclosure]
    cause: Callable[[Session, Notice, Order], dict[str, Any]]


def write(
    settings: Settings,
    about: AboutOrders,
    notice: Notice,
    order: Order | None,
    enclosure: Enclosure | None = None,
    *,
    steps: Sequence[Any] = (),
    cause: Mapping[str, Any] | None = None,
) -> Mail:
    """The mail for a notice; `cause` has the facts of the cause that the notice is about, `steps` are the order's."""
    facts = {
        **FACTS.get(notice.kind, _content)(notice),
        **(_about_order(notice, order) | about.facts(settings, order, steps) if order else {}),
        **(cause or {}),
        "notice": notice,
        "enclosure": enclosure,
        "attachment_mb": f"{settings.mail_attachment_mb:g}",
        "console": settings.public_address,
        "local": lambda moment: moment.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M %Z"),
    }
    is_good = notice.kind in GOOD_NEWS and not facts.get("need_you")
    subject, text, html = both(notice.kind, {**facts, "is_good": is_good})
    file = enclosure.file if enclosure else None
    attachments = [Attachment(f"contract-{order.orderref}.pdf", file)] if order and file else []
    return Mail(notice.key, subject, text, html, attachments)


def _about_order(notice: Notice, order: Order) -> dict[str, Any]:
    content = notice.content or {}
    return {
        "reason": str(content.get("reason") or "").rstrip("."),
        "actions": content.get("actions") or [],
        "unknown_plans": (order.account or {}).get("unknown_plans", []),
    }


def _content(notice: Notice) -> dict[str, Any]:
    """What was recorded with the notice."""
    content = notice.content
    times = {name: datetime.fromisoformat(content[name]) for name in MOMENTS if content.get(name)}
    lasted = times["until"] - times["since"] if "until" in times else None
    return {**dict.fromkeys(MOMENTS), **content, **times, "lasted": lasted, "refused_key": _refused_key(content)}


def _refused_key(content: Mapping[str, Any]) -> str | None:
    """The setting whose key a system refuses; None where an order waits alone, for it waits for something else."""
    waits_alone = content.get("works")
    return None if waits_alone else refused_key(content.get("system"), content.get("reason"))


def _callback_message(notice: Notice) -> dict[str, Any]:
    """A callback says anything: each text is one line, so that it can't look like a part of the mail."""
    said = {name: " ".join(str(notice.content.get(name) or "").split()) for name in ("msg", "event")}
    absent = dict.fromkeys(("orderref", "case_id", "needs", "is_new", "is_many"))
    return {**absent, "told": 20, "opens_cases": True, **notice.content, **said}


def _digest(notice: Notice) -> dict[str, Any]:
    source = str(notice.content.get("source") or "")
    spreadsheet = source.removeprefix("sheets:").partition("!")[0] if source.startswith("sheets:") else None
    link = f"https://docs.google.com/spreadsheets/d/{spreadsheet}" if spreadsheet else None
    return {"makes_good": None, "rows_became": [], **_content(notice), "report_link": link}


FACTS: Mapping[str, Callable[[Notice], dict[str, Any]]] = {
    NoticeKind.CALLBACK_MESSAGE: _callback_message,
    NoticeKind.DIGEST_REPORT: _digest,
    NoticeKind.DIGEST_TROUBLE: _digest,
}
"""Where a mail says more, or less, than `_content`."""
