"""Whether UTOPIA's access portal shows a router at a site. Pure; the reference says where the router's MAC stands."""

import re

from app.models import RouterSeen
from utopia import AccessPortal

MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:-]?[0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f])")


def router_in(portal: AccessPortal) -> tuple[RouterSeen, str | None]:
    """Whether a router was seen, and its MAC address. "Not seen" only if its field is there and empty."""
    if mac := MAC.match(portal.router_mac or ""):
        return RouterSeen.SEEN, mac[0]
    try:
        macs = portal.content["result"][0]["eth"]["eth1"]["macs"]
    except (KeyError, IndexError, TypeError):
        return RouterSeen.CANT_TELL, None
    return (RouterSeen.NOT_SEEN if macs == [] else RouterSeen.CANT_TELL), None
