"""The kinds of values that settings have: how each is read from a text, and what is said of one that doesn't fit."""

import base64
import ipaddress
import json
import logging
import re
import sqlite3
import sys
import unicodedata
import zoneinfo
from collections.abc import Mapping
from email.headerregistry import Address
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import NoDecode

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f.:IPv]+\])"
MAIL_ADDRESS = re.compile(rf"(?=.{{1,254}}$)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_DOMAIN}")
"""What every mail server takes: RFC 5321's dotted atoms. A character such as ü needs SMTPUTF8, which few have."""
LONGEST_SENDER_NAME = 66
"""Quoted, with blank and <>. Python's mail package takes the quotes off a longer one, and its commas part addresses."""

SHORTEST_TOKEN = 8
"""Shorter parts of an address are words, such as a topic, and the log would be full of holes."""

SMALLEST_KEY, LARGEST_KEY = 24, 64
"""Bytes of the key that signs events: Standard Webhooks' limits."""

LARGEST_SERVICE_ID = 2_147_483_647
NEEDED_SQLITE = (3, 42)
PLANS_EXAMPLE = '{"1 Gbps": 201, "250 Mbps": 202}'

OLD_PLANS = {
    "service_plan_1gbps_id": ("service_plan_mapping", "1 Gbps"),
    "service_plan_250mbps_id": ("service_plan_mapping", "250 Mbps"),
    "service_plan_bond_fee_id": ("additional_service_plan_mapping", "Bond fee"),
}
"""The settings of the scripts in use before: the mapping and the entry that each stands for."""


def sqlite_fault(
    python: tuple[int, ...] = sys.version_info[:2], sqlite: tuple[int, ...] = sqlite3.sqlite_version_info
) -> str | None:
    """Why this machine's Python and SQLite can't work together; None when they can.

    From Python 3.12 on, the engine has SQLite count milliseconds with `unixepoch('subsec')`, which came with 3.42. An
    older one answers nothing there: callbacks would be stored, and no order ever worked on.
    """
    if python < (3, 12) or sqlite >= NEEDED_SQLITE:
        return None
    versions = [".".join(map(str, version)) for version in (python, NEEDED_SQLITE, sqlite)]
    return (
        "is SQLite, and Python {} needs version {} of it or newer; here it is {}. Use Debian's own Python "
        "(those of 12 and 13 fit), Python 3.11, or PostgreSQL"
    ).format(*versions)


def port_of(address: str) -> int | None:
    """The port that a web address names; None when it names none, or nothing that is a port."""
    try:
        return urlsplit(address).port
    except ValueError:
        return None


def split(value: object) -> object:
    """The parts of a list that is written with commas or semicolons."""
    if isinstance(value, str):
        return tuple(part.strip() for part in re.split(r"[,;]", value) if part.strip())
    return value


def _json_object(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value or "{}")
    except (ValueError, RecursionError):
        raise ValueError(f"must be JSON such as {PLANS_EXAMPLE}") from None
    if not isinstance(decoded, dict):
        raise ValueError(f"must be a JSON object such as {PLANS_EXAMPLE}")
    return decoded


def with_old_plans(mapping: object, old: Mapping[str, object]) -> object:
    """The mapping with the old settings' plans that it says nothing of; `{}` says that there are none.

    None when nothing is set. What is no number is left to its own check.
    """
    plans = {plan: number for plan, value in old.items() if (number := _number(value))}
    if mapping is None:
        return plans if old else None
    try:
        known = _json_object(mapping)
    except ValueError:
        return mapping
    if not isinstance(known, dict) or not known:
        return mapping
    named = {_plan_key(description) for description in known}
    return {**known, **{plan: number for plan, number in plans.items() if _plan_key(plan) not in named}}


def _number(service_id: object) -> int | None:
    try:
        return SERVICE_ID.validate_python(service_id)
    except ValidationError:
        return None


def _plan_key(description: str) -> str:
    """As `plan_key` of the plans' room has it: two spellings of one plan have one number."""
    return "".join(unicodedata.normalize("NFKC", description).split()).casefold()


def _service_ids(value: Mapping[str, int]) -> Mapping[str, int]:
    seen: dict[str, str] = {}
    for description, service_id in value.items():
        key = _plan_key(description)
        if not key:
            raise ValueError("has a plan without a description")
        if key in seen:
            raise ValueError(f'names the plan "{description}" twice (blanks and case do not count)')
        if not 1 <= service_id <= LARGEST_SERVICE_ID:
            raise ValueError(f'the PowerCode service id of "{description}" must be from 1 to {LARGEST_SERVICE_ID}')
        seen[key] = description
    return value


def web_address(value: str) -> str:
    """The address without a slash at its end; ValueError, in words for people, when it is none."""
    parts = urlsplit(value)
    if ":" in parts.netloc.rpartition("]")[2] and port_of(value) is None:
        raise ValueError("has a port that is no number from 1 to 65535")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that starts with https:// (or http://)")
    return value.rstrip("/")


def _mail_addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    for number, address in enumerate(value, 1):
        if not MAIL_ADDRESS.fullmatch(address):
            raise ValueError(f"entry {number} {_unfit(address)}; write office@example.com, billing@example.com")
    return tuple(dict.fromkeys(value))


