"""What a person decides about an order, recorded with who and when. When two decide at once, one decision counts.

PowerCode is asked before the decision, while no transaction is open.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

import powercode
from app.console.access import requires, viewer
from app.console.causes import confirmation
from app.console.order import facts_of, order_named, page_of
from app.console.order_forms import CustomerForm, DecisionForm, NoteForm, PlansForm, TicketForm, WorkNoteForm
from app.console.orders import orders
from app.console.redirects import lead_to
from app.lookups.remote_requests import NotAnswered, a_turn
from app.models import Role
from app.provisioning import actions, confirmations, customer_search, offers, plan_decisions, review
from app.provisioning.actions import Action
from app.provisioning.causes.open_causes import open_cause_of
from app.provisioning.written_parts import doubtful_step
from app.services import services_of

__all__ = ["orders"]

Page = str | tuple[str, int] | Response
View = Callable[[str], Page]


def button(action: Action) -> Callable[[View], View]:
    """Make the view the target of the action's button on the order's page."""
    path = f"/<path:orderref>/{action.path}"

    def offer(view: View) -> View:
        orders.add_url_rule(path, action.code, requires(action.role)(view), methods=["POST"])
        orders.add_url_rule(path, "after_a_refused_form", after_a_refused_form, methods=["GET"])
        return view

    return offer


@requires(Role.READ_ONLY)
def after_a_refused_form(orderref: str) -> Response:
    """The address in the browser after a form with a mistake; loading it again leads back to the order."""
    return redirect(url_for("orders.show", orderref=orderref), 303)


@button(actions.RESUME)
def resume(orderref: str) -> Page:
    """Go on."""
    return _resume(orderref, DecisionForm(), "It goes on.", actions.RESUME)


@button(actions.NEW_CUSTOMER)
def new_customer(orderref: str) -> Page:
    """Make a new account after all; the person confirms once more when a customer has the same mail or phone."""
    if not request.form.get("sure") and (page := _are_you_sure(orderref)):
        return page
    said = "Noted: it is somebody else. The order goes on, and this page tells when there is an account."
    return _resume(orderref, DecisionForm(), said, actions.NEW_CUSTOMER)


def _are_you_sure(orderref: str) -> str:
    """The page that asks for that confirmation; "" where none is needed."""
    services = services_of(current_app)
    with services.database.read() as session:
        order = order_named(session, orderref)
        contacts = offers.shared_contacts(order)
        if not contacts or not offers.is_offered(session, order, actions.NEW_CUSTOMER):
            return ""
        return render_template(
            "console/orders/new_account.html",
            order=order,
            beside=[one for one in customer_search.look_alikes(order) if one.contacts],
            contacts=contacts,
        )


@button(actions.IT_IS_NOT_THERE)
def it_is_not_there(orderref: str) -> Page:
    """Repeat the write that PowerCode did not confirm."""
    return _resume(orderref, DecisionForm(), "It is sent to PowerCode once more.", actions.IT_IS_NOT_THERE)


@button(actions.IT_IS_THERE)
def it_is_there(orderref: str) -> Page:
    """Take the unconfirmed write as done; a ticket only when PowerCode shows that it is this customer's."""
    with services_of(current_app).database.read() as session:
        order = order_named(session, orderref)
        step = doubtful_step(session, order)
    if step is None or step.name != "ticket":
        return _resume(orderref, DecisionForm(), "It is taken as done, and the order goes on.", actions.IT_IS_THERE)
    form, client = TicketForm(), services_of(current_app).powercode
    if form.validate():
        with _faults_shown_at(form.ticket_id):
            confirmations.check_ticket(client, form.ticket_id.data, str(order.customer_id))
    if form.errors:
        return page_of(orderref, {actions.IT_IS_THERE.code: form}), 422
    said = f"Ticket {form.ticket_id.data} is this customer's. The order goes on."
    return _resume(orderref, form, said, actions.IT_IS_THERE, ticket_id=form.ticket_id.data)


@orders.get("/<path:orderref>/customer")
@requires(actions.CUSTOMER.role)
def customer(orderref: str) -> Page:
    """Show who the customer is, before anything is added to them."""
    form = CustomerForm(request.args, meta={"csrf": False})
    found = _customer_named(form)
    if found is None:
        return page_of(orderref, {actions.CUSTOMER.code: form}), 422
    with services_of(current_app).database.read() as session:
        order = order_named(session, orderref)
        return render_template(
            "console/orders/customer.html",
            order=order,
            customer=found,
            fits=offers.is_offered(session, order, actions.CUSTOMER),
            additions=offers.additions(session, order),
            facts=facts_of(session, order),
        )


