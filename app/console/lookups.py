"""Look-ups at UTOPIA and PowerCode. The question is in the address, so it can be bookmarked and repeated."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for
from sqlalchemy import select

from app.console.access import requires
from app.console.entry_forms import entry_form
from app.console.readable_answers import masked, raw, readable
from app.console.rendering import customer_page
from app.lookups.change_catalogue import BY_NAME
from app.lookups.entry_fields import Given, faults, given
from app.lookups.look_up_catalogue import BY_PLACE, LOOK_UPS, LookUp
from app.lookups.remote_requests import NotAnswered
from app.models import Order, Role, System
from app.services import services_of

lookups = Blueprint("lookups", __name__, url_prefix="/console/look-up")

SYSTEMS = ((System.UTOPIA, "UTOPIA"), (System.POWERCODE, "PowerCode"))
FREQUENT = (("utopia", "order"), ("utopia", "address"), ("powercode", "customers"))

LEADS_TO = {
    "utopia": {
        "orderref": ("utopia", "order", "orderref"),
        **dict.fromkeys(("siteid", "addressid"), ("utopia", "site", "siteid")),
        "cid": ("utopia", "customer", "cid"),
        "projectid": ("utopia", "project", "projectid"),
        "ticketid": ("utopia", "outage", "ticketid"),
    },
    "powercode": {
        "customerid": ("powercode", "customer", "customer_id"),
        "ticketid": ("powercode", "ticket", "ticket_id"),
        "extaccountid": ("utopia", "site", "siteid"),
    },
}
"""Which look-up says more about a value, by the value's name in lower case without punctuation."""

AT_A_SITE = ("suspend", "unsuspend", "change-speed", "cancel")
CHANGES_BESIDE: Mapping[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("utopia", "customer"): (AT_A_SITE, ("cid",)),
    ("utopia", "site"): ((*AT_A_SITE, "edit-service-item"), ("siteid",)),
    ("utopia", "order"): (("edit-order-item",), ("orderref",)),
    ("powercode", "customer"): (("add-tag", "remove-tag"), ("customer_id",)),
    ("powercode", "tags"): (("add-tag", "remove-tag"), ("customer_id",)),
}
"""Which changes an answer offers, and which of its values their forms are filled with."""

_REFERENCE = re.compile(r"[A-Za-z0-9][\w.:-]{0,63}", re.ASCII)


@lookups.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """All look-ups; the most used ones are shown with their forms."""
    frequent = [(look_up := BY_PLACE[place], entry_form(look_up.fields, {}, {})) for place in FREQUENT]
    by_system = [(name, [each for each in LOOK_UPS if each.system is system]) for system, name in SYSTEMS]
    return render_template("console/lookups/page.html", frequent=frequent, by_system=by_system)


@lookups.get("/<system>/<name>")
@requires(Role.READ_ONLY)
def look_up(system: str, name: str) -> str | tuple[str, int]:
    """One look-up: its form, and the answer when something was asked."""
    chosen = BY_PLACE.get((system, name)) or abort(404)
    entries = given(chosen.fields, request.args)
    asked = bool(request.args) or not chosen.fields
    wrong = faults(chosen.fields, entries) if asked else {}
    result = _answer(chosen, entries) if asked and not wrong else {}
    form = entry_form(chosen.fields, entries, wrong)
    content = render_template("console/lookups/look_up.html", chosen=chosen, form=form, **result)
    return (content, 422) if wrong else content


@lookups.get("/<system>/<name>/answer.json")
@requires(Role.READ_ONLY)
def download(system: str, name: str) -> Response:
    """The whole answer as the system sent it, without secrets."""
    chosen = BY_PLACE.get((system, name)) or abort(404)
    entries = given(chosen.fields, request.args)
    if faults(chosen.fields, entries):
        abort(400)
    try:
        answered = _ask(chosen, entries)
    except NotAnswered as why:
        return Response(f"{why}\n", 502, mimetype="text/plain")
    disposition = {"Content-Disposition": f'attachment; filename="{system}-{chosen.name}.json"'}
    return Response(json.dumps(answered), mimetype="application/json", headers=disposition)


def _ask(chosen: LookUp, entries: Given) -> Any:
    services = services_of(current_app)
    return masked(chosen.answer(services, entries), services.settings.secrets())


def _answer(chosen: LookUp, entries: Given) -> dict[str, Any]:
    """What the page shows of the answer, or why there is none."""
    try:
        content = _ask(chosen, entries)
    except NotAnswered as why:
        return {"fault": why}
    text, is_cut = raw(content)
    return {
        "answer": readable(content, lambda name, value: _more_about(chosen.system, name, value)),
        "is_empty": content in ([], {}, None),
        "raw": text,
        "is_cut": is_cut,
        "whole": f"{request.path}/answer.json?{urlencode(entries)}",
        "steps": _next_steps(chosen, entries, content),
        "changes": _changes(chosen, entries, content),
    }


def _more_about(system: str, name: str, value: str) -> str | None:
    place = LEADS_TO[str(system)].get(re.sub(r"[^a-z]", "", name.lower()))
    if place is None or not _REFERENCE.fullmatch(value):
        return None
    system, look_up_name, field = place
    return _address_of(system, look_up_name, {field: value})


def _next_steps(chosen: LookUp, entries: Given, content: Any) -> list[tuple[str, str]]:
    """What a person may do with the answer: address and words; addresses of PowerCode's own pages begin with http."""
    if chosen is BY_PLACE["utopia", "order"]:
        return [_order_step(entries["orderref"]), *_site_steps(content)]
    if chosen is BY_PLACE["powercode", "customer"]:
        return [(customer_page(content["customer_id"]), "Open the customer in PowerCode")]
    if chosen.system is System.UTOPIA and "siteid" in entries:
        at_site = {"siteid": entries["siteid"]}
        portal = _address_of("utopia", "access-portal", at_site)
        customer = _address_of("powercode", "customer", at_site)
        return [(portal, "See the site's access portal"), (customer, "Find the site's customer in PowerCode")]
    return []


def _order_step(orderref: str) -> tuple[str, str]:
    with services_of(current_app).database.read() as session:
        known = session.scalar(select(Order.id).filter_by(orderref=orderref)) is not None
    if known:
        return f"/console/orders/{orderref}", "Open the order here"
    return f"/console/orders/new?{urlencode({'orderref': orderref})}", "Take it in by hand"


def _site_steps(content: Any) -> list[tuple[str, str]]:
    siteid = content["address"]["site_id"]
    if not siteid:
        return []
    site = _address_of("utopia", "site", {"siteid": siteid})
    customer = _address_of("powercode", "customer", {"siteid": siteid})
    return [(site, "See the services at the site"), (customer, "Find the site's customer in PowerCode")]


def _changes(chosen: LookUp, entries: Given, content: Any) -> list[tuple[str, str]]:
    """The changes that go with the answer, for administrators; their forms come filled in."""
    names, known = CHANGES_BESIDE.get((str(chosen.system), chosen.name), ((), ()))
    found = {**(content if isinstance(content, dict) else {}), **entries}
    values = {name: str(found[name]) for name in known if found.get(name)}
    return [(BY_NAME[name].title, f"{url_for('changes.change', name=name)}?{urlencode(values)}") for name in names]


def _address_of(system: str, name: str, entries: Given) -> str:
    return f"{url_for('lookups.look_up', system=system, name=name)}?{urlencode(entries)}"
