"""The settings as they run: explained, with their source, without secrets, and with what a restart would change."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from app.lookups import remote_requests
from app.models import AuditEntry
from app.setup.settings_overview import GUIDE, groups, overview, shown_value
from config import Settings
from tests.conftest import Service
from tests.console.persons import Person

MARKER = "m4rker-of-a-secret"


def test_every_setting_is_shown_once_in_the_groups_of_the_example(as_administrator: Person) -> None:
    page = as_administrator.get("/console/settings").text

    for name in Settings.model_fields:
        assert page.count(f'id="{name.upper()}"') == 1, name
    for group in groups(GUIDE.read_text(encoding="utf-8")):
        assert group.title in page or group.title.split(":")[0] in page
    assert "How many days the first run looks back." in page


def test_no_secret_is_on_the_page_whatever_setting_holds_it(
    service: Service, as_administrator: Person, env_file: Callable[..., None]
) -> None:
    secret = {
        name: SecretStr(MARKER) for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)
    }
    addresses = {
        "database_url": f"postgresql+psycopg://user:{MARKER}@db.example.com/name?password={MARKER}",
        "digest_webhook_url": f"https://hooks.example.com/{MARKER}?key={MARKER}",
        "events_url": f"https://tools.example.com/{MARKER}",
        "public_url": f"https://user:{MARKER}@orders.example.com",
    }
    secret.pop("notify_urls")  # several of them, which tests/channels has
    assert len(secret) == 9
    with service.changed(**secret, **addresses):
        page = as_administrator.get("/console/settings").text

    assert MARKER not in page
    assert page.count("set, not shown") >= len(secret)
    assert "https://hooks.example.com/… (the rest is not shown)" in page
    assert "postgresql+psycopg://user:***@db.example.com/name" in page


def test_a_value_tells_where_it_comes_from(
    service: Service, env_file: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("MAIL_PORT=2525\n", encoding="utf-8")
    monkeypatch.setenv("LOG_LEVEL", "INFO")

    shown = overview(service.services.settings).settings

    assert {name: shown[name].source for name in ("MAIL_PORT", "LOG_LEVEL", "TIMEZONE", "PC_CUST_TAGS")} == {
        **{"MAIL_PORT": ".env", "LOG_LEVEL": "environment"},
        **{"TIMEZONE": "default", "PC_CUST_TAGS": "last start"},
    }


@pytest.mark.long
def test_a_setting_that_was_edited_takes_effect_at_the_next_restart(
    service: Service, as_administrator: Person, env_file: Callable[..., None]
) -> None:
    assert overview(service.services.settings).changed == ()
    env_file(TIMEZONE="Europe/Berlin", PC_API_KEY="another-key")

    changed = {each.name: each.after_restart for each in overview(service.services.settings).changed}
    page = as_administrator.get("/console/settings").text

    assert changed == {"TIMEZONE": "Europe/Berlin", "PC_API_KEY": "another value"}
    assert "Takes effect with the next reload" in page
    assert "another-key" not in page


def test_faults_that_would_keep_the_service_from_starting_are_shown_while_it_runs(
    as_administrator: Person, env_file: Callable[..., None]
) -> None:
    env_file(MAIL_PORT="smtp", TIMEZONE="Mars", UTOPIA_API_KEY="")

    page = as_administrator.get("/console/settings").text

    assert "The service would not start again" in page
    for fault in ("MAIL_PORT: must be a whole number", "TIMEZONE: is no time zone", "UTOPIA_API_KEY: is required"):
        assert fault in page


def test_an_env_file_that_can_not_be_read_is_a_fault_and_not_a_crash(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"MAIL_PORT=\xff\xfe")
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")

    assert overview(service.services.settings).faults


def test_without_the_example_file_every_setting_is_still_there(service: Service, tmp_path: Path) -> None:
    shown = overview(service.services.settings, tmp_path / "missing")

    assert [group.title for group in shown.groups] == ["Other settings"]
    assert len(shown.groups[0].parts[0].names) == len(Settings.model_fields)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "not set"),
        ("", "not set"),
        ((), "not set"),
        (True, "true"),
        (25, "25"),
        (30.0, "30"),
        ((5, 9), "5,9"),
        ((0.5, 2.0), "0.5,2"),
        ({"1 Gbps": 164}, '{"1 Gbps": 164}'),
        (SecretStr(""), "not set"),
    ],
)
def test_a_value_is_shown_as_it_stands_in_the_file(value: object, shown: str) -> None:
    assert shown_value("MAIL_PORT", value) == shown


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("utopia", "UTOPIA answers and accepts the key. It names 3 products of yours."),
        ("powercode", "PowerCode answers and accepts the key."),
        ("mail", "took a test mail for office@example.com"),
        ("report", "There is no report: set REPORT_SOURCE"),
    ],
)
def test_each_test_button_says_what_it_found_and_is_recorded(
    service: Service, as_administrator: Person, check: str, words: str
) -> None:
    answer = as_administrator.post(f"/console/settings/check/{check}")

    assert answer.status_code == 303
    assert words in as_administrator.get("/console/settings").text
    (entry,) = service.rows(select(AuditEntry).filter_by(action="connection tested"))
    assert (entry.made_by, words in (entry.note or "")) == ("Ada Administrator", True)


def test_the_test_mail_reaches_everybody_who_gets_notices(service: Service, as_administrator: Person) -> None:
    with service.changed(email_recipients=("office@example.com", "billing@example.com")):
        as_administrator.post("/console/settings/check/mail")

    mails = service.sandbox.mailbox.messages
    assert {mail["To"] for mail in mails} == {"office@example.com", "billing@example.com"}
    assert all("Test mail: notices arrive here" in mail["Subject"] for mail in mails)


@pytest.mark.parametrize(
    ("check", "server", "advice"),
    [
        ("utopia", "utopia", "Check UTOPIA_URL_ENDPOINT"),
        ("powercode", "powercode", "Check PC_URL and PC_VERIFY_SSL"),
        ("mail", "mailbox", "Check MAIL_SERVER, MAIL_PORT"),
    ],
)
def test_a_system_that_is_down_is_told_with_what_to_do(
    service: Service, as_administrator: Person, check: str, server: str, advice: str
) -> None:
    service.sandbox.servers[server].down()

    as_administrator.post(f"/console/settings/check/{check}")

    page = as_administrator.get("/console/settings").text
    assert advice in page
    assert 'class="notice failed" role="alert"' in page


def test_the_report_is_read_to_its_end_and_its_rows_are_counted(
    service: Service, as_administrator: Person, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    report.write_text("Firstname,Lastname,Email,Ticket,Status,Date\nAda,Lind,a@example.com,1,Closed,14/11/2026\n")
    with service.changed(report_source=f"file:{report}"):
        as_administrator.post("/console/settings/check/report")
        assert "It has all headings, and 1 row below them." in as_administrator.get("/console/settings").text
        report.write_text("Name,Mail\n")
        as_administrator.post("/console/settings/check/report")
        assert "holds none of the headings" in as_administrator.get("/console/settings").text


def test_a_test_is_started_by_a_form_and_by_nothing_else(service: Service, as_administrator: Person) -> None:
    assert as_administrator.get("/console/settings/check/mail").status_code == 405
    assert as_administrator.post("/console/settings/check/mail", {"csrf_token": ""}).status_code == 400
    assert as_administrator.post("/console/settings/check/nonsense").status_code == 404
    assert service.sandbox.mailbox.messages == []


def test_a_test_waits_for_a_free_turn_and_says_so(
    service: Service, as_administrator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_requests, "_free", threading.BoundedSemaphore(1))
    with remote_requests.a_turn():
        as_administrator.post("/console/settings/check/mail")

    assert "Other questions are still waiting" in as_administrator.get("/console/settings").text
    assert service.sandbox.mailbox.messages == []
