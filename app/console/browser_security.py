"""What protects the pages in the browser: cookies, headers, and a token in every form."""

from datetime import timedelta

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf import CSRFProtect

csrf = CSRFProtect()

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Pages have no inline scripts or styles. `data:` pictures are the icons in Pico's style sheet."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
OPEN_TO_MACHINES = frozenset({"callbacks", "report_uploads", "health"})
"""Blueprints with an authentication of their own, or none; their answers are not for browsers."""
ASSETS_KEPT = timedelta(days=30)


class PagesOnly(SecureCookieSessionInterface):
    """Sessions for the console's pages only; requests by machines are answered without loading a session."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session for a page's request; None for a machine's."""
        return super().open_session(app, request) if is_page(request.path) else None


def is_page(path: str) -> bool:
    """Whether the path is a page for people."""
    plain = path.casefold()
    return plain == "/login" or plain.startswith(("/login/", "/console"))


def configure(app: Flask, *, secure: bool) -> None:
    """Set cookies that scripts can't read and other sites can't send; with `secure`, only over https."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-handler" if secure else "handler",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,  # `access` checks the token, for every request except callbacks
        WTF_CSRF_TIME_LIMIT=None,  # a form may stay open all day; the token ends with the session
        SEND_FILE_MAX_AGE_DEFAULT=ASSETS_KEPT,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
    )
    app.session_interface = PagesOnly()
    csrf.init_app(app)
    app.after_request(_protect)
    if secure:
        app.after_request(_stay_secure)


def _protect(response: Response) -> Response:
    if request.blueprint in OPEN_TO_MACHINES:
        return response
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.blueprint is not None and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"  # customers' data stays out of the browser's cache
    return response


def _stay_secure(response: Response) -> Response:
    response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
