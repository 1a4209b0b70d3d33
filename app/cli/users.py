"""`flask users`: who may sign in to the console."""

import sys
from typing import Any

import click

from app.cli.base import Commands, as_json, operator, ready_services, show
from app.models import Role
from app.people import audit, passkeys
from app.people import users as everybody
from app.wording.json_fields import json_fields

users = Commands("users", help="People who may sign in to the console.")

OF_USER = ("name", "role", "created_at", "signed_in_at")
ROLES = click.Choice([role.value for role in Role])


def _ask_password(_context: click.Context, _option: click.Parameter, given: str | None) -> str:
    """Read the password from the keyboard or standard input; everybody on the machine can see arguments."""
    if given == "-":
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


password = click.option(
    "--password",
    metavar="-",
    type=click.Choice(["-"]),
    callback=_ask_password,
    help="Read the password from standard input; without it, you are asked.",
)


@users.command("add")
@click.argument("name")
@click.option("--role", type=ROLES, default=Role.STAFF.value, show_default=True)
@password
def add(name: str, role: str, password: str) -> None:
    """Let somebody sign in."""
    with ready_services().database.write() as session:
        user = everybody.add(session, name, password, Role(role))
        audit.record(session, operator(), "user added", user.name, role)
    click.echo(f"{user.name} may sign in as {role}.")


@users.command("list")
@as_json
def list_users(as_json: bool) -> None:
    """List everybody who may sign in."""
    with ready_services().database.read() as session:
        rows = [json_fields(user, *OF_USER) for user in everybody.everybody(session)]
    show(rows, as_json=as_json, in_words=_in_words)


@users.command("passwd")
@click.argument("name")
@password
def passwd(name: str, password: str) -> None:
    """Give somebody a new password; they are signed out everywhere."""
    with ready_services().database.write() as session:
        user = everybody.named(session, name)
        everybody.set_password(session, user, password)
        audit.record(session, operator(), "password changed", user.name)
    click.echo(f"{user.name} has a new password.")


@users.command("role")
@click.argument("name")
@click.argument("role", type=ROLES)
def set_role(name: str, role: str) -> None:
    """Change what somebody may do."""
    with ready_services().database.write() as session:
        user = everybody.named(session, name)
        before = user.role
        everybody.set_role(session, user, Role(role))
        audit.record(session, operator(), "role changed", user.name, f"{before} to {role}")
    click.echo(f"{user.name} is {role} now.")


@users.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Let somebody sign in no more."""
    with ready_services().database.write() as session:
        user = everybody.named(session, name)
        everybody.remove(session, user)
        audit.record(session, operator(), "user removed", user.name, user.role)
    click.echo(f"{user.name} can't sign in any more.")


@users.command("forget-passkeys")
@click.argument("name")
def forget_passkeys(name: str) -> None:
    """Take somebody's passkeys away, as when one is lost: the password is enough then, until they add another."""
    with ready_services().database.write() as session:
        user = everybody.named(session, name)
        count = passkeys.remove_all(session, user)
        everybody.sign_out_everywhere(session, user)
        audit.record(session, operator(), "passkeys removed", user.name, str(count))
    click.echo(f"{user.name} has no passkey any more ({count} removed), and is signed out everywhere.")


def _in_words(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "Nobody can sign in yet: users add NAME --role administrator"
    return "\n".join(f"{row['name']:24} {row['role']:14} {row['signed_in_at'] or 'never signed in'}" for row in rows)
