"""The console: the pages for staff. `register` adds them to the application, and opens no connection."""

from flask import Flask, redirect
from werkzeug.wrappers import Response

from app.console import access, browser_security, rendering
from app.console.links import LinkedLater
from app.console.pages import PAGES
from app.console.url_ids import UrlId

OLD_ADDRESSES = ("/admin", "/admin/", "/admin/<path:_page>")
"""Addresses of the pages of the old script."""
SPELLINGS = ("/console/", "/Console", "/Console/")
"""How people type the address of the first page."""


def register(app: Flask, public_address: str) -> None:
    """Add the pages, the sign-in and the protection of both."""
    browser_security.configure(app, secure=public_address.startswith("https://"))
    access.guard(app)
    rendering.register(app)
    app.url_map.converters["int"] = UrlId
    app.url_rule_class = LinkedLater
    for page in PAGES:
        app.register_blueprint(page)
    app.add_url_rule("/", access.HOME, _to_the_first_page)
    for old in OLD_ADDRESSES + SPELLINGS:
        app.add_url_rule(old, access.HOME, _to_the_first_page)


def _to_the_first_page(_page: str = "") -> Response:
    return redirect("/console", 303)
