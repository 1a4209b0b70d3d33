"""Who may send us something: by the network it comes from, and by the token that it carries."""

import hmac
import ipaddress
from typing import Any

from flask import Request
from pydantic import SecretStr


def is_in(address: str | None, networks: tuple[Any, ...]) -> bool:
    """Whether an address is in one of the networks; an IPv4 address also in its IPv6 form."""
    try:
        caller: Any = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller in network for network in networks)


def has_token(incoming: Request, token: SecretStr) -> bool:
    """Whether a request carries the token: in its address, in a header, or as basic authentication's password."""
    authorization = incoming.authorization
    basic = authorization.password if authorization and authorization.type == "basic" else None
    given = (incoming.args.get("token"), incoming.headers.get("X-Callback-Token"), basic)
    wanted = token.get_secret_value().encode()
    return any(hmac.compare_digest(each.encode(), wanted) for each in given if each)
