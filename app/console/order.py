"""One order: where it stands and why, what a person can do, and its story."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from flask import Response, abort, current_app, flash, redirect, render_template, request, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

import utopia
from app.aftercare.order_section import section_of
from app.console import order_forms as forms
from app.console.access import requires, viewer
from app.console.causes import Attended, attended, teamwork_words, today
from app.console.orders import orders
from app.lookups.remote_requests import NotAnswered, a_turn
from app.models import ACTIVE_STATES, AT_WORK, STANDING, SYSTEM_NAMES, Order, OrderSearch, OrderState, Role, now
from app.provisioning import actions, customer_search, offers, plan_decisions, timeline
from app.provisioning.actions import Needs
from app.provisioning.applicants import WORDS, fields_of
from app.provisioning.causes.open_causes import OpenCause, open_cause_of
from app.provisioning.causes.put_off_orders import put_off
from app.provisioning.customer_search import SideBySide
from app.provisioning.order_facts import order_facts
from app.provisioning.people_on_orders import hands_on
from app.provisioning.plans import plan_table
from app.provisioning.run_endings import stop_for
from app.provisioning.undo_instructions import instructions_for
from app.provisioning.written_parts import joined_customer
from app.safekeeping import pruning
from app.services import services_of
from utopia import Contract

SENTENCES = {
    OrderState.RECEIVED: "It is on disk; work on it begins in a moment.",
    OrderState.RUNNING: "It is being worked on just now.",
}


@orders.get("/<path:orderref>")
@requires(Role.READ_ONLY)
def show(orderref: str) -> str:
    """The page that notices link to."""
    return page_of(orderref)


def page_of(orderref: str, filled: Mapping[str, Any] | None = None) -> str:
    """The order's page; `filled` are forms as a person sent them, by their action's code."""
    with services_of(current_app).database.read() as session:
        order = order_named(session, orderref)
        offered = offers.offers_for(session, order)
        return render_template(
            "console/orders/order.html",
            offers=offered,
            may=[offer for offer in offered if viewer().may(offer.action.role)],
            forms={**_forms(session, order), **(filled or {})},
            unmappable=[plan for plan in plan_decisions.unknown_plans(order) if not plan_table.can_be_mapped(plan)],
            sold=_sold(session) if any(offer.needs is Needs.PLANS for offer in offered) else [],
            facts=facts_of(session, order),
            corrections=_corrections(order),
            beside=_beside(order),
            undoing=instructions_for(order),
            NOTE=actions.NOTE,
            attended=_attended(session, order),
            put_away=next(iter(put_off(session, Order.id == order.id)), None),
            teamwork_words=teamwork_words(),
            later=section_of(session, services_of(current_app).settings, order),
            shown=order.state,
            in_turn=_in_turn(session, order),
            **_story(session, order),
        )


def _attended(session: Session, order: Order) -> Attended | None:
    """Who is on it; None for an order that needs nobody."""
    if order.state not in STANDING or order.cause is None:
        return None
    return attended(hands_on(session, Order.id == order.id).get(order.cause, ()), 1)


def _in_turn(session: Session, order: Order) -> OpenCause | None:
    """The cause whose orders the viewer decides one by one, if this order is one of them."""
    asked = request.values.get("in_turn")
    return open_cause_of(session, asked, listed=0) if asked and asked == order.cause else None


def _beside(order: Order) -> Sequence[SideBySide]:
    """The customers that the applicant is compared with, while a person has to decide about them."""
    offered = [each.get("action") for each in order.actions]
    asked = order.state == OrderState.EXISTS or actions.NEW_CUSTOMER.code in offered
    return customer_search.look_alikes(order) if asked else []


def facts_of(session: Session, order: Order) -> dict[str, Any]:
    """The order's facts; once its details were removed, only the facts by which it is still found."""
    facts = order_facts(services_of(current_app).settings, order, order.steps)
    kept = None if order.contract else session.get(OrderSearch, order.id)
    if kept is not None:
        facts |= {"person": kept.person, "address": kept.address, "plans": [kept.plan] if kept.plan else []}
    return facts


def _forms(session: Session, order: Order) -> dict[str, Any]:
    """The forms of a fresh page: empty, except for plans that were mapped since the order stopped."""
    plans = plan_decisions.plans_asked_for(order)
    sold_as = [plan_table.service_of(session, plan) for plan in plan_decisions.unknown_plans(order)]
    return {
        actions.DISMISS.code: forms.NoteForm(formdata=None),
        actions.BY_HAND.code: forms.WorkNoteForm.of(actions.BY_HAND.path, formdata=None),
        actions.WITHOUT_IT.code: forms.WorkNoteForm.of(actions.WITHOUT_IT.path, formdata=None),
        actions.IT_IS_THERE.code: forms.TicketForm(formdata=None),
        actions.NOTE.code: forms.ColleaguesNoteForm(formdata=None),
        actions.PUT_OFF.code: forms.PutOffForm.suggesting(today()),
        actions.CUSTOMER.code: forms.CustomerForm(formdata=None),
        actions.MAP_PLANS.code: forms.PlansForm.of(plans, sold_as, formdata=None),
    }


