"""The settings: all of them, their defaults, and every fault told at once without a secret."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import PROJECT, REQUIRED, Settings, SettingsError, load_settings
from tests.tools.environments import NEEDED, faults_of

# What there is

DEFAULTS = {
    "pc_url_api": "https://powercode.example.com:444/api/1/index.php",
    "pc_url_uapi": "https://powercode.example.com:444/uapi",
    "pc_verify_ssl": True,
    "pc_cust_tags": (),
    "service_plan_1gbps_id": None,
    "service_plan_250mbps_id": None,
    "service_plan_bond_fee_id": None,
    "customer_portal_password": None,
    "mail_port": 25,
    "mail_use_tls": False,
    "mail_use_ssl": False,
    "mail_username": None,
    "mail_password": None,
    "mail_attachment_mb": 10,
    "database_url": f"sqlite:///{PROJECT}/instance/handler.db",
    "admin_user": None,
    "admin_pass": None,
    "admin_pass_hash": None,
    "callback_token": None,
    "callback_allowed_networks": (),
    "trusted_proxies": 0,
    "flask_host": "127.0.0.1",
    "flask_port": 5050,
    "log_file": PROJECT / "api_class.log",
    "log_level": "INFO",
    "log_format": "text",
    "ticket_template_dir": PROJECT / "ticket_descriptions",
    "ticket_template_file": "new_desc.txt",
    "pc_tax_zone_id": 1,
    "pc_bill_day": "Activation Date",
    "pc_due_by_days": 0,
    "pc_grace_period_days": 10,
    "pc_invoice_preference": "Email",
    "pc_ticket_summary": "Customer has requested fiber service",
    "pc_ticket_category": 54,
    "pc_ticket_type": 21,
    "pc_ticket_group": 4,
    "pc_ticket_responsible": "Sales",
    "public_address": "http://127.0.0.1:5050",
    "powercode_concurrency": 4,
    "notice_after_minutes": 30,
    "give_up_after_hours": 72,
    "retry_minutes": (1, 2, 5, 15, 30, 60),
    "report_source": None,
    "google_service_account_file": None,
    "google_sheets_endpoint": "https://sheets.googleapis.com",
    "digest_delivery": "webhook",
    "digest_webhook_url": None,
    "digest_batch_size": 100,
    "notify_urls": (),
    "events_url": None,
    "events_secret": None,
    "morning_summary": "0 7 * * mon-fri",
    "digest_schedule": "0 8 * * mon",
    "timezone": "America/Denver",
    "digest_first_window_days": 7,
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_setting_has_its_documented_default(environment: Any, name: str) -> None:
    assert getattr(environment(), name) == DEFAULTS[name]


def test_a_blank_value_counts_as_not_set(environment: Any) -> None:
    may_be_blank = {name: "" for name, default in DEFAULTS.items() if default in (None, ()) or name == "pc_verify_ssl"}

    settings = environment(**{name.upper(): blank for name, blank in may_be_blank.items()}, PC_URL_API=" ")

    assert {name: getattr(settings, name) for name in may_be_blank} == {name: DEFAULTS[name] for name in may_be_blank}
    assert settings.pc_url_api == DEFAULTS["pc_url_api"]


@pytest.mark.long
def test_a_channel_that_apprise_does_not_know_is_told_by_its_number_alone(environment: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        environment(NOTIFY_URLS="json://127.0.0.1 nonsense://TokenOf24Letters99")

    assert "NOTIFY_URLS: entry 2 is no address that Apprise knows" in str(caught.value)
    assert "TokenOf24" not in str(caught.value)


def test_the_parts_of_a_channels_address_are_secrets(environment: Any) -> None:
    settings = environment(NOTIFY_URLS="json://127.0.0.1/TokenOf24Letters99")

    assert "TokenOf24Letters99" in settings.secrets()
    assert "TokenOf24" not in repr(settings)


def test_a_schedule_that_is_set_to_nothing_never_comes(environment: Any) -> None:
    assert environment(MORNING_SUMMARY="").morning_summary is None


def test_settings_cannot_be_changed_later(environment: Any) -> None:
    with pytest.raises(ValueError, match="frozen"):
        environment().mail_port = 26


def test_printing_the_settings_shows_no_secret(environment: Any) -> None:
    settings = environment(
        CALLBACK_TOKEN="tok-1",
        MAIL_USERNAME="fiber",
        MAIL_PASSWORD="mail-pw",
        ADMIN_PASS="admin-pw",
        ADMIN_USER="ada",
        CUSTOMER_PORTAL_PASSWORD="portal-pw",
    )

    secrets = {"utopia-key", "powercode-key", "a-long-random-text", "tok-1", "mail-pw", "admin-pw", "portal-pw"}
    assert set(settings.secrets()) == secrets
    assert [secret for secret in secrets if secret in repr(settings) or secret in str(settings)] == []


def test_the_log_is_told_a_databases_password_in_both_spellings(environment: Any) -> None:
    settings = environment(DATABASE_URL="postgresql://handler:p%40ss@db.example.com/handler")

    assert {"p%40ss", "p@ss"} <= set(settings.secrets())
    settings = environment(DATABASE_URL="postgresql://db.example.com/handler?user=handler&password=p%40ss")
    assert "p@ss" in settings.secrets()


# Faults


def test_nothing_set_names_every_required_variable_at_once(environment: Any) -> None:
    faults = faults_of(environment, **dict.fromkeys(NEEDED))

    assert [fault.partition(":")[0] for fault in faults] == [name.upper() for name in REQUIRED]
    assert set(NEEDED) == {name.upper() for name in REQUIRED}


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", ["", "   "])
def test_a_blank_required_value_is_as_good_as_none(environment: Any, name: str, value: str) -> None:
    (fault,) = faults_of(environment, **{name: value})

    assert fault == f"{name}: is required: {REQUIRED[name.lower()]}"


WRONG = {
    "UTOPIA_URL_ENDPOINT": [
        "api.utopiafiber.com",
        "ftp://utopia.example.com",
        "https://",
        "https://utopia:99999",
        "https://[::1",
    ],
    "PC_URL": [
        "powercode.example.com:444",
        "https:/powercode.example.com",
        "https://powercode.example.com:https",
        "https://[",
    ],
    "PC_URL_API": ["index.php"],
    "PC_VERIFY_SSL": ["maybe", "certs/nowhere.pem", "config.py", "tests"],
    "PC_CUST_TAGS": ["5,nine", "5.5", "[5, 9]"],
    "SERVICE_PLAN_MAPPING": [
        "1 Gbps=164",
        "[164]",
        '"164"',
        '{"1 Gbps": "many"}',
        '{"1 Gbps": 0}',
        '{"1 Gbps": -1}',
        '{"1 Gbps": 2147483648}',
        '{" ": 1}',
        '{"1 Gbps": 164, "1gbps": 165}',
        '{"1 Gbps": 164, "１ Gbps": 165}',
        '{"1 Gbps": null}',
        "{'1 Gbps': 164}",
    ],
    "ADDITIONAL_SERVICE_PLAN_MAPPING": ["172"],
    "SERVICE_PLAN_1GBPS_ID": ["99999999999", "many", "0", "-1", "5.5"],
    "SERVICE_PLAN_BOND_FEE_ID": ["none"],
    "MAIL_PORT": ["smtp", "0", "70000", ""],
    "MAIL_USE_TLS": ["perhaps"],
    "EMAIL_SENDER": [
        "Fiber desk",
        "fiber@",
        "a@example.com\nBcc: b@example.com",
        "a@example.com, b@example.com",
        "büro@example.com",
        "Büro <büro@example.com>",
        "fiber@büro.example",
        "Desk\x07 <fiber@example.com>",
        f"{'Desk, ' * 12} <fiber@example.com>",
        "fiber desk@example.com",
        "a..b@example.com",
        f"{'x' * 65}@example.com",
        f"a@{'x' * 300}.example.com",
    ],
    "EMAIL_RECIPIENTS": [
        "office",
        "office@example.com, billing",
        ",",
        "Office <office@example.com>",
        "office@example.com,büro@example.com",
        "office@büro.example",
        ".office@example.com",
        "(office)@example.com",
    ],
    "MAIL_ATTACHMENT_MB": ["big", "-1", "inf"],
    "DATABASE_URL": [
        "mysql://localhost/x",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "handler.db",
        "",
        "postgresql://handler:secret-pw@db.example.com:port/handler",
    ],
    "CALLBACK_ALLOWED_NETWORKS": ["utopiafiber.com", "203.0.113.0/33", "203.0.113.0/24 198.51.100.7"],
    "TRUSTED_PROXIES": ["one", "-1", "99", "true"],
    "FLASK_PORT": ["0", "99999", "http"],
    "PUBLIC_URL": ["orders.example.com"],
    "LOG_LEVEL": ["LOUD"],
    "LOG_FORMAT": ["xml"],
    "POWERCODE_CONCURRENCY": ["0", "1000"],
    "NOTICE_AFTER_MINUTES": ["0", "soon"],
    "GIVE_UP_AFTER_HOURS": ["-1"],
    "REPORT_SOURCE": ["sheets:abc", "file:/report.pdf", "s3://bucket", "https://example.com/report.csv"],
    "DIGEST_DELIVERY": ["fax"],
    "DIGEST_BATCH_SIZE": ["0"],
    "DIGEST_SCHEDULE": ["weekly", "0 8 * *", "0 8 * * 1", "0 8 * * 1-5", "0 25 * * mon", "0 8 * * mon,2", ""],
    "TIMEZONE": ["Montana", "../etc/passwd", ""],
    "DIGEST_FIRST_WINDOW_DAYS": ["0"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_one_line_that_names_its_variable(environment: Any, name: str, value: str) -> None:
    (fault,) = faults_of(environment, **{name: value})

    assert fault.startswith(f"{name}: ")
    assert "secret-pw" not in fault
    assert "pydantic" not in fault
    assert "Input should be a valid" not in fault


def test_all_faults_are_told_at_once_conflicts_too(environment: Any) -> None:
    faults = faults_of(
        environment,
        PC_URL=None,
        PC_API_KEY="",
        MAIL_PORT="smtp",
        TIMEZONE="Montana",
        MAIL_USE_TLS="true",
        MAIL_USE_SSL="true",
        ADMIN_USER="ada",
        REPORT_SOURCE="sheets:abc!Sheet1!A:F",
    )

    assert [re.split(r"[: ]", fault)[0] for fault in faults] == [
        "PC_URL",
        "PC_API_KEY",
        "MAIL_PORT",
        "TIMEZONE",
        "MAIL_USE_TLS",
        "ADMIN_USER",
        "DIGEST_WEBHOOK_URL",
        "GOOGLE_SERVICE_ACCOUNT_FILE",
    ]


def test_a_variable_with_a_fault_is_not_called_missing_besides(environment: Any) -> None:
    (fault,) = faults_of(environment, REPORT_SOURCE="file:/report.csv", DIGEST_WEBHOOK_URL="hooks.example.com")

    assert fault.startswith("DIGEST_WEBHOOK_URL: must be an address")


SECRET = "s3cr3t-value"


def test_no_fault_shows_a_secrets_value(environment: Any) -> None:
    faults = faults_of(
        environment,
        UTOPIA_API_KEY=SECRET,
        PC_API_KEY=SECRET,
        MAIL_PASSWORD=SECRET,
        ADMIN_PASS=SECRET,
        CALLBACK_TOKEN=SECRET,
        SECRET_KEY=SECRET,
        DATABASE_URL=f"postgres//handler:{SECRET}@db.example.com",
        DIGEST_WEBHOOK_URL=f"hooks.example.com/{SECRET}",
        PC_URL=f"powercode.example.com/{SECRET}",
    )

    assert sorted(re.split(r"[: ]", fault)[0] for fault in faults) == [
        "ADMIN_USER",
        "DATABASE_URL",
        "DIGEST_WEBHOOK_URL",
        "MAIL_USERNAME",
        "PC_URL",
    ]
    assert [fault for fault in faults if SECRET in fault] == []


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # other threads do, not the strategies
@given(
    changed=st.dictionaries(
        st.sampled_from([name.upper() for name in Settings.model_fields]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    )
)
def test_whatever_is_set_ends_in_settings_or_in_named_faults(changed: dict[str, str]) -> None:
    overrides = {name.lower(): value for name, value in {**NEEDED, **changed}.items()}
    try:
        load_settings(**overrides)
    except SettingsError as error:
        assert error.faults
        assert all(re.match(r"[A-Z0-9_]+( and [A-Z_]+)?[: ]", fault) for fault in error.faults), error.faults


CONFLICTS = [
    ({"MAIL_USE_TLS": "yes", "MAIL_USE_SSL": "1"}, "MAIL_USE_TLS and MAIL_USE_SSL"),
    ({"MAIL_USERNAME": "fiber"}, "MAIL_USERNAME and MAIL_PASSWORD"),
    ({"MAIL_PASSWORD": "x"}, "MAIL_USERNAME and MAIL_PASSWORD"),
    ({"ADMIN_USER": "ada"}, "ADMIN_USER needs"),
    ({"ADMIN_PASS": "x"}, "ADMIN_USER needs"),
    ({"ADMIN_USER": "<ada>", "ADMIN_PASS": "x"}, "ADMIN_USER: may have"),
    ({"ADMIN_USER": "ada", "ADMIN_PASS_HASH": "md5:x"}, "ADMIN_PASS_HASH: is no hash"),
    ({"ADMIN_PASS_HASH": "scrypt:x"}, "ADMIN_USER needs"),
    ({"REPORT_SOURCE": "file:/report.csv"}, "DIGEST_WEBHOOK_URL"),
    ({"REPORT_SOURCE": "sheets:a!Sheet1!A:F", "DIGEST_DELIVERY": "mail"}, "GOOGLE_SERVICE_ACCOUNT_FILE"),
]


@pytest.mark.parametrize(("changed", "beginning"), CONFLICTS)
def test_settings_that_do_not_fit_together_are_a_fault(environment: Any, changed: Any, beginning: str) -> None:
    (fault,) = faults_of(environment, **changed)

    assert fault.startswith(beginning)


def test_one_service_for_a_plan_and_for_every_account_is_a_fault(environment: Any) -> None:
    (fault,) = faults_of(environment, SERVICE_PLAN_MAPPING='{"1 Gbps": 203}')

    assert fault == "SERVICE_PLAN_MAPPING and ADDITIONAL_SERVICE_PLAN_MAPPING: both have service 203"
