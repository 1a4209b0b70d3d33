"""Settings, read once from the environment and `.env`, checked as a whole, then frozen.

Every fault is reported in one go, in words for the person who edits `.env`, and no value of a secret
appears in them. The names are those of `.env.example`, which explains each.
"""

import os
import re
import ssl
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import env_file
from config_values import (
    OLD_PLANS,
    PLANS_EXAMPLE,
    EventsSecret,
    LogLevel,
    MailAddresses,
    Minutes,
    Network,
    NotifyUrls,
    Optionally,
    Password,
    ReportSource,
    Schedule,
    Sender,
    ServiceId,
    ServiceIds,
    TimeZone,
    WebAddress,
    parts_of_secret_address,
    port_of,
    postgresql_address,
    split,
    sqlite_fault,
    web_address,
    with_old_plans,
)

PROJECT = Path(__file__).resolve().parent
USER_NAME = re.compile(r"\w[\w.@+ -]{0,79}")
PASSWORD_HASHES = ("$argon2", "$2a$", "$2b$", "$2y$", "scrypt:", "pbkdf2:")


class SettingsError(Exception):
    """All that is wrong with the settings, a line each; safe to print."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class Settings(BaseSettings):
    """Every setting of the service; built with `load_settings()`, which words the faults."""

    model_config = SettingsConfigDict(
        env_file=PROJECT / ".env", extra="ignore", frozen=True, hide_input_in_errors=True, str_strip_whitespace=True
    )

    utopia_url_endpoint: WebAddress
    utopia_api_key: SecretStr = Field(min_length=1)

    pc_url: WebAddress
    pc_api_key: SecretStr = Field(min_length=1)
    pc_url_api: WebAddress = ""
    pc_url_uapi: WebAddress = ""
    pc_verify_ssl: bool | Path = True
    pc_cust_tags: Annotated[tuple[int, ...], NoDecode, BeforeValidator(split)] = ()
    service_plan_mapping: ServiceIds
    additional_service_plan_mapping: ServiceIds
    service_plan_1gbps_id: ServiceId = None
    service_plan_250mbps_id: ServiceId = None
    service_plan_bond_fee_id: ServiceId = None
    customer_portal_password: Password = None

    pc_tax_zone_id: int = 1
    pc_bill_day: str = "Activation Date"
    pc_due_by_days: int = Field(default=0, ge=0)
    pc_grace_period_days: int = Field(default=10, ge=0)
    pc_invoice_preference: str = "Email"
    pc_prorate_service: bool = False
    pc_ticket_summary: str = "Customer has requested fiber service"
    pc_ticket_category: int = 54
    pc_ticket_type: int = 21
    pc_ticket_group: int = 4
    pc_ticket_responsible: str = "Sales"
    powercode_concurrency: int = Field(default=4, ge=1, le=64)

    mail_server: str = Field(min_length=1)
    mail_port: int = Field(default=25, ge=1, le=65535)
    mail_use_tls: bool = False
    mail_use_ssl: bool = False
    mail_username: Annotated[str | None, Optionally] = None
    mail_password: Password = None
    email_sender: Sender
    email_recipients: MailAddresses = Field(min_length=1)
    mail_attachment_mb: float = Field(default=10, ge=0, le=1000)

    database_url: str = "sqlite:///instance/handler.db"
    backup_alert_hours: int = Field(default=36, ge=0)
    keep_days: int = Field(default=400, ge=30)
    role: Literal["all", "web", "worker"] = "all"
    executor_id: Annotated[str | None, Optionally] = None
    worker_port: int = Field(default=5051, ge=1, le=65535)
    secret_key: SecretStr = Field(min_length=1)
    admin_user: Annotated[str | None, Optionally] = None
    admin_pass: Password = None
    admin_pass_hash: Annotated[SecretStr | None, Optionally] = None

    callback_token: Annotated[SecretStr | None, Optionally] = None
    callback_allowed_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(split)] = ()
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    flask_host: str = "127.0.0.1"
    flask_port: int = Field(default=5050, ge=1, le=65535)
    public_url: Annotated[WebAddress | None, Optionally] = None

    log_file: Path = Path("api_class.log")
    log_level: LogLevel = "INFO"
    log_format: Literal["text", "json"] = "text"
    ticket_template_dir: Path = Path("ticket_descriptions")
    ticket_template_file: str = "new_desc.txt"

    connect_timeout_seconds: float = Field(default=5, gt=0, le=60)
    read_timeout_seconds: float = Field(default=30, gt=0, le=300)
    retry_minutes: Minutes = Field(default=(1, 2, 5, 15, 30, 60), min_length=1)
    pc_settle_seconds: float = Field(default=120, ge=0)
    notice_after_minutes: float = Field(default=30, gt=0)
    give_up_after_hours: float = Field(default=72, gt=0)

    activation: Literal["off", "show", "button"] = "show"
    cases: Literal["on", "off"] = "on"
    customer_changes: Literal["on", "off"] = "on"
    reconcile_schedule: Annotated[Schedule | None, Optionally] = "30 6 * * *"
    morning_summary: Annotated[Schedule | None, Optionally] = "0 7 * * mon-fri"

    notify_urls: NotifyUrls = ()
    events_url: Annotated[WebAddress | None, Optionally] = None
    events_secret: EventsSecret = None

    report_source: Annotated[ReportSource | None, Optionally] = None
    google_service_account_file: Annotated[Path | None, Optionally] = None
    google_sheets_endpoint: WebAddress = "https://sheets.googleapis.com"
    digest_delivery: Literal["webhook", "mail"] = "webhook"
    digest_webhook_url: Annotated[WebAddress | None, Optionally] = None
    digest_batch_size: int = Field(default=100, ge=1, le=1000)
    digest_schedule: Schedule = "0 8 * * mon"
    digest_first_window_days: int = Field(default=7, ge=1)
    timezone: TimeZone = "America/Denver"

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, values: dict[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in values.items() if name not in REQUIRED or str(value).strip()}
        values |= _plans(values)
        base = _with_port(str(values.get("pc_url") or "").strip().rstrip("/"))
        try:
            web_address(base)
        except ValueError:
            base = "http://unset.invalid"  # a faulty PC_URL is reported only once
        for name, path in (("pc_url_api", "/api/1/index.php"), ("pc_url_uapi", "/uapi")):
            if not str(values.get(name) or "").strip():
                values[name] = base + path
        return values

    @field_validator("pc_verify_ssl", mode="before")
    @classmethod
    def _flag_or_file(cls, value: object) -> object:
        text = str(value).strip()
        flag = {"true": True, "1": True, "yes": True, "": True, "false": False, "0": False, "no": False}
        if text.lower() in flag:
            return flag[text.lower()]
        path = PROJECT / text
        if not path.is_file():
            raise ValueError(f"must be true, false or the path of a certificate file; there is no file {text}")
        try:
            ssl.create_default_context(cafile=path)
        except (ssl.SSLError, OSError):
            raise ValueError(f"names {text}, which holds no certificate in PEM form (-----BEGIN ...)") from None
        return path

    @field_validator("database_url")
    @classmethod
    def _database_address(cls, value: str) -> str:
        if value.startswith("sqlite:///"):
            path = value.removeprefix("sqlite:///")
            if not path or path == ":memory:":
                raise ValueError("must name a file, such as sqlite:///instance/handler.db; memory would lose orders")
            if fault := sqlite_fault():
                raise ValueError(fault)
            return f"sqlite:///{PROJECT / path}"
        if re.match(r"postgres(ql)?(\+psycopg)?://", value):
            return postgresql_address(re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", value))
        raise ValueError("must start with sqlite:/// or postgresql://")

    @field_validator("log_file", "ticket_template_dir", "google_service_account_file")
    @classmethod
    def _below_project(cls, value: Path | None) -> Path | None:
        return value and PROJECT / value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        faults = list(self._conflicts())
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _conflicts(self) -> Iterator[str]:
        if self.mail_use_tls and self.mail_use_ssl:
            yield "MAIL_USE_TLS and MAIL_USE_SSL: set one of them, not both"
        if bool(self.mail_username) != bool(self.mail_password):
            yield "MAIL_USERNAME and MAIL_PASSWORD: set both or none"
        if bool(self.admin_user) != bool(self.admin_pass or self.admin_pass_hash):
            yield "ADMIN_USER needs ADMIN_PASS or ADMIN_PASS_HASH, and the other way round"
        if self.admin_user and not USER_NAME.fullmatch(self.admin_user):
            yield "ADMIN_USER: may have 1 to 80 letters, digits, blanks and . @ + - _"
        if self.admin_pass_hash and not self.admin_pass_hash.get_secret_value().startswith(PASSWORD_HASHES):
            yield "ADMIN_PASS_HASH: is no hash of a password ($argon2, $2b$, scrypt:, pbkdf2:); or set ADMIN_PASS"
        for service_id in {*self.service_plan_mapping.values()} & {*self.additional_service_plan_mapping.values()}:
            yield f"SERVICE_PLAN_MAPPING and ADDITIONAL_SERVICE_PLAN_MAPPING: both have service {service_id}"
        if self.report_source and self.digest_delivery == "webhook" and not self.digest_webhook_url:
            yield "DIGEST_WEBHOOK_URL: is required, as REPORT_SOURCE is set and DIGEST_DELIVERY is webhook"
        if bool(self.events_url) != bool(self.events_secret):
            yield "EVENTS_URL and EVENTS_SECRET: set both or none"
        if (self.report_source or "").startswith("sheets:") and not self.google_service_account_file:
            yield "GOOGLE_SERVICE_ACCOUNT_FILE: is required, as REPORT_SOURCE is a Google spreadsheet"

    @property
    def powercode_server(self) -> str:
        """PowerCode's address with its port, for links: 444 unless `PC_URL` names another."""
        return _with_port(self.pc_url)

    @property
    def public_address(self) -> str:
        """Where staff reach this service, for links in notices."""
        return self.public_url or f"http://{self.flask_host}:{self.flask_port}"

    @property
    def ticket_template(self) -> Path:
        """The file of the ticket's description."""
        return self.ticket_template_dir / self.ticket_template_file

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """`TIMEZONE`, ready to use."""
        return zoneinfo.ZoneInfo(self.timezone)

    def files(self) -> list[Path]:
        """`.env`, and the files that are read when the service starts because it names them."""
        named = (env_path(), self.pc_verify_ssl, self.google_service_account_file)
        return [path for path in named if isinstance(path, Path)]

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for the log's redaction."""
        values = [value.get_secret_value() for value in vars(self).values() if isinstance(value, SecretStr)]
        values += [part for url in self.notify_urls for part in parts_of_secret_address(url.get_secret_value())]
        address = urlsplit(self.database_url)
        password = address.password or ""
        values += [password, unquote(password), *parse_qs(address.query).get("password", [])]
        return tuple(value for value in values if value)


