"""Pages of a part that a setting can switch off: while it is off, each of its addresses only says so."""

from flask import Blueprint, current_app, render_template

from app.aftercare.switches import Part
from app.services import services_of


def only_while_on(part: Part, pages: Blueprint) -> None:
    """Refuse every request to these pages while the part is off; who may not see them is refused before that."""

    def refuse() -> tuple[str, int] | None:
        if part.is_on(services_of(current_app).settings):
            return None
        return render_template("console/aftercare/switched_off.html", part=part), 404

    pages.before_request(refuse)
