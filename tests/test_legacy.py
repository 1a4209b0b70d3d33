"""What the scripts that were in use before left behind: taken over, told, or left where it is; never guessed."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app.legacy import environment, orders, people
from app.legacy import texts as texts_taken
from app.legacy.findings import Became, Entry
from app.models import AuditEntry, DigestWindow, Order, User
from app.people import passwords
from app.texts import files, versions
from config import PROJECT
from tests import old_folder
from tests.command_runs import ORDER, commands, failed, printed, run
from tests.conftest import Service

OTHER = "UIA202411-000002"
INVENTED = "UNKNOWN_20261101_100000_ab12cd34"
HASH = generate_password_hash("fiber to every door", method="scrypt:1024:8:1")
BCRYPT = bcrypt.hashpw(b"fiber to every door", bcrypt.gensalt(4)).decode()
PBKDF2 = generate_password_hash("fiber to every door", method="pbkdf2:sha256:1000")


def leave(folder: Path, **files: Any) -> Path:
    """A folder with what the scripts left: `failed_orders`, `users`, `last_run_date` as JSON or text, `env` as text."""
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / (".env" if name == "env" else f"{name}.json")).write_text(text)
    return folder


def imported(service: Service, folder: Path, *options: str) -> Any:
    return run(service, "import", "legacy", str(folder), "--no-wait", *options)


def report(service: Service, folder: Path, *options: str) -> dict[str, list[tuple[str, str]]]:
    """Each file's entries: what it is, and what became of it. Also of a run that left something out."""
    said = json.loads(imported(service, folder, "--json", *options).stdout)
    return {file["file"]: [(one["subject"], one["became"]) for one in file["entries"]] for file in said["files"]}


def why(service: Service, folder: Path, name: str) -> str:
    said = json.loads(imported(service, folder, "--json").stdout)
    (file,) = (file for file in said["files"] if file["file"] == name)
    return "; ".join(entry["why"] for entry in file["entries"])


def users(service: Service) -> dict[str, str]:
    with service.services.database.read() as session:
        return {row.name: row.role for row in session.execute(select(User.name, User.role))}


# All of it


def test_everything_the_scripts_left_is_taken_over_once(service: Service, tmp_path: Path) -> None:
    service.order()
    folder = leave(
        tmp_path,
        failed_orders=[{"orderref": ORDER, "error": "timeout", "customer": "Ada Lind"}],
        users={"ada": {"password": HASH, "role": "admin"}},
        last_run_date={"last_run_date": "14/11/2026"},
    )

    result = imported(service, folder)

    assert result.exit_code == 0, result.output
    assert service.rested(ORDER)["state"] == "completed"
    assert users(service) == {"ada": "administrator"}
    with service.services.database.read() as session:
        assert session.scalars(select(DigestWindow.starts_on)).one().isoformat() == "2026-11-14"
    again = report(service, folder)
    assert {became for entries in again.values() for _, became in entries} == {"here already"}
    assert imported(service, folder).exit_code == 0
    assert len(service.sandbox.powercode.customers) == 1


def test_a_dry_run_takes_and_starts_nothing(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders=[ORDER], users={"ada": HASH}, last_run_date={"last_run_date": "14/11/2026"})

    said = report(service, folder, "--dry-run")

    assert [became for entries in said.values() for _, became in entries] == ["taken"] * 3
    assert "Nothing is taken" in imported(service, folder, "--dry-run").stdout
    with service.services.database.read() as session:
        assert [session.scalars(select(model.id)).all() for model in (Order, User, DigestWindow, AuditEntry)] == [
            []
        ] * 4


