"""The kinds of values that settings have: how each is read from a text, and what is said of one that doesn't fit."""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

MAIL_ADDRESS = re.compile(r"[^@\s<>\",;]+@[^@\s<>\",;]+")


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
        raise ValueError('must be JSON such as {"1 Gbps": 164, "250 Mbps": 163}') from None
    if not isinstance(decoded, dict):
        raise ValueError('must be a JSON object such as {"1 Gbps": 164}')
    return decoded


def _service_ids(value: Mapping[str, int]) -> Mapping[str, int]:
    seen: dict[str, str] = {}
    for description, service_id in value.items():
        key = "".join(description.split()).casefold()
        if not key:
            raise ValueError("has a plan without a description")
        if key in seen:
            raise ValueError(f'names the plan "{description}" twice (blanks and case do not count)')
        if service_id < 1:
            raise ValueError(f'the PowerCode service id of "{description}" must be a positive number')
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
            raise ValueError(f"entry {number} is not a mail address; write office@example.com, billing@example.com")
    return tuple(dict.fromkeys(value))


def _sender(value: str) -> str:
    address = value.rpartition("<")[2].rstrip("> ") if "<" in value else value
    if "\n" in value or "\r" in value or not MAIL_ADDRESS.fullmatch(address):
        raise ValueError("must be a mail address such as fiber@example.com or Fiber desk <fiber@example.com>")
    return value


def _network(value: object) -> object:
    try:
        return ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        raise ValueError("must be networks such as 203.0.113.0/24,198.51.100.7") from None


def postgresql_address(value: str) -> str:
    """The address; ValueError, in words for people, when it is none."""
    try:
        make_url(value)
        urlsplit(value)
    except (ArgumentError, ValueError):
        raise ValueError("is no address; write postgresql://user:password@host:5432/name (@ in it as %40)") from None
    return value


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


Sender = Annotated[str, AfterValidator(_sender)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
WebAddress = Annotated[str, AfterValidator(web_address)]
ServiceIds = Annotated[dict[str, int], NoDecode, BeforeValidator(_json_object), AfterValidator(_service_ids)]
MailAddresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(_mail_addresses)]
Minutes = Annotated[tuple[Annotated[float, Field(gt=0)], ...], NoDecode, BeforeValidator(split)]
Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]
Optionally = BeforeValidator(_blank_is_unset)
