"""Every look-up there is: what to enter, and which call answers it. None changes anything (reference: UTOPIA's
service-provider calls; PowerCode's form API and UAPI)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from app.lookups.entry_fields import Field, Given
from app.lookups.remote_requests import NotAnswered, answer
from app.models import System
from app.services import Services

NETWORKS = ("UTOPIA", "IDAHOFALLS", "BOZEMAN", "BOUNTIFULFIBER")

Ask = Callable[[Services, Given], Any]


@dataclass(frozen=True)
class LookUp:
    """A question to a remote system. `ask` returns plain JSON."""

    name: str
    title: str
    words: str
    ask: Ask
    fields: tuple[Field, ...] = ()
    system: System = System.UTOPIA

    def answer(self, services: Services, given: Given) -> Any:
        """The system's answer as plain JSON; raises `NotAnswered`."""
        return answer(lambda: self.ask(services, given))


ORDERREF = Field("orderref", "Order reference", "As in UIA202411-001186")
SITE = Field("siteid", "Site id")
CUSTOMER_ID = Field("customer_id", "Customer id", number=True, longest=18)


def _needed(field: Field) -> Field:
    return replace(field, required=True)


def _order(services: Services, given: Given) -> Any:
    return {"orderref": given["orderref"], **services.utopia.contract(given["orderref"]).to_dict()}


def _access_portal(services: Services, given: Given) -> Any:
    portal = services.utopia.ap_view(given["siteid"])
    return {"router MAC": portal.router_mac or "none seen", "access portal": portal.content}


def _mac(services: Services, given: Given) -> Any:
    hours = given.get("hours")
    return services.utopia.mac_search(given["mac"], hourshistory=int(hours) if hours else None).content


def _addresses(services: Services, given: Given) -> Any:
    sites = services.utopia.address_search(
        given["address"],
        postcode=given.get("postcode", ""),
        unitnum=given.get("unit", ""),
        network=given.get("network"),
    )
    return [site.to_dict() for site in sites]


def _customer(services: Services, given: Given) -> Any:
    if ("customer_id" in given) == ("siteid" in given):
        raise NotAnswered("Enter one of the two: the customer id or the site id.")
    customer = services.powercode.read_customer(
        customer_id=given.get("customer_id"), ext_account_id=given.get("siteid")
    )
    if customer is None:
        raise NotAnswered("PowerCode has no such customer.", no_such_record=True)
    tags = services.powercode.customer_tags(customer.customer_id)
    return {**_customer_shown(customer.model_dump()), "tags": [tag.model_dump() for tag in tags]}


def _customers(services: Services, given: Given) -> Any:
    found = services.powercode.search_customers(given["search"])
    return [_customer_shown(customer.model_dump(exclude={"notes"})) for customer in found]


def _customer_shown(record: dict[str, Any]) -> dict[str, Any]:
    """The record without the list of all its texts, which only comparisons need."""
    return {name: value for name, value in record.items() if name != "texts"}


LOOK_UPS = (
    LookUp(
        "order",
        "Order",
        "Who ordered what, where, and whether the contract is ready.",
        _order,
        (_needed(ORDERREF),),
    ),
    LookUp(
        "address",
        "Address",
        "The sites at an address, and whether service can be ordered there.",
        _addresses,
        (
            Field("address", "Street", "House number and street: 12 N EXAMPLE AVENUE", required=True, longest=120),
            Field("postcode", "ZIP code", longest=10),
            Field("unit", "Unit", longest=20),
            Field("network", "Network", choices=NETWORKS),
        ),
    ),
    LookUp(
        "site",
        "Services at a site",
        "What runs at a site, with the ids of its services.",
        lambda services, given: services.utopia.service(given["siteid"]).content,
        (_needed(SITE),),
    ),
    LookUp(
        "access-portal",
        "Access portal",
        "The state of a site's access portal, and the router on it.",
        _access_portal,
        (_needed(SITE),),
    ),
    LookUp(
        "mac",
        "MAC address",
        "The site where a router or another device was seen.",
        _mac,
        (
            Field("mac", "MAC address", "As in 00:00:5E:00:53:1A", required=True, longest=32),
            Field("hours", "Hours to look back", "UTOPIA looks back 1 hour when this is blank", number=True, longest=4),
        ),
    ),
    LookUp(
        "customer",
        "Customer of UTOPIA",
        "One customer, by UTOPIA's own number (cid).",
        lambda services, given: services.utopia.customer(given["cid"]).content,
        (Field("cid", "Customer number (cid)", required=True),),
    ),
    LookUp(
        "access",
        "Is it ours?",
        "Whether a site or a customer is ours to see.",
        lambda services, given: services.utopia.check_access(**given).content,
        (SITE, Field("clientid", "Customer number (clientid)")),
    ),
    LookUp(
        "orders",
        "Orders",
        "UTOPIA's list of our orders; narrow it by any of these.",
        lambda services, given: services.utopia.orders(**given).content,
        (ORDERREF, SITE, Field("status", "Status", "As UTOPIA writes it")),
    ),
    LookUp(
        "projects",
        "Projects",
        "UTOPIA's list of our projects; narrow it by any of these.",
        lambda services, given: services.utopia.projects(**given).content,
        (ORDERREF, SITE, Field("statusid", "Status id")),
    ),
    LookUp(
        "project",
        "One project",
        "Everything about one project.",
        lambda services, given: services.utopia.project_detail(given["projectid"]).content,
        (Field("projectid", "Project id", required=True),),
    ),
    LookUp(
        "products",
        "Products",
        "What orders can hold: our products on the network.",
        lambda services, _given: services.utopia.products().content,
    ),
    LookUp(
        "outages",
        "Outages",
        "Outage tickets; narrow them by any of these.",
        lambda services, given: services.utopia.outage_tickets(**given).content,
        (
            SITE,
            Field("clientid", "Customer number (clientid)"),
            Field("eventdate", "Day of the event", "As UTOPIA writes it"),
            Field("status", "Status"),
            Field("sla", "SLA"),
            Field("devicequery", "Device"),
        ),
    ),
    LookUp(
        "outage",
        "One outage",
        "One outage ticket.",
        lambda services, given: services.utopia.outage_ticket(given["ticketid"]).content,
        (Field("ticketid", "Outage ticket", required=True),),
    ),
    LookUp(
        "customers",
        "Find customers",
        "By a name, an address or a phone number.",
        _customers,
        (Field("search", "Name, address or phone", required=True, longest=120),),
        system=System.POWERCODE,
    ),
    LookUp(
        "customer",
        "Customer",
        "One customer with tags, by PowerCode's id or by UTOPIA's site.",
        _customer,
        (CUSTOMER_ID, Field("siteid", "or UTOPIA's site id")),
        system=System.POWERCODE,
    ),
    LookUp(
        "ticket",
        "Ticket",
        "One ticket as PowerCode has it.",
        lambda services, given: services.powercode.read_ticket(given["ticket_id"]).content,
        (Field("ticket_id", "Ticket id", required=True, number=True, longest=18),),
        system=System.POWERCODE,
    ),
    LookUp(
        "tags",
        "Tags",
        "The tags of a customer.",
        lambda services, given: [tag.model_dump() for tag in services.powercode.customer_tags(given["customer_id"])],
        (_needed(CUSTOMER_ID),),
        system=System.POWERCODE,
    ),
)

BY_PLACE = {(str(look_up.system), look_up.name): look_up for look_up in LOOK_UPS}
"""Each look-up by its system and name, as in its page's address."""