def env_path() -> Path | None:
    """Where `.env` is; None where none is read."""
    named = Settings.model_config.get("env_file")
    return Path(str(named)) if named else None


def _with_port(server: str) -> str:
    return server if port_of(server) else f"{server}:444"


def _plans(values: dict[str, Any]) -> dict[str, Any]:
    """The plan mappings that are set, under their own names or the former scripts' names."""
    found = {}
    for mapping in ("service_plan_mapping", "additional_service_plan_mapping"):
        old = {plan: values[name] for name, (of, plan) in OLD_PLANS.items() if of == mapping and values.get(name)}
        found[mapping] = with_old_plans(values.get(mapping), old)
    return {name: value for name, value in found.items() if value is not None}


REQUIRED = {
    "utopia_url_endpoint": "the address of UTOPIA's API, such as https://api.utopiafiber.com",
    "utopia_api_key": "the key that UTOPIA gave you",
    "pc_url": "the address of your PowerCode server, such as https://powercode.example.com",
    "pc_api_key": "an API key made in PowerCode for this machine's IP address",
    "service_plan_mapping": "which service in your PowerCode each plan is, such as "
    f"SERVICE_PLAN_MAPPING={PLANS_EXAMPLE} with your server's numbers; or {{}}, to map them in the console",
    "additional_service_plan_mapping": "what every new account gets as well, such as "
    'ADDITIONAL_SERVICE_PLAN_MAPPING={"Bond fee": 203} with your server\'s number; or {}, for nothing',
    "mail_server": "the host that sends mail, such as smtp.example.com",
    "email_sender": "the address notices come from",
    "email_recipients": "the addresses that get notices, such as office@example.com,billing@example.com",
    "secret_key": "a long random text; python3 -c 'import secrets; print(secrets.token_hex(32))' prints one",
}


