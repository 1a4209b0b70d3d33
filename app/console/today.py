"""The first page: what needs a person, what waits, what was done, and whether all systems answer."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, current_app, render_template
from sqlalchemy import func, select
from sqlalchemy.orm import Session, load_only
from werkzeug.wrappers import Response

from app import notices
from app.aftercare.open_counts import open_counts
from app.alerts import alert_words, backups, records
from app.console.access import requires, viewer
from app.console.causes import shown_on_cards
from app.console.redirects import lead_to
from app.console.today_chart import chart
from app.digest import run_json as digests
from app.durable.locks import executing
from app.models import AT_WORK, Notice, NoticeState, Order, OrderState, Role, System, now
from app.people import audit
from app.provisioning.causes import open_causes, put_off_orders, trial_orders
from app.remote import breaker
from app.services import Services, services_of
from app.setup.first_steps import first_steps, is_new

today = Blueprint("today", __name__, url_prefix="/console")

SHOWN = 20


@today.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """The whole page."""
    return render_template("console/today/page.html", **_content(services_of(current_app)))


@today.get("/today")
@requires(Role.READ_ONLY)
def live() -> str:
    """The part of the page that changes by itself."""
    return render_template("console/today/_live.html", fragment=True, **_content(services_of(current_app)))


def _content(services: Services) -> dict[str, Any]:
    settings = services.settings
    with services.database.read() as session:
        needs, unsent, digest = _causes(session), _unsent(session), digests.overview(session, settings)
        return {
            "moment": now(),
            "first_steps": first_steps(services, session) if is_new(session) else [],
            "asks": len(needs["causes"]) + len(unsent) + bool(digest and digest.unknown),
            **needs,
            **_waiting(session),
            "unsent": unsent,
            "under_way": _under_way(session),
            "chart": chart(session, settings),
            "down": breaker.systems_down(session),
            "waited_for": _waited_for(session),
            "systems": (System.UTOPIA, System.POWERCODE, System.MAIL),
            "digest": digest,
            "alerts": records.open_alerts(session),
            "title_of": alert_words.title,
            "backup": backups.standing(session, settings, now()),
            "executing": executing(services.database),
            "aftercare": open_counts(session, settings, now()),
        }


def _causes(session: Session) -> dict[str, Any]:
    """The causes that need somebody, with the form for each decision, and the plans that are on trial."""
    found, put_away = open_causes.open_causes(session), put_off_orders.put_off(session)
    return {
        "causes": found,
        **shown_on_cards(session, found),
        "trials": trial_orders.on_trial(session),
        "put_away": put_away,
        "how_many_away": put_off_orders.how_many(session) if put_away else None,
    }


def _waiting(session: Session) -> dict[str, Any]:
    """The first orders that wait by themselves, and how many there are."""
    waits = (Order.state == OrderState.WAITING, Order.cause.is_(None))
    columns = load_only(Order.orderref, Order.waiting_for, Order.next_try_at)
    first = session.scalars(select(Order).where(*waits).order_by(Order.id).limit(SHOWN).options(columns)).all()
    count = session.scalar(select(func.count()).select_from(Order).where(*waits)) if len(first) == SHOWN else len(first)
    return {"waits": first, "waits_count": count}


def _unsent(session: Session) -> Sequence[tuple[Notice, str | None]]:
    """Notices that could not be sent, each with its order's reference."""
    rows = select(Notice, Order.orderref).outerjoin(Order, Order.id == Notice.order_id)
    failed = rows.where(Notice.state == NoticeState.FAILED).order_by(Notice.id).limit(SHOWN)
    return [(notice, orderref) for notice, orderref in session.execute(failed)]


@today.post("/notices/<int:notice_id>/send-again")
@requires(Role.STAFF)
def send_notice_again(notice_id: int) -> Response:
    """Send a notice that failed once more."""
    services = services_of(current_app)
    with services.database.write() as session:
        notice = notices.send_again(services.work_queue, session, notice_id)
        return _settled(session, notice, "notice sent again", "The mail is sent once more.")


@today.post("/notices/<int:notice_id>/drop")
@requires(Role.STAFF)
def drop_notice(notice_id: int) -> Response:
    """Drop a notice that failed: nobody needs it any more."""
    with services_of(current_app).database.write() as session:
        return _settled(session, notices.drop(session, notice_id), "notice dropped", "The mail is dropped.")


def _settled(session: Session, notice: Notice | None, action: str, words: str) -> Response:
    if notice is None:
        return lead_to("today.page", "Somebody settled this notice already.", "failed")
    audit.record(session, viewer().name, action, notice.key)
    return lead_to("today.page", words)


def _waited_for(session: Session) -> set[str | None]:
    """The systems that an order or a notice waits for."""
    orders = select(Order.waiting_for).where(Order.state == OrderState.WAITING)
    mails = select(Notice.waiting_for).where(Notice.state == NoticeState.PENDING)
    return set(session.scalars(orders.union(mails)))


def _under_way(session: Session) -> int:
    """How many orders are being worked on, or are about to be."""
    return session.scalar(select(func.count()).where(Order.state.in_(AT_WORK))) or 0