def test_without_a_service_the_orders_are_followed_to_their_end(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    with commands(tmp_path) as (sandbox, process):
        sandbox.utopia.add_order(ORDER)
        result = printed(process.run("import", "legacy", str(leave(old, failed_orders=[ORDER])), "--json"))

    assert result["orders"] == [{"orderref": ORDER, "state": "completed", "reason": None}]


def test_a_broken_file_keeps_none_of_the_others_back(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders="{", users={"ada": HASH}, last_run_date="[1")

    said = failed(imported(service, folder))

    assert said.startswith("2 of what is in")
    assert users(service) == {"ada": "staff"}


def test_a_folder_without_any_of_the_files_is_told(service: Service, tmp_path: Path) -> None:
    assert "none of these" in failed(imported(service, tmp_path))
    assert "There is no folder" in failed(imported(service, tmp_path / "nowhere"))


def test_the_files_are_left_as_they_are(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders=[], users={"ada": HASH}, env="PC_DUE_BY_DAYS=5\n")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    imported(service, folder)

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_the_dry_run_is_the_checklist_for_the_day(service: Service, tmp_path: Path) -> None:
    folder = old_folder.make(tmp_path / "old", old_folder.environment(CUSTOMER_PORTAL_PASSWORD="the same for all"))

    result = imported(service, folder, "--dry-run")
    words = imported(service, folder, "--dry-run", "--json")

    assert result.exit_code == 0, result.stderr
    checklist = json.loads(words.stdout)
    counts = {file["file"]: file["counts"] for file in checklist["files"]}
    assert counts["failed_orders.json"] == {"entries": 3, "taken": 1, "left out": 2}
    assert all(sum(each.values()) == 2 * each["entries"] for each in counts.values())
    told = {entry["subject"] for file in checklist["files"] for entry in file["entries"]}
    assert {*old_folder.environment(), *(file.name for file in folder.iterdir() if file.suffix != ".json")} <= {
        *(told | {".env", "ticket_descriptions"})
    }
    changes = {each["what"]: each for each in checklist["differences"]}
    assert "203" in changes["Quantity of each plan and of the bond fee"]["to_keep"]
    assert "PC_TICKET_SUMMARY=BZN - Customer" in changes["The ticket's summary"]["to_keep"]
    assert "the same for all" in changes["The portal password of a new customer"]["before"]
    assert "that day itself" in changes["The first digest"]["from_now_on"]
    assert {"Who may do what", "Placeholders in the ticket's text"} <= changes.keys()
    for part in ("systemctl disable --now api_callback.service", "/run/api_callback.sock", "http://127.0.0.1:5050"):
        assert part in result.stdout
    for secret in ("the-old-secret-key", "a-google-token", "a-google-secret", "ada.lind@example.com"):
        assert secret not in result.stdout


def test_the_ticket_scripts_folder_alone_is_taken_over_too(service: Service, tmp_path: Path) -> None:
    leave(tmp_path, last_run_date={"last_run_date": "14/11/2026"})
    (tmp_path / "raw_data.csv").write_text("Ada,Lind,ada.lind@example.com\n")

    said = report(service, tmp_path)

    assert said["last_run_date.json"] == [("the day of the last run", "taken")]
    assert said["the rest of the folder"] == [("raw_data.csv", "left out")]


def test_without_a_last_run_the_first_window_is_told_with_the_old_one(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, env="", users=[])

    changes = json.loads(imported(service, folder, "--dry-run", "--json").stdout)["differences"]

    (first,) = (each for each in changes if each["what"] == "The first digest")
    assert (first["before"], first["from_now_on"]) == (
        *("18 months back", "the last 7 days (DIGEST_FIRST_WINDOW_DAYS)"),
    )
    assert "DIGEST_FIRST_WINDOW_DAYS=548" in first["to_keep"]


# failed_orders.json


@pytest.mark.parametrize(
    "content",
    [
        [ORDER],
        [{"orderref": ORDER}],
        [{"order_ref": f" {ORDER} ", "reason": "timeout"}],
        {"failed_orders": [{"OrderRef": ORDER}]},
        {ORDER: {"error": "timeout"}},
        {ORDER: "timeout"},
        {"orderref": ORDER, "msg": "Project New Order"},
        {ORDER: {"orderref": ORDER, "customer_data": {"name": "Ada Lind"}, "retry_count": 3, "resolved": False}},
        [{"orderref": ORDER, "resolved": "no"}],
    ],
)
def test_a_failed_order_is_found_in_every_form_that_means_one(
    service: Service, tmp_path: Path, content: object
) -> None:
    folder = leave(tmp_path, failed_orders=content)

    assert report(service, folder, "--dry-run")["failed_orders.json"] == [(ORDER, "taken")]


@pytest.mark.parametrize(
    "content",
    [
        [{"event": "Project Update", "orderref": ORDER, "msg": "project new order"}, ORDER],
        f'"{ORDER}"\n{{"orderref": "{ORDER}"}}\n',
    ],
)
def test_an_order_that_is_in_the_file_twice_is_taken_once(service: Service, tmp_path: Path, content: object) -> None:
    folder = leave(tmp_path, failed_orders=content)

    assert report(service, folder, "--dry-run")["failed_orders.json"] == [(ORDER, "taken"), (ORDER, "left out")]


@pytest.mark.parametrize(
    "content",
    [
        {ORDER: {"orderref": ORDER, "resolved": True, "resolution_notes": "made by hand"}},
        [{"order_ref": ORDER, "resolved": 1}],
        {INVENTED: {"orderref": INVENTED, "timestamp": "2026-11-01T10:00:00", "resolved": False}},
        {INVENTED: {"orderref": None, "resolved": True}},
        [{"orderref": "UNKNOWN"}],
        [INVENTED],
    ],
)
def test_what_was_settled_or_invented_there_is_left_out_and_is_no_error(
    service: Service, tmp_path: Path, content: object
) -> None:
    result = imported(service, leave(tmp_path, failed_orders=content), "--json")

    assert result.exit_code == 0, result.stderr
    (file,) = (each for each in json.loads(result.stdout)["files"] if each["file"] == "failed_orders.json")
    assert file["counts"] == {"entries": 1, "left out": 1}
    with service.services.database.read() as session:
        assert session.scalars(select(Order.orderref)).all() == []


def test_a_settled_order_stays_settled_where_another_entry_repeats_it(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders=[ORDER, {"orderref": ORDER, "resolved": True}, OTHER])

    said = report(service, folder, "--dry-run")["failed_orders.json"]

    assert said == [(ORDER, "left out"), (ORDER, "left out"), (OTHER, "taken")]


@pytest.mark.parametrize(
    "content",
    [
        {ORDER: {"resolved": "perhaps"}},
        [{"reference": ORDER}],
        [{"orderref": 17}],
        [{"orderref": ORDER, "order_ref": OTHER}],
        [[ORDER]],
        [None],
        ["../../etc/passwd"],
        ["UIA 1"],
        {"comment": "nothing failed"},
        {ORDER: {"orderref": OTHER}},
        '"' + ORDER + '"',
        "17",
        "[" * 100_000,
        "{",
        "\x00",
    ],
)
def test_what_may_be_no_order_is_not_taken_for_one(service: Service, tmp_path: Path, content: object) -> None:
    folder = leave(tmp_path, failed_orders=content)

    result = imported(service, folder)

    assert "1 of what is in" in failed(result)
    with service.services.database.read() as session:
        assert session.scalars(select(Order.orderref)).all() == []


def test_a_callback_that_starts_no_order_starts_none_here_either(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, failed_orders=[{"orderref": ORDER, "msg": "Project Update"}])

    assert report(service, folder)["failed_orders.json"] == [(ORDER, "left out")]
    assert service.state(ORDER) is None


def test_whom_the_old_script_had_made_a_customer_gets_no_second_account(service: Service, tmp_path: Path) -> None:
    service.sandbox.powercode.add_customer(
        firstName="Ada", lastName="Lind", physicalStreet="12 N EXAMPLE AVENUE", extAccountID="714780"
    )
    service.order()

    imported(service, leave(tmp_path, failed_orders=[ORDER]))

    assert service.rested(ORDER)["state"] == "exists"
    assert len(service.sandbox.powercode.customers) == 1


def test_an_order_that_is_here_is_not_looked_up_again(service: Service, tmp_path: Path) -> None:
    service.callback(ORDER)
    service.rested(ORDER, "not_ours")
    calls = service.sandbox.utopia.calls

    assert why(service, leave(tmp_path, failed_orders=[ORDER]), "failed_orders.json") == "it is not_ours"
    assert service.sandbox.utopia.calls == calls


# users.json


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        ([{"username": "ada", "password": BCRYPT, "can_view_config": True}], {"ada": "administrator"}),
        ([{"username": "ada", "password": BCRYPT, "can_view_config": False}], {"ada": "staff"}),
        ([{"username": "ada", "password": BCRYPT}], {"ada": "staff"}),
        ([{"username": "ada", "password": BCRYPT, "can_view_config": "perhaps"}], {"ada": "staff"}),
        ({"ada": HASH}, {"ada": "staff"}),
        ({"ada": {"password_hash": PBKDF2, "role": "staff"}}, {"ada": "staff"}),
        ([{"username": "ada", "hash": HASH, "role": "Administrator"}], {"ada": "administrator"}),
        ({"users": [{"name": "ada", "password": HASH, "is_admin": True}]}, {"ada": "administrator"}),
        ({"users": {"ada": {"password": HASH, "role": "read only"}}}, {"ada": "read_only"}),
        ([{"username": "ada", "password": HASH, "role": "wizard"}], {"ada": "read_only"}),
        ({"username": "ada", "password": HASH}, {"ada": "staff"}),
    ],
)
def test_a_user_is_taken_with_their_hash_and_no_more_rights_than_are_known(
    service: Service, tmp_path: Path, content: object, taken: dict[str, str]
) -> None:
    assert imported(service, leave(tmp_path, users=content)).exit_code == 0

    assert users(service) == taken


