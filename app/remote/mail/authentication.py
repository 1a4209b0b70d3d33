"""Signing in to the mail server, also with a name or a password that smtplib can't carry: it knows ASCII alone."""

import base64
import smtplib

from app.remote.mail.errors import MailFailed

TAKEN = (235, 503)
"""SMTP replies: signed in, and signed in already."""


def sign_in(host: smtplib.SMTP, name: str, password: str) -> None:
    """Sign in. For letters outside ASCII, only the mechanism PLAIN has a fixed encoding: UTF-8 (RFC 4616).

    Raises `MailFailed` where the server has no PLAIN for such a password, and smtplib's own errors.
    """
    if name.isascii() and password.isascii():
        host.login(name, password)
        return
    host.ehlo_or_helo_if_needed()
    offered = host.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" not in offered:
        raise MailFailed(
            "MAIL_USERNAME or MAIL_PASSWORD has letters outside ASCII, and the mail server offers no way to sign in "
            f"that takes them (it has {', '.join(offered) or 'none at all'}): choose a password of plain letters"
        )
    words = f"\0{name}\0{password}".encode("utf-8", "surrogateescape")
    code, reply = host.docmd("AUTH", f"PLAIN {base64.b64encode(words).decode()}")
    if code not in TAKEN:
        raise smtplib.SMTPAuthenticationError(code, reply)