STAND_INS = dict.fromkeys(REQUIRED, "https://example.com")
STAND_INS |= dict.fromkeys(("email_sender", "email_recipients"), "office@example.com")
STAND_INS |= dict.fromkeys(("service_plan_mapping", "additional_service_plan_mapping"), "{}")


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings; `overrides` win over the environment. Raises `SettingsError` with every fault."""
    written = _env_file(overrides.pop("_env_file", env_path()))
    unreadable = [_line_in_words(line) for line in written.faults]
    unread = {line.name.lower() for line in written.faults}
    values = {**_beside_the_environment(written.values), **overrides}
    try:
        settings = Settings(_env_file=None, **values)
    except ValidationError as error:
        errors = [fault for fault in error.errors() if not unread.intersection(fault["loc"])]
        faults = list(dict.fromkeys(line for fault in errors for line in _in_words(fault)))
        faulty = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
        raise SettingsError(unreadable + faults + (_conflicts_beside(faulty, values) if faulty else [])) from None
    if unreadable:
        raise SettingsError(unreadable)
    return settings


def _env_file(path: Any) -> env_file.EnvFile:
    try:
        return env_file.read(path)
    except OSError as problem:
        words = f".env can't be read ({problem.strerror}): let the user that runs this service read it"
        raise SettingsError([words]) from None
    except ValueError as error:
        raise SettingsError([f".env can't be read, it is no text in UTF-8: {error}"]) from None


def _line_in_words(line: env_file.Unreadable) -> str:
    """A fault of `.env`. The line's beginning is shown only if it is a setting's name: it may be part of a secret."""
    about = f" ({line.name.upper()})" if line.name.lower() in Settings.model_fields else ""
    return f".env, line {line.number}{about}: {line.words}"


def _beside_the_environment(written: dict[str, str]) -> dict[str, str]:
    """The settings of `.env` that the environment doesn't give; it wins."""
    given = {name.lower() for name in os.environ}
    known = {name.lower(): value for name, value in written.items() if name.lower() in Settings.model_fields}
    return {name: value for name, value in known.items() if name not in given}


