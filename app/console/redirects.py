"""Where a form leads: to a page, with a message at its top."""

from typing import Any

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response


def lead_to(page: str, said: str, category: str = "done", **values: Any) -> Response:
    """Redirect to a page, by its view's name and values; `category` is `done` or `failed`."""
    flash(said, category)
    return redirect(url_for(page, **values), 303)