def test_a_user_signs_in_with_the_password_they_had(service: Service, tmp_path: Path) -> None:
    imported(service, leave(tmp_path, users={"ada": {"password": HASH, "role": "staff"}, "ole": PBKDF2, "bo": BCRYPT}))

    with service.services.database.read() as session:
        hashes = session.scalars(select(User.password_hash)).all()
    assert [passwords.matches("fiber to every door", each) for each in hashes] == [True, True, True]


@pytest.mark.parametrize(
    "password",
    [
        "fiber to every door",
        "",
        None,
        17,
        "scrypt:1073741824:8:1$salt$" + "0" * 128,
        "scrypt:1000:8:1$salt$" + "0" * 128,
        "pbkdf2:sha256:99999999$salt$" + "0" * 64,
        "pbkdf2:sha256:1000$salt",
        "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$",
        "$2b$12$abcdefghijklmnopqrstuv",
        "5f4dcc3b5aa765d61d8327deb882cf99",
    ],
)
def test_a_password_in_plain_text_or_a_hash_that_harms_is_not_taken(
    service: Service, tmp_path: Path, password: object
) -> None:
    result = imported(service, leave(tmp_path, users={"ada": {"password": password, "role": "admin"}}))

    assert "1 of what is in" in failed(result)
    assert users(service) == {}
    assert "asks for a new one" in result.stdout
    assert "fiber to every door" not in result.output


