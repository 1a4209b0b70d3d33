"""What all pages share: times as people read them, words for states, and the error pages."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

import powercode
from app.aftercare.switches import switched_off
from app.console.access import ROLE_NAMES, viewer
from app.console.browser_security import is_page
from app.models import SYSTEM_NAMES, Role, now
from app.services import services_of
from app.version import VERSION
from app.wording import schedule_words
from app.wording.docs_sections import section
from app.wording.done_words import added_words
from app.wording.fact_labels import LABELS
from app.wording.invisible_characters import visible
from app.wording.measures import how_long, how_much
from app.wording.notice_words import mail_in_words
from app.wording.outage_words import refused_key
from app.wording.state_words import in_words

NOBODY = {"is_authenticated": False}
REFRESH = "10s"
"""How often a page reloads the part that changes by itself: `hx-trigger="every {{ refresh }}"`."""

FAULTS: Mapping[int, tuple[str, str]] = {
    400: ("This can't be read", "Go back, load the page again, and repeat what you did."),
    403: ("This is not for you to do", "Ask an administrator to do it, or to give you another role."),
    404: ("There is no such page", "The link may be old, or what it led to was removed."),
    405: ("This page can't do that", "Go back and use the page's buttons."),
    413: ("That is too much at once", "Send less of it."),
    500: (
        "Something went wrong here",
        "Nothing that was stored is lost. Try again; if it stays, tell the administrator: the log has the details.",
    ),
    503: (
        "The database is busy, or can't be reached",
        "Nothing was changed. Try again in a minute; if it stays, tell the administrator: /readyz says more.",
    ),
}


def register(app: Flask) -> None:
    """Add the template filters and the error pages."""
    app.jinja_env.finalize = visible
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    moments, words = (day, duration, exact, local), (capitalise_first, in_words, mail_in_words, sentence)
    app.jinja_env.filters |= {each.__name__: each for each in (*moments, *words, dialled, how_much, refused_key)}
    app.jinja_env.filters["schedule"] = schedule_words.in_words
    functions = (added_words, customer_page, note_fault, noted_faults, sentences)
    app.jinja_env.globals |= {each.__name__: each for each in functions}
    app.jinja_env.globals |= {"labels": LABELS, "refresh": REFRESH, "runbook": partial(section, "runbook.md")}
    app.context_processor(_words)
    app.register_error_handler(HTTPException, _fault)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(NoConnection, _busy)
    app.register_error_handler(Exception, _own_fault)


def _words() -> dict[str, Any]:
    settings = services_of(current_app).settings
    return {
        "viewer": viewer(),
        "version": VERSION,
        "zone": settings.timezone,
        "Role": Role,
        "role_names": ROLE_NAMES,
        "system_names": SYSTEM_NAMES,
        "switched_off": switched_off(settings),
    }


def dialled(number: str | None) -> str:
    """A phone number as a phone dials it, US numbers with the country code; "" for what is no phone number."""
    plain = re.sub(r"[\s()./-]", "", number or "")
    if not re.fullmatch(r"\+?\d{7,15}", plain):
        return ""
    return f"+1{plain}" if len(plain) == 10 else plain


def duration(seconds: float) -> str:
    """`0.6 s`, `45 s`; from two minutes on without seconds."""
    if seconds >= 120:
        return how_long(seconds)
    if seconds < 0.1:
        return "less than 0.1 s"
    return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 >= 0.05 else f"{seconds:.0f} s"


def sentence(said: object) -> str:
    """The words as a sentence, so that another one can follow."""
    words = str(said or "")
    return words if not words or words.rstrip()[-1:] in ".!?…:" else f"{words.rstrip()}."


def sentences(faults: Iterable[str]) -> str:
    """What is wrong with a field, in whole sentences."""
    return " ".join(map(sentence, faults))


@dataclass(frozen=True)
class Fault:
    """What is wrong on a page; `id` and `label` are those of its field, "" for a fault of the whole page."""

    words: str
    id: str
    label: str


def note_fault(words: str, id: str = "", label: str = "") -> bool:
    """Add a fault to the list at the top of the page; True for the first field that has a fault."""
    noted = noted_faults()
    is_first = bool(id) and not any(fault.id for fault in noted)
    noted.append(Fault(words, id, label))
    return is_first


def noted_faults() -> list[Fault]:
    """The faults of the page so far."""
    if "page_faults" not in g:
        g.page_faults = []
    faults: list[Fault] = g.page_faults
    return faults


def capitalise_first(words: str) -> str:
    """`The mail server` for `the mail server`; `PowerCode` stays as it is."""
    return words[:1].upper() + words[1:]


def customer_page(customer_id: str) -> str:
    """The address of a customer's page in PowerCode."""
    return powercode.customer_page(services_of(current_app).settings.powercode_server, customer_id)


def _here(moment: datetime) -> datetime:
    return moment.astimezone(services_of(current_app).settings.zone)


def local(moment: datetime | str) -> str:
    """`today 08:04`, `21 Nov 08:04` or `21 Nov 2025`, in TIMEZONE; also takes texts in ISO 8601."""
    here = _here(datetime.fromisoformat(moment) if isinstance(moment, str) else moment)
    today = _here(now())
    if here.date() == today.date():
        return f"today {here:%H:%M}"
    return f"{here.day} {here:%b %H:%M}" if here.year == today.year else f"{here.day} {here:%b %Y}"


def exact(moment: datetime | str) -> str:
    """To the second, with the zone."""
    here = _here(datetime.fromisoformat(moment) if isinstance(moment, str) else moment)
    return f"{here:%Y-%m-%d %H:%M:%S %Z}"


def day(moment: datetime) -> str:
    """`Sunday 22 November`."""
    here = _here(moment)
    return f"{here:%A} {here.day} {here:%B}"


def _fault(fault: HTTPException) -> Any:
    if not is_page(request.path) or fault.code is None or fault.response is not None:
        return fault
    title, advice = FAULTS.get(fault.code, FAULTS[400 if fault.code < 500 else 500])
    required = g.get("required_role")
    if fault.code == 403 and required is not None:
        advice = f"Your role is {ROLE_NAMES[viewer().role]}; this needs {ROLE_NAMES[required]}. {advice}"
    return _page(title, advice), fault.code


def _stale_form(_fault: CSRFError) -> Any:
    title = "This page was open while you signed out, or comes from elsewhere"
    return _page(title, "Nothing was changed. Load the page again, then repeat what you did."), 400


def _own_fault(fault: Exception) -> Any:
    if isinstance(fault, HTTPException):
        return _fault(fault)
    current_app.logger.exception("A page failed")
    if not is_page(request.path):
        return jsonify(error="The service failed on this request; its log has the details"), 500
    return Response(_page(*FAULTS[500]), 500)


def _busy(fault: OperationalError | NoConnection) -> Response:
    """Answers while the database is busy. Nothing was written: the transaction never began, or was rolled back."""
    current_app.logger.warning("The database took no request in time (%s)", type(fault.__cause__ or fault).__name__)
    if is_page(request.path):
        answer = Response(_page(*FAULTS[503]), 503)
    else:
        answer = jsonify(error="The database is busy, or can't be reached. Nothing was changed; try again in a minute")
        answer.status_code = 503
    answer.headers["Retry-After"] = "60"
    return answer


def _page(title: str, advice: str) -> str:
    """The error page; without the menu where the viewer's name can't be read from the database."""
    try:
        return render_template("console/fault.html", title=title, advice=advice)
    except SQLAlchemyError:
        return render_template("console/fault.html", title=title, advice=advice, viewer=NOBODY)
