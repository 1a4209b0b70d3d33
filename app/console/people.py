"""People: who may sign in, with which role, where they are signed in, and who changed what."""

from collections.abc import Sequence

from flask import Blueprint, abort, current_app, render_template
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo, InputRequired, Length

from app.console.access import ROLE_NAMES, ROLES, requires, viewer
from app.console.redirects import lead_to
from app.models import Role, SignIn, User
from app.people import audit, passwords, users
from app.people.passkeys import are_asked
from app.services import services_of

people = Blueprint("people", __name__, url_prefix="/console/people")

ROLE_CHOICES = [SelectChoice(role.value, ROLE_NAMES[role]) for role in ROLES]
ENTRIES_SHOWN = 50
AT_MOST = Length(max=passwords.LONGEST, message=f"Write at most {passwords.LONGEST} characters")


def _password_field(label: str) -> PasswordField:
    text = f"At least {passwords.SHORTEST} characters; several words make a good one."
    return PasswordField(label, [InputRequired("Write a password"), AT_MOST], description=text)


class NewUserForm(FlaskForm):  # type: ignore[misc]
    """A new user."""

    name = StringField("Name", [InputRequired("Write a name"), Length(max=80, message="Write at most 80 characters")])
    role = SelectField("Role", choices=ROLE_CHOICES, default=Role.STAFF.value)
    password = _password_field("Password")


class RoleForm(FlaskForm):  # type: ignore[misc]
    """Another role."""

    role = SelectField("Role", choices=ROLE_CHOICES)


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password for somebody else."""

    password = _password_field("New password")


class OwnPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password for oneself."""

    current = PasswordField("Password so far", [InputRequired("Write your password"), AT_MOST])
    password = _password_field("New password")
    again = PasswordField("New password, again", [EqualTo("password", "Write the same password twice")])


@people.get("")
@requires(Role.ADMINISTRATOR)
def page() -> str:
    """All users, and what was changed lately."""
    return _everybody(NewUserForm())


def _everybody(form: NewUserForm) -> str:
    with services_of(current_app).database.read() as session:
        return render_template(
            "console/people/everybody.html",
            form=form,
            everybody=[(user, _places(session, user)) for user in users.everybody(session)],
            entries=audit.entries(session, ENTRIES_SHOWN),
            passkeys_asked=are_asked(session),
        )


def _places(session: Session, user: User) -> Sequence[SignIn]:
    return session.scalars(select(SignIn).filter_by(user_id=user.id).order_by(SignIn.last_seen_at.desc())).all()


@people.post("")
@requires(Role.ADMINISTRATOR)
def add() -> tuple[str, int] | Response:
    """Add a user."""
    form = NewUserForm()
    if form.validate_on_submit():
        try:
            with services_of(current_app).database.write() as session:
                user = users.add(session, form.name.data, form.password.data, Role(form.role.data))
                audit.record(session, viewer().name, "user added", user.name, ROLE_NAMES[Role(user.role)])
        except users.NotPossible as why:
            form.name.errors = [str(why)]
        except passwords.WeakPassword as why:
            form.password.errors = [str(why)]
        else:
            return lead_to("people.page", f"{user.name} may sign in now.")
    return _everybody(form), 422


@people.get("/<int:user_id>")
@requires(Role.ADMINISTRATOR)
def one(user_id: int) -> str:
    """A user, and what can be changed."""
    return _one(user_id, PasswordForm())


def _one(user_id: int, form: PasswordForm) -> str:
    with services_of(current_app).database.read() as session:
        user = _user(session, user_id)
        places = _places(session, user)
    role_form = RoleForm(formdata=None, role=user.role)
    return render_template("console/people/one.html", user=user, places=places, form=form, role_form=role_form)


def _user(session: Session, user_id: int) -> User:
    return session.get(User, user_id) or abort(404)


@people.post("/<int:user_id>/role")
@requires(Role.ADMINISTRATOR)
def set_role(user_id: int) -> Response:
    """Change what somebody may do."""
    form = RoleForm()
    if not form.validate_on_submit():
        abort(400)
    try:
        with services_of(current_app).database.write() as session:
            user = _user(session, user_id)
            before = ROLE_NAMES[Role(user.role)]
            users.set_role(session, user, Role(form.role.data))
            audit.record(
                session, viewer().name, "role changed", user.name, f"{before} to {ROLE_NAMES[Role(user.role)]}"
            )
    except users.NotPossible as why:
        return lead_to("people.one", str(why), "failed", user_id=user_id)
    return lead_to("people.page", f"{user.name} is {ROLE_NAMES[Role(user.role)]} now.")


