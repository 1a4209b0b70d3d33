"""Signing in and out."""

import time

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.console.access import requires, safe_address, viewer, viewer_of
from app.console.redirects import lead_to
from app.models import Role, User
from app.people import passwords
from app.people import sign_ins as people_sign_ins
from app.services import services_of

sign_ins = Blueprint("sign_ins", __name__)

PASSKEY_SECONDS = 300
"""How long after the password the passkey may be given."""


AT_MOST = Length(max=passwords.LONGEST, message=f"Write at most {passwords.LONGEST} characters")
NAME_AT_MOST = Length(max=80, message="Write at most 80 characters")


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Name and password."""

    name = StringField("Name", [InputRequired("Write your name"), NAME_AT_MOST])
    password = PasswordField("Password", [InputRequired("Write your password"), AT_MOST])


@sign_ins.route("/login", methods=["GET", "POST"])
def sign_in() -> tuple[str, int] | Response:
    """Sign somebody in, and redirect to the page they wanted."""
    onward = safe_address(request.args.get("next")) or url_for("today.page")
    if current_user.is_authenticated and request.method == "GET":
        return redirect(onward)
    form, refusal, status = SignInForm(), None, 200
    if form.validate_on_submit():
        try:
            _let_in(form)
        except people_sign_ins.PasskeyNeeded as needed:
            session["passkey_of"] = {
                "user_id": needed.user_id,
                "name": needed.name,
                "until": time.time() + PASSKEY_SECONDS,
            }
            return redirect(url_for("passkeys.sign_in", next=safe_address(request.args.get("next"))), 303)
        except people_sign_ins.SignInRefused as refused:
            refusal, status = str(refused), 429 if refused.throttled else 401
        else:
            return redirect(onward, 303)
    elif request.method == "POST":
        status = 422
    page = render_template("console/sign_in.html", form=form, refusal=refusal, nobody_yet=_nobody_yet())
    return page, status


def _let_in(form: SignInForm) -> None:
    database = services_of(current_app).database
    browser = request.headers.get("User-Agent", "")
    begin(people_sign_ins.sign_in(database, form.name.data, form.password.data, request.remote_addr, browser))


def begin(token: str) -> None:
    """Mark the browser as signed in."""
    signed_in = viewer_of(token)
    if signed_in is None:
        raise people_sign_ins.SignInRefused("You were signed out at this moment. Try again")
    session.clear()  # nothing from before the sign-in is kept in the session
    login_user(signed_in)


def _nobody_yet() -> bool:
    with services_of(current_app).database.read() as rows:
        return rows.scalar(select(User.id).limit(1)) is None


@sign_ins.post("/console/sign-out")
@requires(Role.READ_ONLY)
def sign_out() -> Response:
    """End this sign-in."""
    with services_of(current_app).database.write() as rows:
        people_sign_ins.sign_out(rows, viewer().token)
    logout_user()
    session.clear()
    return lead_to("sign_ins.sign_in", "You are signed out.")
