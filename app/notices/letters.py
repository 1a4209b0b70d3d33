"""What the mails to staff say: one short function a mail makes its facts; the words are in templates/mail/."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from app.mail import Attachment, Letter
from app.measures import how_long, how_much
from app.models import Notice, NoticeKind, Order
from app.notices.facts import customer_page_of, order_facts
from config import Settings

ALERTS = (
    *(NoticeKind.ANSWERS_AGAIN, NoticeKind.MAIL_WAS_STUCK, NoticeKind.DISK_NEARLY_FULL, NoticeKind.DISK_HAS_ROOM),
    *(NoticeKind.CERTIFICATE_TROUBLE, NoticeKind.CERTIFICATE_FINE),
)
"""About the system itself. Their content has these moments:"""
MOMENTS = ("since", "until", "expires_at")

templates = Environment(
    loader=PackageLoader("app"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters.update(how_long=how_long, how_much=how_much)


def write(settings: Settings, notice: Notice, order: Order | None, contract: bytes | None) -> Letter:
    """The mail that a notice is."""
    facts = {
        **LETTERS[notice.kind](settings, notice, order),
        "notice": notice,
        "console": settings.public_address,
        "has_contract": contract is not None,
        "local": lambda moment: moment.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M %Z"),
    }
    subject, _, text = templates.get_template(f"mail/{notice.kind}.txt").render(facts).partition("\n")
    html = templates.get_template(f"mail/{notice.kind}.html").render(facts)
    name = f"contract-{order.orderref}.pdf" if order else "contract.pdf"
    attachments = [Attachment(name, contract)] if contract else []
    return Letter(notice.key, subject, text.lstrip("\n"), html, attachments)


def _about_order(settings: Settings, notice: Notice, order: Order | None) -> dict[str, Any]:
    assert order is not None, f"a notice {notice.kind} is about an order"  # noqa: S101
    content = notice.content or {}
    reason = str(content.get("reason") or "").rstrip(".")
    actions = content.get("actions") or []
    return {
        **order_facts(settings, order),
        "reason": reason,
        "actions": actions,
        "unknown_plans": (order.account or {}).get("unknown_plans", []),
        "page_of": partial(customer_page_of, settings),
    }


def _test_callback(_settings: Settings, notice: Notice, _order: Order | None) -> dict[str, Any]:
    return {"received_at": notice.created_at, "remote_address": notice.content.get("remote_address")}


def _still_waiting(_settings: Settings, notice: Notice, _order: Order | None) -> dict[str, Any]:
    return {**notice.content, "since": datetime.fromisoformat(notice.content["since"])}


def _alert(_settings: Settings, notice: Notice, _order: Order | None) -> dict[str, Any]:
    content = notice.content
    times = {name: datetime.fromisoformat(content[name]) for name in MOMENTS if content.get(name)}
    lasted = times["until"] - times["since"] if "until" in times else None
    return {**dict.fromkeys(MOMENTS), **content, **times, "lasted": lasted}


def _digest(_settings: Settings, notice: Notice, _order: Order | None) -> dict[str, Any]:
    source = str(notice.content.get("source") or "")
    spreadsheet = source.removeprefix("sheets:").partition("!")[0] if source.startswith("sheets:") else None
    link = f"https://docs.google.com/spreadsheets/d/{spreadsheet}" if spreadsheet else None
    held_up = notice.content.get("held_up_since")
    facts = {"held_up_since": datetime.fromisoformat(held_up) if held_up else None, "report_link": link}
    return {"makes_good": None, **notice.content, **facts}


LETTERS: Mapping[str, Callable[[Settings, Notice, Order | None], dict[str, Any]]] = {
    NoticeKind.ACCOUNT_CREATED: _about_order,
    NoticeKind.CUSTOMER_EXISTS: _about_order,
    NoticeKind.NEEDS_YOU: _about_order,
    NoticeKind.CONTRACT: _about_order,
    NoticeKind.TEST_CALLBACK: _test_callback,
    NoticeKind.STILL_WAITING: _still_waiting,
    NoticeKind.DIGEST_REPORT: _digest,
    NoticeKind.DIGEST_TROUBLE: _digest,
    **dict.fromkeys(ALERTS, _alert),
}