def test_who_is_here_keeps_their_password_and_role(service: Service, tmp_path: Path) -> None:
    with service.services.database.write() as session:
        session.add(User(name="Ada", key="ada", password_hash="x", role="staff"))

    said = report(service, leave(tmp_path, users={"ADA": {"password": HASH, "role": "admin"}}))

    assert said["users.json"] == [("ADA", "here already")]
    with service.services.database.read() as session:
        assert session.execute(select(User.password_hash, User.role)).one() == ("x", "staff")


def test_a_name_that_can_be_nobodys_is_shown_in_one_line(service: Service, tmp_path: Path) -> None:
    result = imported(service, leave(tmp_path, users={"a\n\x1b[2J" + "b" * 4000: HASH}))

    assert "1 of what is in" in failed(result)
    assert "\x1b" not in result.output
    assert max(len(line) for line in result.stdout.splitlines()) < 300


def test_who_let_whom_in_is_kept(service: Service, tmp_path: Path) -> None:
    imported(service, leave(tmp_path, users={"ada": {"password": HASH, "role": "staff"}}))

    with service.services.database.read() as session:
        (entry,) = session.scalars(select(AuditEntry)).all()
    assert (entry.action, entry.subject, entry.note) == ("user added", "ada", "staff, from users.json")


# last_run_date.json


@pytest.mark.parametrize("content", ["{}", '{"last_run_date": "31/02/2026"}', "[" * 100_000, "\x00", '"14/11/2026"'])
def test_a_last_run_that_cannot_be_read_sets_no_window(service: Service, tmp_path: Path, content: str) -> None:
    assert "1 of what is in" in failed(imported(service, leave(tmp_path, last_run_date=content)))

    with service.services.database.read() as session:
        assert session.scalars(select(DigestWindow.id)).all() == []


# ticket_descriptions/


