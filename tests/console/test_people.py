"""The people's pages: let in, changed, signed out and removed, each with its trace."""

from sqlalchemy import select

from app.models import Role, SignIn, User
from tests.conftest import Service
from tests.console.browsers import Browsing
from tests.console.persons import NAMES, PASSWORD, Person, add_user, audited

NEW = {"name": "Nora New", "role": "staff", "password": "fiber in the attic"}


def user_id(service: Service, name: str) -> int:
    return service.one(select(User.id).filter_by(name=name))


def test_somebody_who_is_let_in_can_sign_in(service: Service, as_administrator: Person, as_nobody: Person) -> None:
    assert as_administrator.post("/console/people", NEW).status_code == 303

    assert as_nobody.sign_in("Nora New", "fiber in the attic").status_code == 303
    assert audited(service) == [("Ada Administrator", "user added", "Nora New", "staff")]


def test_a_fault_is_told_at_its_field_and_what_was_typed_stays(as_administrator: Person) -> None:
    taken = as_administrator.post("/console/people", {**NEW, "name": "ada administrator"})
    weak = as_administrator.post("/console/people", {**NEW, "password": "short"})

    assert taken.status_code == weak.status_code == 422
    assert "There is a user" in taken.text
    assert "10 to 200 characters" in weak.text
    assert 'value="Nora New"' in weak.text
    assert "short" not in weak.text.split('name="password"')[1].split(">")[0]


def test_a_password_is_never_shown_again(as_administrator: Person) -> None:
    assert NEW["password"] not in as_administrator.post("/console/people", {**NEW, "name": ""}).text


def test_a_role_that_does_not_exist_is_refused(service: Service, as_administrator: Person) -> None:
    add_user(service, Role.STAFF)
    answer = as_administrator.post(f"/console/people/{user_id(service, NAMES[Role.STAFF])}/role", {"role": "superuser"})

    assert answer.status_code == 400


def test_the_only_administrator_can_not_lock_everybody_out(service: Service, as_administrator: Person) -> None:
    ada = user_id(service, NAMES[Role.ADMINISTRATOR])

    as_administrator.post(f"/console/people/{ada}/role", {"role": "staff"})
    as_administrator.post(f"/console/people/{ada}/remove")

    page = as_administrator.get("/console/people")
    assert page.status_code == 200
    assert "only administrator" in page.text


def test_another_role_counts_at_the_next_page(service: Service, as_administrator: Person, as_staff: Person) -> None:
    assert as_staff.get("/console/orders/new").status_code != 403
    as_administrator.post(f"/console/people/{user_id(service, NAMES[Role.STAFF])}/role", {"role": "read_only"})

    assert as_staff.get("/console/orders/new").status_code == 403
    assert audited(service)[-1] == ("Ada Administrator", "role changed", "Stan Staff", "staff to read-only")


def test_a_removed_person_is_out_at_once_and_can_not_come_back(
    service: Service, as_administrator: Person, as_staff: Person
) -> None:
    as_administrator.post(f"/console/people/{user_id(service, NAMES[Role.STAFF])}/remove")

    assert as_staff.get("/console").status_code == 303
    assert as_staff.sign_in(NAMES[Role.STAFF]).status_code == 401


def test_a_new_password_from_the_administrator_ends_the_old_sign_ins(
    service: Service, as_administrator: Person, as_staff: Person
) -> None:
    path = f"/console/people/{user_id(service, NAMES[Role.STAFF])}/password"
    assert as_administrator.post(path, {"password": "weak"}).status_code == 422
    assert as_administrator.post(path, {"password": "fiber in the attic"}).status_code == 303

    assert as_staff.get("/console").status_code == 303
    assert as_staff.sign_in(NAMES[Role.STAFF], "fiber in the attic").status_code == 303


def test_one_s_own_password_needs_the_old_one(service: Service, as_staff: Person) -> None:
    new = {"password": "fiber in the attic", "again": "fiber in the attic"}

    assert "This is not your password" in as_staff.post("/console/people/me", {**new, "current": "wrong"}).text
    differing = as_staff.post("/console/people/me", {**new, "again": "another", "current": PASSWORD})
    assert "Write the same password twice" in differing.text
    assert as_staff.post("/console/people/me", {**new, "current": PASSWORD}).status_code == 303
    assert as_staff.get("/console").status_code == 200
    assert audited(service) == [("Stan Staff", "password changed", "Stan Staff", None)]


def test_signing_out_everywhere_else_leaves_this_browser_in(service: Service, as_staff: Person) -> None:
    other = Person(service.app.test_client())
    other.sign_in(NAMES[Role.STAFF])

    as_staff.post("/console/people/me/sign-out-elsewhere")

    assert as_staff.get("/console").status_code == 200
    assert other.get("/console").status_code == 303


def test_one_sign_in_is_ended_by_itself_and_nobody_elses(
    service: Service, as_staff: Person, as_administrator: Person
) -> None:
    other = Person(service.app.test_client())
    other.sign_in(NAMES[Role.STAFF])
    of_staff, of_admin, others = service.rows(select(SignIn.id).order_by(SignIn.id))

    as_staff.post(f"/console/people/me/sign-ins/{others}/end")
    as_staff.post(f"/console/people/me/sign-ins/{of_admin}/end")

    assert [person.get("/console").status_code for person in (as_staff, other, as_administrator)] == [200, 303, 200]
    path = f"/console/people/{user_id(service, NAMES[Role.STAFF])}/sign-ins/{of_staff}/end"
    assert as_administrator.post(path).status_code == 303
    assert as_staff.get("/console").status_code == 303


def test_a_hostile_browser_s_name_stays_a_text(service: Service, as_administrator: Person) -> None:
    add_user(service, Role.STAFF)
    stranger = Person(service.app.test_client())
    stranger.sign_in(NAMES[Role.STAFF], headers={"User-Agent": "<script>alert(1)</script>"})

    page = as_administrator.get(f"/console/people/{user_id(service, NAMES[Role.STAFF])}").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_an_administrator_lets_somebody_in_with_the_keyboard_alone(
    service: Service, browse_as_administrator: Browsing
) -> None:
    page = browse_as_administrator.goto("/console/people")
    page.get_by_label("Name").focus()
    page.keyboard.type("Nora New")
    page.keyboard.press("Tab")
    page.keyboard.type("staff")
    page.keyboard.press("Tab")
    page.keyboard.type("fiber in the attic")
    page.keyboard.press("Enter")

    page.get_by_text("Nora New may sign in now.").wait_for()
    assert audited(service)[-1][3] == "staff"
