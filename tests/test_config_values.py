"""The forms in which a setting's value may be written, in the environment or in .env."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from app.storage.database import Database
from config import PROJECT, SettingsError
from config_values import sqlite_fault
from tests.tools.environments import faults_of

OLD_PLANS = {
    "SERVICE_PLAN_MAPPING": None,
    "ADDITIONAL_SERVICE_PLAN_MAPPING": None,
    "SERVICE_PLAN_1GBPS_ID": "201",
    "SERVICE_PLAN_250MBPS_ID": " 202 ",
    "SERVICE_PLAN_BOND_FEE_ID": "203",
}


@pytest.mark.parametrize("value", ["5,9", " 5 , 9 ", "5;9", "5,9,"])
def test_lists_are_written_with_commas(environment: Any, value: str) -> None:
    assert environment(PC_CUST_TAGS=value).pc_cust_tags == (5, 9)


def test_a_recipient_named_twice_gets_one_mail(environment: Any) -> None:
    recipients = "office@example.com; billing@example.com,office@example.com"

    assert environment(EMAIL_RECIPIENTS=recipients).email_recipients == ("office@example.com", "billing@example.com")


SENDERS = {
    "fiber@example.com": "fiber@example.com",
    "<fiber@example.com>": "fiber@example.com",
    "Fiber desk <fiber@example.com>": "Fiber desk <fiber@example.com>",
    "Fiber Desk, Example ISP <fiber@example.com>": '"Fiber Desk, Example ISP" <fiber@example.com>',
    '"Fiber Desk, Example ISP" <fiber@example.com>': '"Fiber Desk, Example ISP" <fiber@example.com>',
    'Fiber "the" Desk <fiber@example.com>': r'"Fiber \"the\" Desk" <fiber@example.com>',
    "Desk <1> <fiber@example.com>": '"Desk <1>" <fiber@example.com>',
    "Büro <fiber@example.com>": "Büro <fiber@example.com>",
}


@pytest.mark.parametrize("value", SENDERS)
def test_a_sender_may_have_a_name_which_is_quoted_where_mail_wants_it(environment: Any, value: str) -> None:
    assert environment(EMAIL_SENDER=value).email_sender == SENDERS[value]


@pytest.mark.parametrize(
    "address", ["first.last+tag@sub.example.com", "o'brien@example.com", "root@localhost", "a@[192.0.2.1]"]
)
def test_addresses_as_mail_carries_them_are_taken(environment: Any, address: str) -> None:
    assert environment(EMAIL_RECIPIENTS=address).email_recipients == (address,)
    assert environment(EMAIL_SENDER=f"Desk <{address}>").email_sender == f"Desk <{address}>"


def test_a_password_keeps_the_blanks_at_its_ends(environment: Any, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAIL_USERNAME=fiber\nMAIL_PASSWORD=' a '\nADMIN_PASS=' '\n", encoding="utf-8")

    settings = environment(tmp_path / ".env", CUSTOMER_PORTAL_PASSWORD=" portal ")

    assert settings.mail_password.get_secret_value() == " a "
    assert settings.customer_portal_password.get_secret_value() == " portal "
    assert settings.admin_pass is None


@pytest.mark.parametrize("value", ["true", "True", "1", "yes", "on"])
def test_a_flag_may_be_written_in_several_ways(environment: Any, value: str) -> None:
    assert environment(MAIL_USE_TLS=value).mail_use_tls is True


def test_plans_are_json_and_may_be_none_at_all(environment: Any) -> None:
    settings = environment(SERVICE_PLAN_MAPPING=json.dumps({"2 Gbps": "165"}), ADDITIONAL_SERVICE_PLAN_MAPPING="{}")

    assert settings.service_plan_mapping == {"2 Gbps": 165}
    assert settings.additional_service_plan_mapping == {}


PLANS_FOUND = [
    ({}, {"1 Gbps": 201, "250 Mbps": 202}, {"Bond fee": 203}),
    ({"SERVICE_PLAN_MAPPING": "  "}, {"1 Gbps": 201, "250 Mbps": 202}, {"Bond fee": 203}),
    ({"SERVICE_PLAN_MAPPING": '{"1gbps": 7}'}, {"1gbps": 7, "250 Mbps": 202}, {"Bond fee": 203}),
    ({"SERVICE_PLAN_MAPPING": '{"2 Gbps": 7}'}, {"2 Gbps": 7, "1 Gbps": 201, "250 Mbps": 202}, {"Bond fee": 203}),
    ({"SERVICE_PLAN_MAPPING": "{}"}, {}, {"Bond fee": 203}),
    ({"ADDITIONAL_SERVICE_PLAN_MAPPING": "{}"}, {"1 Gbps": 201, "250 Mbps": 202}, {}),
    ({"SERVICE_PLAN_250MBPS_ID": ""}, {"1 Gbps": 201}, {"Bond fee": 203}),
]


@pytest.mark.parametrize(("changed", "plans", "additional"), PLANS_FOUND)
def test_the_old_scripts_plans_count_where_the_mappings_say_nothing(
    environment: Any, changed: dict[str, str], plans: dict[str, int], additional: dict[str, int]
) -> None:
    settings = environment(**{**OLD_PLANS, **changed})

    assert settings.service_plan_mapping == plans
    assert settings.additional_service_plan_mapping == additional


def test_without_a_setting_of_the_plans_the_fault_says_what_to_write(environment: Any) -> None:
    nothing = dict.fromkeys(("SERVICE_PLAN_MAPPING", "ADDITIONAL_SERVICE_PLAN_MAPPING"))

    plans, additional = faults_of(environment, **nothing)

    assert 'SERVICE_PLAN_MAPPING={"1 Gbps": 201, "250 Mbps": 202}' in plans
    assert 'ADDITIONAL_SERVICE_PLAN_MAPPING={"Bond fee": 203}' in additional
    (fault,) = faults_of(environment, **{**OLD_PLANS, "SERVICE_PLAN_BOND_FEE_ID": None})
    assert fault == additional, "the old script's number for it is not built in"


def test_an_old_plan_with_a_fault_is_one_fault(environment: Any) -> None:
    (fault,) = faults_of(environment, **{**OLD_PLANS, "SERVICE_PLAN_BOND_FEE_ID": "many"})

    assert fault == "SERVICE_PLAN_BOND_FEE_ID: must be a whole number"


def test_networks_may_be_single_addresses_and_ipv6(environment: Any) -> None:
    networks = environment(CALLBACK_ALLOWED_NETWORKS="203.0.113.7, 198.51.100.9/24,2001:db8::/32")

    assert [str(network) for network in networks.callback_allowed_networks] == [
        "203.0.113.7/32",
        "198.51.100.0/24",
        "2001:db8::/32",
    ]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://powercode.example.com", "https://powercode.example.com:444"),
        ("https://powercode.example.com/", "https://powercode.example.com:444"),
        (" http://127.0.0.1:8444/ ", "http://127.0.0.1:8444"),
    ],
)
def test_powercodes_port_is_444_unless_the_address_names_one(environment: Any, url: str, server: str) -> None:
    settings = environment(PC_URL=url)

    assert settings.powercode_server == server
    assert settings.pc_url_api == f"{server}/api/1/index.php"
    assert settings.pc_url_uapi == f"{server}/uapi"


def test_powercodes_addresses_can_be_set_one_by_one(environment: Any) -> None:
    settings = environment(PC_URL_API="https://api.example.com/index.php", PC_URL_UAPI="")

    assert settings.pc_url_api == "https://api.example.com/index.php"
    assert settings.pc_url_uapi == "https://powercode.example.com:444/uapi"


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("false", False),
        ("False", False),
        ("0", False),
        ("no", False),
        ("true", True),
        ("TRUE", True),
        ("1", True),
        ("", True),
    ],
)
def test_certificate_checks_are_on_unless_switched_off(environment: Any, value: str, meant: bool) -> None:
    assert environment(PC_VERIFY_SSL=value).pc_verify_ssl is meant


def test_a_certificate_file_is_taken_when_it_holds_one(environment: Any, tmp_path: Path) -> None:
    pem, empty = tmp_path / "powercode.pem", tmp_path / "empty.pem"
    trustme.CA().cert_pem.write_to_path(str(pem))
    empty.write_text("")

    assert environment(PC_VERIFY_SSL=str(pem)).pc_verify_ssl == pem
    (fault,) = faults_of(environment, PC_VERIFY_SSL=str(empty))
    assert "no certificate in PEM form" in fault


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("sqlite:///instance/handler.db", f"sqlite:///{PROJECT}/instance/handler.db"),
        ("sqlite:////var/lib/handler.db", "sqlite:////var/lib/handler.db"),
        ("postgresql://handler@db.example.com/handler", "postgresql+psycopg://handler@db.example.com/handler"),
        ("postgres://handler@db.example.com/handler", "postgresql+psycopg://handler@db.example.com/handler"),
        ("postgresql+psycopg:///handler?host=/run/pg", "postgresql+psycopg:///handler?host=/run/pg"),
        ("postgresql://handler:@/handler?host=/run/pg", "postgresql+psycopg://handler:@/handler?host=/run/pg"),
    ],
)
def test_a_database_is_a_file_or_a_postgresql_server(environment: Any, value: str, url: str) -> None:
    settings = environment(DATABASE_URL=value)

    assert settings.database_url == url
    assert settings.secrets() == ("utopia-key", "powercode-key", "a-long-random-text")
    if not url.startswith("sqlite"):
        Database(url).dispose()


def test_relative_paths_start_at_the_project(environment: Any) -> None:
    settings = environment(LOG_FILE="logs/handler.log", TICKET_TEMPLATE_DIR="/srv/texts")

    assert settings.log_file == PROJECT / "logs/handler.log"
    assert settings.ticket_template == Path("/srv/texts/new_desc.txt")


@pytest.mark.parametrize("value", ["debug", " Warning ", "ERROR"])
def test_the_log_level_may_be_written_in_any_case(environment: Any, value: str) -> None:
    assert environment(LOG_LEVEL=value).log_level == value.strip().upper()


@pytest.mark.parametrize(
    "value",
    ["sheets:1AbC!Sheet1!A:F", "Sheets:1AbC!Sheet1!A:F", "file:/srv/report.XLSX", "file:report.csv", "S3://b/K.csv"],
)
def test_a_report_is_a_spreadsheet_a_file_or_an_object(environment: Any, value: str, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    settings = environment(
        REPORT_SOURCE=value, DIGEST_WEBHOOK_URL="https://hooks.example.com", GOOGLE_SERVICE_ACCOUNT_FILE=str(key)
    )

    kind, _, where = value.partition(":")
    assert settings.report_source == f"{kind.lower()}:{where}", "the kind as the digest reads it"
    assert settings.google_service_account_file == key


def test_the_schedule_may_name_several_weekdays(environment: Any) -> None:
    assert environment(DIGEST_SCHEDULE="30 7 * * mon,thu").digest_schedule == "30 7 * * mon,thu"


def test_the_time_zone_is_ready_to_use(environment: Any) -> None:
    moment = datetime.datetime(2026, 1, 5, 8, tzinfo=environment(TIMEZONE="America/Boise").zone)

    assert moment.utcoffset() == datetime.timedelta(hours=-7)


# .env


def test_a_value_of_the_environment_wins_over_the_file(environment: Any, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('MAIL_PORT=587\nFLASK_PORT=8080\nPC_TICKET_SUMMARY="Fiber, please"  # a remark\nUNKNOWN_NAME=1\n')

    settings = environment(file, FLASK_PORT="9090")

    assert (settings.mail_port, settings.flask_port) == (587, 9090)
    assert settings.pc_ticket_summary == "Fiber, please"


def test_a_file_with_json_and_a_byte_order_mark_is_read(environment: Any, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b'\xef\xbb\xbfMAIL_PORT=587\r\nSERVICE_PLAN_MAPPING={"1 Gbps": 7}\r\n')

    settings = environment(file, SERVICE_PLAN_MAPPING=None)

    assert (settings.mail_port, settings.service_plan_mapping) == (587, {"1 Gbps": 7})


def test_a_file_that_cannot_be_read_is_a_fault_and_no_traceback(environment: Any, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"PC_API_KEY=\xff\xfe\n")

    with pytest.raises(SettingsError, match=r"\.env can't be read"):
        environment(file)


@pytest.mark.parametrize(
    ("python", "sqlite", "fits"),
    [
        ((3, 11), (3, 40, 1), True),  # Debian 12
        ((3, 13), (3, 46, 1), True),  # Debian 13
        ((3, 12), (3, 41, 2), False),
        ((3, 13), (3, 40, 1), False),
        ((3, 15), (3, 42, 0), True),
    ],
)
def test_a_python_that_the_machines_sqlite_is_too_old_for_is_told_at_the_start(
    python: tuple[int, int],
    sqlite: tuple[int, int, int],
    fits: bool,
    environment: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault = sqlite_fault(python, sqlite)

    assert (fault is None) is fits
    if fault:
        monkeypatch.setattr("config.sqlite_fault", lambda: fault)
        (told,) = faults_of(environment, DATABASE_URL="sqlite:///instance/handler.db")
        assert told.startswith(f"DATABASE_URL: is SQLite, and Python {python[0]}.{python[1]} needs version 3.42")
        assert environment(DATABASE_URL="postgresql://db.example.com/handler")