@pytest.fixture
def texts(service: Service, tmp_path: Path) -> Iterator[Path]:
    """The texts here, in a folder of the test's own."""
    folder = tmp_path / "texts here"
    shutil.copytree(PROJECT / "ticket_descriptions", folder)
    with service.changed(ticket_template_dir=folder):
        yield folder


def test_the_old_texts_come_with_their_titles_and_what_they_replace_is_kept(service: Service, texts: Path) -> None:
    shipped = (texts / "new_desc.txt").read_text()
    old = old_folder.make(texts.parent / "old", {}, failed_orders={}, users=[])

    said = report(service, old)["ticket_descriptions/"]

    assert said == [("moved.txt", "taken"), ("new_desc.txt", "taken")]
    assert (texts / "new_desc.txt").read_text() == old_folder.TEXT
    assert files.title(texts, "new_desc.txt") == "Welcome to fiber"
    with service.services.database.read() as session:
        kept = versions.history(session, "new_desc.txt", 9)
        assert [version.text for version in kept] == [old_folder.TEXT, shipped]
    assert service.take(ORDER)["state"] == "completed"
    (ticket,) = service.sandbox.powercode.tickets.values()
    assert "<p>Hello Ada Lind,</p>" in ticket.fields["description"]


def test_a_text_that_was_changed_since_is_not_replaced_again(service: Service, texts: Path) -> None:
    old = old_folder.make(texts.parent / "old", {}, failed_orders={}, users=[])
    report(service, old)
    (texts / "new_desc.txt").write_text("Hello {first_name}, better now.\n")

    said = report(service, old)["ticket_descriptions/"]

    assert said == [("moved.txt", "here already"), ("new_desc.txt", "here already")]
    assert (texts / "new_desc.txt").read_text() == "Hello {first_name}, better now.\n"


def test_a_text_that_can_not_be_used_stays_away_and_is_named_with_its_line(service: Service, texts: Path) -> None:
    old = old_folder.make(texts.parent / "old", {}, failed_orders={}, users=[])
    (old / "ticket_descriptions" / "new_desc.txt").write_text("Hello\n{customer}\n")
    (old / "ticket_descriptions" / "Überraschung.txt").write_text("Hello\n")
    (old / "ticket_descriptions" / "latin.txt").write_bytes(b"Gr\xfc\xdfe")
    before = (texts / "new_desc.txt").read_text()

    result = imported(service, old)

    assert "3 of what is in" in failed(result)
    assert "line 2: unknown placeholder {customer}" in result.stdout
    assert (texts / "new_desc.txt").read_text() == before
    assert {file.name for file in texts.glob("*.txt")} == {"digest.txt", "moved.txt", "new_desc.txt"}


def test_a_text_comes_without_what_a_ticket_can_not_hold_and_that_is_told(service: Service, texts: Path) -> None:
    old = old_folder.make(texts.parent / "old", {}, failed_orders={}, users=[])
    styled = "<p style='color: red'>Hello <font>{customer_name}</font></p>\n"
    (old / "ticket_descriptions" / "new_desc.txt").write_text(styled)

    result = imported(service, old)

    assert result.exit_code == 0, result.stderr
    assert "line 1: the attribute style is not allowed on <p>" in result.stdout
    assert (texts / "new_desc.txt").read_text() == "<p>Hello {customer_name}</p>\n"
    assert dict(report(service, old)["ticket_descriptions/"])["new_desc.txt"] == "here already"


@pytest.mark.parametrize("named", ["ticket_descriptions", "../elsewhere", "{tmp}/elsewhere", "/nowhere/elsewhere"])
def test_the_texts_are_where_the_old_settings_say(tmp_path: Path, named: str) -> None:
    (tmp_path / "old" / "ticket_descriptions").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "old" / "elsewhere").mkdir()

    found = texts_taken.folder_of(tmp_path / "old", named.format(tmp=tmp_path)).resolve()

    expected = {"ticket_descriptions": "old/ticket_descriptions", "../elsewhere": "elsewhere"}
    assert found == tmp_path / expected.get(named, "old/elsewhere")


# .env


