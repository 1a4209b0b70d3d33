"""What follows an order's account: an overview that leads to the page of each part."""

from flask import Blueprint, current_app, render_template

from app.aftercare.overview import overview
from app.console.access import requires
from app.models import Role
from app.services import services_of

aftercare = Blueprint("aftercare", __name__, url_prefix="/console/aftercare")


@aftercare.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """Each part, with what of it waits for somebody."""
    services = services_of(current_app)
    with services.database.read() as session:
        return render_template("console/aftercare/page.html", overview=overview(session), settings=services.settings)