def _sold(session: Session) -> list[tuple[int, str]]:
    """The services that plans are sold as, each with its plans; without additional plans."""
    table = plan_table.plan_table(session)
    named: dict[int, list[str]] = {}
    for description, service_id in table.plans.items():
        named.setdefault(service_id, []).append(description)
    return [(service_id, ", ".join(names)) for service_id, names in sorted(named.items())]


def _corrections(order: Order) -> list[tuple[str, str, str]]:
    """Each corrected field: its name in words, UTOPIA's value and ours."""
    theirs = fields_of(Contract.from_dict(order.contract or {}))
    return [(WORDS.get(name, name), theirs.get(name, ""), value) for name, value in (order.corrections or {}).items()]


def order_named(session: Session, orderref: str) -> Order:
    """The order; raises HTTP 404 when there is none."""
    found: Order = session.scalar(select(Order).filter_by(orderref=orderref)) or abort(404)
    return found


def _sentence(order: Order) -> str:
    if order.state != OrderState.COMPLETED:
        return SENTENCES.get(OrderState(order.state)) or order.reason or ""
    tagged = any(step.name.startswith("tag:") for step in order.steps)
    customer_id, added = joined_customer(order), "plans, ticket and tags" if tagged else "plans and ticket"
    if customer_id:
        return f"Its {added} were added to customer {customer_id}, whom a person named. No new account was made."
    return f"The account is made, with its {added}."


def _story(session: Session, order: Order) -> dict[str, Any]:
    events = timeline.timeline(session, order)
    return {
        "order": order,
        "sentence": _sentence(order),
        "events": events,
        "exchanges_removed_after": pruning.EXCHANGES_KEPT if _exchanges_were_removed(order, events) else None,
        "systems": SYSTEM_NAMES,
        "at_work": order.state in AT_WORK,
        "active": order.state in ACTIVE_STATES,
    }


def _exchanges_were_removed(order: Order, events: Sequence[timeline.Event]) -> bool:
    """Whether what was said to the remote systems was there, and went before the order's other details."""
    half_done = order.state != OrderState.COMPLETED and any(step.sent_at for step in order.steps)
    if not order.steps or half_done or any(event.exchanges for event in events):
        return False
    return order.finished_at is not None and order.finished_at < now() - pruning.EXCHANGES_KEPT


@orders.get("/<path:orderref>/story")
@requires(Role.READ_ONLY)
def story(orderref: str) -> str:
    """The part of the page that changes by itself. `shown` is the state for which the page offers its actions.

    While an order is at work, its page has no form that somebody could be typing into. When the order rests, all of the
    page but the messages at the top is loaded anew, so that people can still read these.
    """
    shown = request.args.get("shown", "")
    with services_of(current_app).database.read() as session:
        order = order_named(session, orderref)
        renews = shown in AT_WORK and order.state not in AT_WORK
        told = _story(session, order)
        return render_template("console/orders/_timeline.html", fragment=True, renews=renews, shown=shown, **told)


@orders.get("/<path:orderref>/exchanges/<int:number>")
@requires(Role.READ_ONLY)
def exchange(orderref: str, number: int) -> str:
    """What was sent and answered, in full."""
    with services_of(current_app).database.read() as session:
        order = order_named(session, orderref)
        step, said = timeline.exchange_of(session, order, number) or abort(404)
        title = timeline.step_title(order, step)
    return render_template("console/orders/exchange.html", order=order, said=said, step=title, systems=SYSTEM_NAMES)


@orders.get("/<path:orderref>/contract")
@requires(Role.READ_ONLY)
def contract(orderref: str) -> Answer:
    """The signed contract, as UTOPIA has it now."""
    services = services_of(current_app)
    with services.database.read() as session:
        order_named(session, orderref)
    try:
        with a_turn():
            return _download(orderref, services.utopia)
    except NotAnswered as busy:
        flash(str(busy), "failed")
    except utopia.NotReady:
        flash("UTOPIA does not have the contract ready yet. It takes minutes to hours after the order.", "failed")
    except utopia.TooLarge:
        flash("The contract is too large to be fetched here. Get it from UTOPIA's portal.", "failed")
    except utopia.UtopiaError as error:
        flash(f"The contract can't be fetched: {stop_for(error).reason}.", "failed")
    return redirect(url_for("orders.show", orderref=orderref), 303)


def _download(orderref: str, client: utopia.UtopiaClient) -> Response:
    """The contract. It is written to disk first: nobody gets half a file, and a large one takes no memory."""
    with ExitStack() as on_failure:
        file = on_failure.enter_context(tempfile.TemporaryFile())
        size = client.contract_pdf(orderref, file)
        file.seek(0)
        name = f"contract-{''.join(each if each.isalnum() or each in '.-_' else '-' for each in orderref)}.pdf"
        answer = send_file(file, mimetype="application/pdf", as_attachment=True, download_name=name)
        answer.content_length = size
        answer.headers["Cache-Control"] = "no-store"
        on_failure.pop_all()
    return answer
