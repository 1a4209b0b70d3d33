"""Passkeys: adding one, signing in with it, requiring one of administrators. The browser's part is `passkeys.js`."""

import time
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, session, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from app.console.access import requires, safe_address, viewer
from app.console.redirects import lead_to
from app.console.sign_ins import begin
from app.models import Role, SignIn, User
from app.people import audit, sign_ins
from app.people import passkeys as people_passkeys
from app.people.passkeys import PasskeyRefused, Place
from app.services import services_of

passkeys = Blueprint("passkeys", __name__)

LONGEST_ANSWER = 20_000


def _place() -> Place:
    return Place.of(services_of(current_app).settings.public_address)


@passkeys.get("/console/people/me/passkeys")
@requires(Role.READ_ONLY)
def page() -> str:
    """One's own passkeys, and a button for one more."""
    place = _place()
    with services_of(current_app).database.read() as rows:
        own = people_passkeys.of_user(rows, viewer().id)
        options = people_passkeys.creation(place, rows.get_one(User, viewer().id), own) if place.is_safe else None
    if options:
        session["new_passkey"] = options["challenge"]
    return render_template("console/people/passkeys.html", passkeys=own, options=options, place=place)


@passkeys.post("/console/people/me/passkeys")
@requires(Role.READ_ONLY)
def add() -> Response:
    """Keep the passkey that the browser has just made; from now on this sign-in counts as one with a passkey."""
    challenge, answer = session.pop("new_passkey", ""), _answer()
    try:
        with services_of(current_app).database.write() as rows:
            made = people_passkeys.add(
                rows, _place(), viewer().id, challenge=challenge, answer=answer, name=request.form.get("name", "")
            )
            rows.get_one(SignIn, viewer().place).with_passkey = True
            audit.record(rows, viewer().name, "passkey added", viewer().name, made.name)
    except PasskeyRefused as why:
        flash(f"{why}.", "failed")
    except IntegrityError:
        flash("This passkey is here already.", "failed")
    else:
        flash(f"The passkey “{made.name}” is added. From now on it is asked for when you sign in.", "done")
    return redirect(url_for("passkeys.page"), 303)


@passkeys.post("/console/people/me/passkeys/<int:passkey_id>/remove")
@requires(Role.READ_ONLY)
def remove(passkey_id: int) -> Response:
    """Take one of one's own passkeys away."""
    with services_of(current_app).database.write() as rows:
        if people_passkeys.remove(rows, viewer().id, passkey_id):
            audit.record(rows, viewer().name, "passkey removed", viewer().name)
    return lead_to("passkeys.page", "The passkey is removed.")


@passkeys.post("/console/people/passkeys")
@requires(Role.ADMINISTRATOR)
def ask() -> Response:
    """Require a passkey of all administrators, or of nobody any more."""
    needed = request.form.get("needed") == "yes"
    with services_of(current_app).database.write() as rows:
        if needed and not people_passkeys.of_user(rows, viewer().id):
            flash("Add a passkey of your own first: you could not come back here otherwise.", "failed")
            return redirect(url_for("passkeys.page"), 303)
        people_passkeys.ask_of_administrators(rows, needed)
        audit.record(rows, viewer().name, "passkeys asked" if needed else "passkeys not asked", "administrators")
    told = "A passkey is asked of all administrators now." if needed else "A password is enough again."
    return lead_to("people.page", told)


@passkeys.route("/login/passkey", methods=["GET", "POST"])
def sign_in() -> tuple[str, int] | Response:
    """The second half of a sign-in: the passkey, after the password."""
    pending = _pending()
    if pending is None:
        return redirect(url_for("sign_ins.sign_in"), 303)
    onward = safe_address(request.args.get("next")) or url_for("today.page")
    refusal, status = None, 200
    if request.method == "POST":
        try:
            _let_in(pending)
        except (PasskeyRefused, sign_ins.SignInRefused) as refused:
            refusal, status = str(refused), 401
        else:
            return redirect(onward, 303)
    with services_of(current_app).database.read() as rows:
        options = people_passkeys.request(_place(), people_passkeys.of_user(rows, pending["user_id"]))
    session["passkey_of"] = {**pending, "challenge": options["challenge"]}
    return render_template(
        "console/sign_in_passkey.html", options=options, name=pending["name"], refusal=refusal
    ), status


def _pending() -> dict[str, Any] | None:
    """Who gave the right password in this browser a moment ago, and has still to use the passkey."""
    found = session.get("passkey_of")
    return found if isinstance(found, dict) and found["until"] > time.time() else None


def _let_in(pending: dict[str, Any]) -> None:
    answer, challenge, user_id = _answer(), str(pending.get("challenge", "")), int(pending["user_id"])
    session["passkey_of"] = {**pending, "challenge": ""}  # each challenge is used once
    place, browser = _place(), request.headers.get("User-Agent", "")
    database = services_of(current_app).database
    token = sign_ins.sign_in_with_passkey(
        database,
        user_id,
        lambda rows: people_passkeys.check(rows, place, user_id, challenge, answer),
        request.remote_addr,
        browser,
    )
    begin(token)


def _answer() -> str:
    answer = request.form.get("answer", "")
    if not answer or len(answer) > LONGEST_ANSWER:
        abort(400)
    return answer
