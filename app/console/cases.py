"""Cases: what is open and due, and one of them with what there is to do."""

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.aftercare import cases as work
from app.aftercare.case_kinds import CASE_KINDS
from app.console.access import requires, viewer
from app.models import Case, OrderSearch, Role
from app.provisioning.facts import customer_page_of
from app.services import services_of

cases = Blueprint("cases", __name__, url_prefix="/console/aftercare/cases")


@cases.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """The open cases, those due first at the top, and the last that were closed."""
    services = services_of(current_app)
    with services.database.read() as session:
        return render_template(
            "console/aftercare/cases.html",
            open_ones=work.listed(session),
            closed=work.listed(session, closed=True, limit=50),
            day=work.today(services),
        )


@cases.get("/<int:case_id>")
@requires(Role.READ_ONLY)
def show(case_id: int) -> str:
    """One case."""
    services = services_of(current_app)
    with services.database.read() as session:
        case = session.get(Case, case_id) or abort(404)
        found = session.get(OrderSearch, case.order_id) if case.order_id else None
        return render_template(
            "console/aftercare/case.html",
            case=case,
            kind=CASE_KINDS[case.kind],
            found=found,
            day=work.today(services),
            customer_page=customer_page_of(services.settings, case.customer_id) if case.customer_id else None,
        )


@cases.post("/<int:case_id>/close")
@requires(Role.STAFF)
def close(case_id: int) -> Response:
    """Close a case, with a note."""
    note = request.form.get("note", "").strip()
    if not note:
        return _back(case_id, "Nothing was changed: write what was done.", "failed")
    with services_of(current_app).database.write() as session:
        done = work.close(session, case_id, viewer().name, note)
    if not done:
        return _back(case_id, "Somebody closed it already.", "failed")
    return _back(case_id, "The case is closed.")


def _back(case_id: int, said: str, category: str = "done") -> Response:
    flash(said, category)
    return redirect(url_for("cases.show", case_id=case_id), 303)
