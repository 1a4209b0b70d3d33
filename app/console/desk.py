"""What people tell each other about an order, on its page. Nothing of it needs the order to be as they saw it."""

from flask import current_app, flash, redirect, url_for

from app.console.access import viewer
from app.console.decisions import Page, button
from app.console.order import page_of
from app.console.order_forms import ColleaguesNoteForm
from app.console.orders import orders
from app.provisioning import actions, desk, review
from app.services import services_of

__all__ = ["orders"]


@button(actions.NOTE)
def note(orderref: str) -> Page:
    """Keep a note on the order."""
    form = ColleaguesNoteForm()
    if not form.validate():
        return page_of(orderref, {actions.NOTE.code: form}), 422
    try:
        with services_of(current_app).database.write() as session:
            desk.note(session, orderref, viewer().name, form.text.data)
    except review.NotPossible as why:
        flash(f"Nothing was changed: {why}.", "failed")
    else:
        flash("Your note is in the order's story.", "done")
    return redirect(url_for("orders.show", orderref=orderref), 303)