@orders.post("/<path:orderref>/customer")
@requires(actions.CUSTOMER.role)
def use_customer(orderref: str) -> Page:
    """Go on with that customer, after checking that PowerCode has them."""
    form = CustomerForm()
    if _customer_named(form) is None:
        return page_of(orderref, {actions.CUSTOMER.code: form}), 422
    said = f"The order goes on with customer {form.customer_id.data}."
    return _resume(orderref, form, said, actions.CUSTOMER, form.customer_id.data)


def _customer_named(form: CustomerForm) -> powercode.Customer | None:
    """The customer whose number the form has, as PowerCode has them; None when it has none, with the reason there."""
    if form.validate():
        with _faults_shown_at(form.customer_id):
            return confirmations.customer_named(services_of(current_app).powercode, form.customer_id.data)
    return None


@button(actions.BY_HAND)
def by_hand(orderref: str) -> Page:
    """Go on: PowerCode refused a write, and a person did it there by hand."""
    return _settled(orderref, actions.BY_HAND)


@button(actions.WITHOUT_IT)
def without_it(orderref: str) -> Page:
    """Go on without the write that PowerCode refused."""
    return _settled(orderref, actions.WITHOUT_IT)


def _settled(orderref: str, action: Action) -> Page:
    form = WorkNoteForm.of(action.path)
    if not form.validate():
        return page_of(orderref, {action.code: form}), 422
    return _resume(orderref, form, "It goes on; your note is kept with it.", action, note=form.note.data)


@button(actions.MAP_PLANS)
def map_plans(orderref: str) -> Page:
    """Map the plans, once a person has read what that bills; this order goes first."""
    services, by = services_of(current_app), viewer().name
    with services.database.read() as session:
        order = order_named(session, orderref)
        plans = plan_decisions.plans_asked_for(order)
        found = open_cause_of(session, order.cause or "", listed=1, also_put_off=True)
    form = PlansForm.of(plans)
    if plans and not form.validate():
        return page_of(orderref, {actions.MAP_PLANS.code: form}), 422
    service_ids = {plan: int(field.data) for plan, field in zip(plans, form.services, strict=True)}
    if found and plans and not form.sure.data:
        return confirmation(found, service_ids, request.path, _seen_run(form))

    def decide(session: Session) -> None:
        plan_decisions.map_plans(services, session, orderref, by, service_ids, seen_run=_seen_run(form))

    return _decide(orderref, decide, "The plan table is changed. This order goes first; all that waited for it follow.")


@button(actions.DISMISS)
def dismiss(orderref: str) -> Page:
    """Close the order; the note is kept with it."""
    form = NoteForm()
    if not form.validate():
        return page_of(orderref, {actions.DISMISS.code: form}), 422

    def decide(session: Session) -> None:
        review.dismiss(
            services_of(current_app), session, orderref, viewer().name, form.note.data, seen_run=_seen_run(form)
        )

    return _decide(orderref, decide, f"{orderref} is closed.")


@contextmanager
def _faults_shown_at(field: Any) -> Iterator[None]:
    """Ask PowerCode inside: when it does not confirm what was entered, the reason is shown at the field."""
    try:
        with a_turn():
            yield
    except (confirmations.NotConfirmed, NotAnswered) as why:
        field.errors = [str(why)]


def _resume(
    orderref: str,
    form: DecisionForm,
    said: str,
    action: Action,
    answer: str | bool = True,
    *,
    ticket_id: str | None = None,
    note: str | None = None,
) -> Response:
    services, by, seen = services_of(current_app), viewer().name, _seen_run(form)
    decision: dict[str, Any] = {action.kept_as: answer} if action.option else {}

    def decide(session: Session) -> None:
        plan_decisions.resume(
            services, session, orderref, by, seen_run=seen, ticket_id=ticket_id, note=note, **decision
        )

    return _decide(orderref, decide, said)


def _seen_run(form: DecisionForm) -> int:
    """The run that the person saw; the page of a waiting order sends none."""
    return form.run.data or review.WHILE_IT_WAITS


def _decide(orderref: str, decide: Callable[[Session], object], said: str) -> Response:
    """Decide, then show the order, or the cause's next order where these are decided one by one."""
    in_turn = request.form.get("in_turn")
    try:
        with services_of(current_app).database.write() as session:
            decide(session)
    except review.NotPossible as why:
        return lead_to("orders.show", f"Nothing was changed: {why}.", "failed", orderref=orderref, in_turn=in_turn)
    if in_turn:
        return lead_to("causes.in_turn", f"Your decision about {orderref} is kept.", cause=in_turn, after=orderref)
    return lead_to("orders.show", said, orderref=orderref)