def test_the_old_settings_are_compared_and_nothing_of_them_is_written(service: Service, tmp_path: Path) -> None:
    env = (
        "PC_DUE_BY_DAYS=5\n"
        f"UTOPIA_API_KEY={service.sandbox.utopia.api_key}\n"
        "PC_API_KEY='another key 17'\n"
        "MAIL_SERVER=${HOME}\n"
        "GOOGLE_SHEET=hidden-value\n"
        "PC_ADDRESS_RANGE_V4=10228\n"
        "SERVICE_PLAN_1GBPS_ID=201\n"
        "SERVICE_PLAN_250MBPS_ID=163\n"
        "MAIL_PORT=many\n"
        "TIMEZONE=\n"
    )

    result = imported(service, leave(tmp_path, env=env))

    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in result.stdout.splitlines() if line[:2] == "  "}
    anew = {name for name, what in lines.items() if what.startswith("must be set anew it is not in that file")}
    assert {"SECRET_KEY", "EMAIL_SENDER"} <= anew
    lines = {name: what for name, what in lines.items() if name not in anew}
    assert lines == {
        "PC_DUE_BY_DAYS": "taken as it is differs so far: there 5, here 0",
        "UTOPIA_API_KEY": "taken as it is the same value here",
        "PC_API_KEY": "taken as it is differs so far: another value (not shown)",
        "MAIL_SERVER": f"taken as it is differs so far: there ${{HOME}}, here {service.sandbox.mailbox.host}",
        "GOOGLE_SHEET": "not used any more there is no setting of that name (its value is not shown)",
        "PC_ADDRESS_RANGE_V4": "not used any more it had no part in an order",
        "SERVICE_PLAN_1GBPS_ID": "stands for “1 Gbps” in SERVICE_PLAN_MAPPING: there 201, here 164",
        "SERVICE_PLAN_250MBPS_ID": "stands for “250 Mbps” in SERVICE_PLAN_MAPPING: service 163, the same here",
        "MAIL_PORT": "must be set anew its value there can't be used here: must be a whole number",
        "TIMEZONE": "taken as it is it has no value there",
    }
    for secret in ("another key 17", "hidden-value", service.sandbox.utopia.api_key):
        assert secret not in result.output


def test_a_line_that_is_no_setting_is_told_without_showing_it(service: Service, tmp_path: Path) -> None:
    result = imported(
        service, leave(tmp_path, env="PC_DUE_BY_DAYS=0\nsecret password here\n='x\nhunter2\nMIIEvgIBAD\n")
    )

    assert "could not be taken" in failed(result)
    assert "line 4" in result.output
    for secret in ("secret password", "hunter2", "MIIEvgIBAD"):
        assert secret not in result.output


def test_a_database_password_in_the_old_settings_is_not_shown(service: Service) -> None:
    found = list(
        environment.compare("DATABASE_URL=postgresql://me:hunter22@db.example.com/x", service.services.settings)
    )

    assert found[0].why.startswith("differs so far: there postgresql+psycopg://me:***@db.example.com/x")


# Hostile files


@pytest.mark.parametrize("name", [".env", "failed_orders.json", "users.json", "last_run_date.json"])
def test_what_is_no_file_or_too_large_is_one_line(service: Service, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert "no file" in why(service, tmp_path, name)
    (tmp_path / name).rmdir()

    os.mkfifo(tmp_path / name)
    assert "no file" in why(service, tmp_path, name), "and it does not hang"
    (tmp_path / name).unlink()

    with (tmp_path / name).open("wb") as large:
        large.truncate(100 * 1024 * 1024)
    assert "larger than" in why(service, tmp_path, name)


NAMES = st.sampled_from(["orderref", "msg", "name", "password", "role", "users", "orders", ORDER])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([ORDER, HASH]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["orderref", "msg", "name", "password", "role", "users", "orders", ORDER]), inner
        )
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_any_json_gives_entries_and_no_other_error(service: Service, content: object) -> None:
    found = list(orders.read(content))
    with service.services.database.write() as session:
        found += list(people.take(session, content, "x"))
        session.rollback()

    assert all(isinstance(entry, Entry) and (entry.became is not Became.NOT_TAKEN or entry.why) for entry in found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_any_text_as_settings_gives_entries_and_no_other_error(service: Service, text: str) -> None:
    assert all(isinstance(entry, Entry) for entry in environment.compare(text, service.services.settings))