@people.post("/<int:user_id>/password")
@requires(Role.ADMINISTRATOR)
def set_password(user_id: int) -> tuple[str, int] | Response:
    """Give somebody a new password; ends their sign-ins."""
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            with services_of(current_app).database.write() as session:
                user = _user(session, user_id)
                users.set_password(session, user, form.password.data)
                audit.record(session, viewer().name, "password changed", user.name)
        except passwords.WeakPassword as why:
            form.password.errors = [str(why)]
        else:
            return lead_to("people.page", f"{user.name} has a new password and is signed out everywhere.")
    return _one(user_id, form), 422


@people.post("/<int:user_id>/sign-out")
@requires(Role.ADMINISTRATOR)
def sign_out(user_id: int) -> Response:
    """End somebody's sign-ins, everywhere."""
    with services_of(current_app).database.write() as session:
        user = _user(session, user_id)
        count = users.sign_out_everywhere(session, user)
        audit.record(session, viewer().name, "signed out", user.name)
    return lead_to("people.page", f"{user.name} is signed out ({count} {'place' if count == 1 else 'places'}).")


@people.post("/<int:user_id>/sign-ins/<int:place>/end")
@requires(Role.ADMINISTRATOR)
def end_sign_in(user_id: int, place: int) -> Response:
    """End one of somebody's sign-ins."""
    with services_of(current_app).database.write() as session:
        user = _user(session, user_id)
        if users.end_sign_in(session, user, place):
            audit.record(session, viewer().name, "signed out", user.name, "in one place")
    return lead_to("people.one", "This sign-in is ended.", user_id=user_id)


@people.post("/<int:user_id>/remove")
@requires(Role.ADMINISTRATOR)
def remove(user_id: int) -> Response:
    """Remove a user, who can't sign in any more."""
    try:
        with services_of(current_app).database.write() as session:
            user = _user(session, user_id)
            users.remove(session, user)
            audit.record(session, viewer().name, "user removed", user.name, ROLE_NAMES[Role(user.role)])
    except users.NotPossible as why:
        return lead_to("people.one", str(why), "failed", user_id=user_id)
    return lead_to("people.page", f"{user.name} can't sign in any more.")


@people.get("/me")
@requires(Role.READ_ONLY)
def me() -> str:
    """One's own sign-ins and password."""
    return _me(OwnPasswordForm())


def _me(form: OwnPasswordForm) -> str:
    with services_of(current_app).database.read() as session:
        places = _places(session, session.get_one(User, viewer().id))
    return render_template("console/people/me.html", places=places, form=form)


@people.post("/me")
@requires(Role.READ_ONLY)
def set_own_password() -> tuple[str, int] | Response:
    """Change one's own password; ends one's other sign-ins."""
    form = OwnPasswordForm()
    if form.validate_on_submit() and _change_own_password(form):
        return lead_to("people.me", "Your password is changed. You were signed out everywhere else.")
    return _me(form), 422


def _change_own_password(form: OwnPasswordForm) -> bool:
    """Whether the password was changed; if not, the reason is at the field."""
    database = services_of(current_app).database
    with database.read() as session:
        known = session.get_one(User, viewer().id).password_hash
    if not passwords.matches(form.current.data, known):
        form.current.errors = ["This is not your password: write the one that you signed in with"]
        return False
    try:
        with database.write() as session:
            user = session.get_one(User, viewer().id)
            users.set_password(session, user, form.password.data, staying=viewer().place)
            audit.record(session, viewer().name, "password changed", user.name)
    except passwords.WeakPassword as why:
        form.password.errors = [str(why)]
        return False
    return True


@people.post("/me/sign-out-elsewhere")
@requires(Role.READ_ONLY)
def sign_out_elsewhere() -> Response:
    """End one's sign-ins in other browsers."""
    with services_of(current_app).database.write() as session:
        users.sign_out_everywhere(session, session.get_one(User, viewer().id), but=viewer().place)
    return lead_to("people.me", "You are signed out everywhere else.")


@people.post("/me/sign-ins/<int:place>/end")
@requires(Role.READ_ONLY)
def end_own_sign_in(place: int) -> Response:
    """End one of one's own sign-ins."""
    with services_of(current_app).database.write() as session:
        users.end_sign_in(session, session.get_one(User, viewer().id), place)
    return lead_to("people.me", "This sign-in is ended.")