def _unfit(address: str) -> str:
    if address.isascii():
        return "is not a mail address"
    return "has a letter that mail servers don't take in an address (a to z only; a domain in its xn-- form)"


def _sender(value: str) -> str:
    """The sender as a mail's header has it: a name with a comma or the like in quotes."""
    name, _, address = value.rpartition("<") if value.endswith(">") else ("", "", f"{value}>")
    address = address.removesuffix(">").strip()
    if not MAIL_ADDRESS.fullmatch(address) or not name.isprintable():
        raise ValueError(f"{_unfit(address)}; write fiber@example.com or Fiber desk <fiber@example.com>")
    sender = str(Address(_unquoted(name.strip()), addr_spec=address))
    if len(sender) - len(address) > LONGEST_SENDER_NAME:
        raise ValueError("has a name of more than 60 letters, which mail can't carry as a whole")
    return sender


def _unquoted(name: str) -> str:
    quoted = re.fullmatch(r'"((?:\\.|[^"\\])*)"', name)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else name


def _time_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError("is no time zone; write one such as America/Denver") from None
    return value


def _schedule(value: str) -> str:
    try:
        CronTrigger.from_crontab(value)
    except ValueError:
        raise ValueError("must be five cron fields, such as 0 8 * * mon") from None
    if re.search(r"\d", value.split()[4]):
        raise ValueError("names the weekday with a number, which programs count differently: write mon, tue, ...")
    return value


def _report_source(value: str) -> str:
    if not re.match(r"sheets:[^!]+!.+|file:.+\.(xlsx|csv)$|s3://[^/]+/.+", value, re.IGNORECASE):
        raise ValueError("must be sheets:<id>!Sheet1!A:F, file:/path.xlsx, file:/path.csv or s3://bucket/key")
    kind, colon, where = value.partition(":")
    return kind.lower() + colon + where


def _blank_separated(value: object) -> object:
    return tuple(value.split()) if isinstance(value, str) else value


def _channels(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not value:
        return value
    import apprise  # noqa: PLC0415 - takes half a second, and few need it

    logging.getLogger("apprise").propagate = False  # it would log the address
    for number, url in enumerate(value, 1):
        if apprise.Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True) is None:
            raise ValueError(
                f"entry {number} is no address that Apprise knows; write slack://... ntfys://..., with blanks between"
            )
    return tuple(dict.fromkeys(value))


def parts_of_secret_address(address: str) -> list[str]:
    """An address that is a secret, and those parts of it that can be tokens or passwords."""
    parts = (unquote(part) for part in re.split(r"[/:@?&=]+", address))
    return [address, *(part for part in parts if len(part) >= SHORTEST_TOKEN)]


def _events_secret(value: SecretStr | None) -> SecretStr | None:
    """As Standard Webhooks has it: 24 to 64 bytes."""
    if value is None:
        return None
    prefix, _, key = value.get_secret_value().strip().partition("_")
    try:
        size = len(base64.b64decode(key, validate=True)) if prefix == "whsec" else 0
    except ValueError:
        size = 0
    if not SMALLEST_KEY <= size <= LARGEST_KEY:
        raise ValueError(
            "must be whsec_ and 24 to 64 random bytes in base64; python3 -c 'import base64, secrets; "
            'print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())\' prints one'
        )
    return value


def _network(value: object) -> object:
    try:
        return ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        raise ValueError("must be networks such as 203.0.113.0/24,198.51.100.7") from None


def postgresql_address(value: str) -> str:
    """The address; ValueError, in words for people, when it is none."""
    # Only here: gunicorn's first process, which reads the settings as well, would keep it in memory.
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        make_url(value)
        urlsplit(value)
    except (ArgumentError, ValueError):
        raise ValueError("is no address; write postgresql://user:password@host:5432/name (@ in it as %40)") from None
    return value


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _as_written(value: object) -> object:
    """A password keeps the blanks at its ends, which every other value loses."""
    return SecretStr(value) if isinstance(value, str) and value.strip() else _blank_is_unset(value)


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


Sender = Annotated[str, AfterValidator(_sender)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
WebAddress = Annotated[str, AfterValidator(web_address)]
ServiceId = Annotated[Annotated[int, Field(ge=1, le=LARGEST_SERVICE_ID)] | None, BeforeValidator(_blank_is_unset)]
SERVICE_ID: TypeAdapter[int | None] = TypeAdapter(ServiceId)
ServiceIds = Annotated[dict[str, int], NoDecode, BeforeValidator(_json_object), AfterValidator(_service_ids)]
MailAddresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(_mail_addresses)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Schedule = Annotated[str, AfterValidator(_schedule)]
ReportSource = Annotated[str, AfterValidator(_report_source)]
Minutes = Annotated[tuple[Annotated[float, Field(gt=0)], ...], NoDecode, BeforeValidator(split)]
Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]
Password = Annotated[SecretStr | None, BeforeValidator(_as_written)]
NotifyUrls = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_blank_separated), AfterValidator(_channels)]
EventsSecret = Annotated[Password, AfterValidator(_events_secret)]
Optionally = BeforeValidator(_blank_is_unset)
