"""The outgoing events, what became of each, and the buttons that send one again."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.models import EventKind, Order, Outgoing, OutgoingState, Role, now
from app.outgoing import events as outgoing
from app.outgoing import records
from app.people import audit
from app.services import services_of
from app.storage.database import rows_changed

events = Blueprint("events", __name__, url_prefix="/console/events")

SHOWN = 100


@events.get("")
@requires(Role.STAFF)
def page() -> str:
    """The newest events."""
    services = services_of(current_app)
    with services.database.read() as session:
        mine = Outgoing.channel == outgoing.CHANNEL
        rows = select(Outgoing, Order.orderref).outerjoin(Order, Order.id == Outgoing.order_id).where(mine)
        listed = session.execute(rows.order_by(Outgoing.id.desc()).limit(SHOWN)).all()
        counts = dict(session.execute(select(Outgoing.state, func.count()).where(mine).group_by(Outgoing.state)).all())
        given_up = records.given_up(session, mine)
    is_set = services.settings.events_url is not None
    return render_template("console/events/page.html", events=listed, counts=counts, is_set=is_set, given_up=given_up)


@events.post("/<int:number>/again")
@requires(Role.STAFF)
def again(number: int) -> Response:
    """Send an event again, whatever became of it. It keeps its id, so that the receiver can recognise a repeat."""
    services = services_of(current_app)
    with services.database.write() as session:
        row = records.send_again(session, number) if services.settings.events_url else None
        if row is None:
            flash("There is no such event, it is on its way, or no address is set.", "failed")
        else:
            audit.record(session, viewer().name, "event sent again", f"{row.kind}, {row.message_id}")
            flash("The event is sent once more.", "done")
        orderref = row and row.order_id and session.scalar(select(Order.orderref).filter_by(id=row.order_id))
    if orderref and request.form.get("from") == "order":
        return redirect(url_for("orders.show", orderref=orderref), 303)
    return redirect(url_for("events.page"), 303)


@events.post("/failed/again")
@requires(Role.STAFF)
def all_failed_again() -> Response:
    """Send all events again that were given up."""
    services = services_of(current_app)
    with services.database.write() as session:
        count = _all_failed(session) if services.settings.events_url else 0
        audit.record(session, viewer().name, "events sent again", f"all that had failed: {count}")
    return lead_to("events.page", f"{count} {'event is' if count == 1 else 'events are'} sent once more.")


def _all_failed(session: Session) -> int:
    failed = (Outgoing.channel == outgoing.CHANNEL, Outgoing.state == OutgoingState.FAILED)
    return rows_changed(session, update(Outgoing).where(*failed).values(records.anew()))


@events.post("/test")
@requires(Role.ADMINISTRATOR)
def test() -> Response:
    """Send a test event."""
    services = services_of(current_app)
    with services.database.write() as session:
        outgoing.record(services, session, EventKind.TEST, f"{now().isoformat()}", by="the console")
        audit.record(session, viewer().name, "test event sent", outgoing.CHANNEL)
    return lead_to("events.page", "A test event is on its way. Load this page again to see what became of it.")
