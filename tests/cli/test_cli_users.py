"""`flask users`: how the first person gets in, and how somebody gets in again who forgot the password."""

import json

from click.testing import Result

from tests.conftest import Service
from tests.console.persons import Person
from tests.tools.command_runs import failed, printed

PASSWORD = "fiber to every door\n"


def run(service: Service, *arguments: str, typed: str = "") -> Result:
    return service.app.test_cli_runner().invoke(args=["users", *arguments], input=typed)


def test_the_first_administrator_can_be_made_on_the_server(service: Service) -> None:
    made = run(service, "add", "Ada", "--role", "administrator", "--password", "-", typed=PASSWORD)

    assert made.exit_code == 0, made.stderr
    assert Person(service.app.test_client()).sign_in("Ada").status_code == 303
    assert [row["role"] for row in printed(run(service, "list", "--json"))] == ["administrator"]


def test_a_password_is_asked_for_twice_and_never_shown(service: Service) -> None:
    made = run(service, "add", "Stan", typed=PASSWORD * 2)

    assert made.exit_code == 0, made.stderr
    assert PASSWORD.strip() not in made.output
    assert "as staff" in made.output


def test_a_password_can_not_stand_in_the_arguments(service: Service) -> None:
    refused = run(service, "add", "Stan", "--password", "fiber to every door")

    assert refused.exit_code == 2


def test_a_weak_password_is_refused_in_one_line(service: Service) -> None:
    assert "10 to 200 characters" in failed(run(service, "add", "Stan", "--password", "-", typed="short\n"))


def test_a_forgotten_password_is_replaced_and_ends_the_old_sign_ins(service: Service) -> None:
    run(service, "add", "Stan", "--password", "-", typed=PASSWORD)
    stan = Person(service.app.test_client())
    stan.sign_in("Stan")

    assert run(service, "passwd", "stan", "--password", "-", typed="fiber in the attic\n").exit_code == 0

    assert stan.get("/console").status_code == 303
    assert stan.sign_in("Stan", "fiber in the attic").status_code == 303


def test_a_role_can_be_changed_and_a_user_removed(service: Service) -> None:
    run(service, "add", "Ada", "--role", "administrator", "--password", "-", typed=PASSWORD)
    run(service, "add", "Stan", "--password", "-", typed=PASSWORD)

    assert run(service, "role", "Stan", "read_only").exit_code == 0
    assert {row["name"]: row["role"] for row in json.loads(run(service, "list", "--json").stdout)} == {
        "Ada": "administrator",
        "Stan": "read_only",
    }
    assert run(service, "remove", "Stan").exit_code == 0
    assert "Ada" in run(service, "list").stdout
    assert "Stan" not in run(service, "list").stdout


def test_the_only_administrator_stays(service: Service) -> None:
    run(service, "add", "Ada", "--role", "administrator", "--password", "-", typed=PASSWORD)

    assert "only administrator" in failed(run(service, "remove", "Ada"))


def test_a_name_that_nobody_has_is_named(service: Service) -> None:
    assert 'no user "Nobody"' in failed(run(service, "passwd", "Nobody", "--password", "-", typed=PASSWORD))


def test_without_anybody_the_list_says_how_to_begin(service: Service) -> None:
    assert "users add" in run(service, "list").stdout
