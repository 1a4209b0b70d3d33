"""Who may see and do what: whatever is not allowed by name is refused.

A view says with `requires` which role it needs. A view that says nothing is refused to everybody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit

from flask import Flask, abort, current_app, flash, g, redirect, request, url_for
from flask_login import LoginManager, current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.console.browser_security import OPEN_TO_MACHINES, csrf
from app.models import Role
from app.people import sign_ins
from app.services import services_of

View = TypeVar("View", bound=Callable[..., Any])

ROLES = tuple(Role)
"""The role with the fewest rights first."""
ROLE_NAMES = {Role.READ_ONLY: "read-only", Role.STAFF: "staff", Role.ADMINISTRATOR: "administrator"}

HOME = "home"
OPEN_PAGES = frozenset({"static", "sign_ins.sign_in", "passkeys.sign_in", HOME})


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page. `token` is the token of the sign-in, `place` its row's number."""

    id: int
    name: str
    role: Role
    place: int
    token: str
    lacks_passkey: bool = False
    """This user must have a passkey, and signed in without one."""

    is_active = is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the sign-in, not the user, so that one sign-in can be ended alone."""
        return self.token

    def may(self, role: str) -> bool:
        """Whether the viewer may do what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(Role(role))


def viewer() -> Viewer:
    """Who looks at the page; call it only in views that require a role."""
    return cast(Viewer, current_user)


def requires(role: Role) -> Callable[[View], View]:
    """Let in whoever has at least this role."""

    def mark(view: View) -> View:
        view.required_role = role  # type: ignore[attr-defined]
        return view

    return mark


def guard(app: Flask) -> None:
    """Look at every request before its view does."""
    manager = LoginManager()
    manager.init_app(app, add_context_processor=False)  # no template uses it, and it would query the database
    manager.session_protection = None  # sign-ins expire; a changed IP address proves no theft
    manager.user_loader(viewer_of)
    app.before_request(_admit)


def viewer_of(token: str) -> Viewer | None:
    """Who signed in with the token; None when the sign-in has ended."""
    database = services_of(current_app).database
    with database.read() as session:
        found = sign_ins.find(session, token)
    if found is None:
        return None
    user, place = found
    if sign_ins.is_due(place) and not is_fragment():  # a page that refreshes itself shows no activity
        _note_seen(place.id)
    lacks_passkey = user.needs_passkey and not place.with_passkey
    return Viewer(user.id, user.name, Role(user.role), place.id, token, lacks_passkey)


def _note_seen(place: int) -> None:
    try:
        with services_of(current_app).database.write() as session:
            sign_ins.seen(session, place)
    except SQLAlchemyError:
        current_app.logger.warning("A sign-in's last use could not be noted")


def _admit() -> Response | None:
    endpoint = request.endpoint
    if endpoint is None or request.blueprint in OPEN_TO_MACHINES:
        return None
    if endpoint not in OPEN_PAGES:
        refused = _refuse(current_app.view_functions[endpoint])
        if refused is not None:
            return refused
    _refuse_nul()
    csrf.protect()
    return None


def _refuse_nul() -> None:
    """Refuse NUL characters for all pages, the sign-in included: PostgreSQL can't store them."""
    values = (value for _, value in request.values.items(multi=True))
    if any("\0" in text for text in (request.path, *values)):
        abort(400)


def _refuse(view: Callable[..., Any]) -> Response | None:
    if not current_user.is_authenticated:
        return to_sign_in()
    required = getattr(view, "required_role", None)
    if required is None or not viewer().may(required):
        g.required_role = required
        abort(403)
    if viewer().lacks_passkey and required == Role.ADMINISTRATOR:
        flash("For this, a passkey is asked of administrators. Add one here, or sign in with it again.", "failed")
        return redirect(url_for("passkeys.page"), 303)
    return None


def to_sign_in() -> Response:
    """Redirect to the sign-in, which leads back to the requested page."""
    asked = f"{quote(request.path, safe='/:')}?{request.query_string.decode('latin-1')}".rstrip("?")
    back = asked if request.method == "GET" and not is_fragment() else None
    address = url_for("sign_ins.sign_in", next=back)
    if is_fragment():
        # htmx would follow a redirect unseen, and put the sign-in form into the middle of the page.
        return Response(status=401, headers={"HX-Redirect": address})
    return redirect(address, 303)


def is_fragment() -> bool:
    """Whether htmx requests a part of a page."""
    return request.headers.get("HX-Request") == "true"


def safe_address(address: str | None) -> str | None:
    """The address if it is one of the console's, or None: our sign-in must not redirect people to another site."""
    if not address or "\\" in address or any(ord(character) < 33 for character in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    inside = parts.path == "/console" or parts.path.startswith("/console/")
    return address if inside and not parts.scheme and not parts.netloc else None