def _conflicts_beside(faulty: set[str], values: dict[str, Any]) -> list[str]:
    """The conflicts among the other settings; pydantic looks for them only once every value is sound."""
    stand_ins = {name: STAND_INS.get(name, Settings.model_fields[name].default) for name in faulty}
    try:
        Settings(_env_file=None, **{**values, **stand_ins})
    except ValidationError as error:
        conflicts = [line for fault in error.errors() if not fault["loc"] for line in _in_words(fault)]
        return [line for line in conflicts if not {name.upper() for name in faulty} & set(re.findall(r"\w+", line))]
    return []


def _in_words(fault: Any) -> list[str]:
    """A fault of pydantic's in an administrator's words, naming the variable and never its value."""
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return message.splitlines()
    field, kind = str(fault["loc"][0]), fault["type"]
    name = field.upper()
    if field in REQUIRED and kind in ("missing", "string_too_short", "too_short"):
        return [f"{name}: is required: {REQUIRED[field]}"]
    words = {
        **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "must be a whole number"),
        "float_parsing": "must be a number",
        "bool_parsing": "must be true or false",
        "literal_error": f"must be one of {fault.get('ctx', {}).get('expected', '')}",
    }
    return [f"{name}: {words.get(kind, message[:1].lower() + message[1:])}"]
