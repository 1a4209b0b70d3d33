"""Answers of UTOPIA to service-provider calls and address calls (reference: UTOPIA, service-provider calls).

Each function takes all orders (orderref to contract) and the call's fields, and returns what goes out as JSON. A
required field that is missing raises KeyError with its name. The reference gives the shape of an answer for `apview`
and `address/search` alone; the other shapes are simple stand-ins.
"""

from collections.abc import Callable, Iterator
from typing import Any

Orders = dict[str, dict[str, Any]]
Fields = dict[str, Any]

ROUTER_MAC = "00:00:5E:00:53:1A"


class NoSuchRecordError(Exception):
    """There is no record for what the call names; the text is UTOPIA's."""


def service(orders: Orders, fields: Fields) -> list[dict[str, Any]]:
    """The services at a site."""
    return [
        {"servid": f"{_number(orders, orderref)}{index}", "description": item.get("description"), "status": "Active"}
        for orderref, contract in _matching(orders, siteid=fields["siteid"])
        for index, item in enumerate(contract.get("orderitems") or [])
    ]


def orders_found(orders: Orders, fields: Fields) -> list[dict[str, Any]]:
    """The orders that fit the fields given."""
    return [
        {"orderref": orderref, "status": contract.get("status"), "customer": contract.get("customer")}
        for orderref, contract in _matching(orders, **_given(fields, "status", "siteid", "orderref"))
    ]


def shaped(rows: list[dict[str, Any]], shape: str) -> Any:
    """The answer to `orders` in one of its possible shapes, as the reference doesn't define it."""
    match shape:
        case "nested":
            return {"status": "success", "data": [{"id": 1 + number, "order": row} for number, row in enumerate(rows)]}
        case "keyed":
            return {"orders": {row["orderref"]: {"status": row["status"]} for row in rows}}
        case "texts":
            return {"result": [f"Order {row['orderref']} ({row['status']})" for row in rows]}
        case "numbers":
            return [{"id": 90001 + number, "status": row["status"]} for number, row in enumerate(rows)]
    return rows


def customer(orders: Orders, fields: Fields) -> dict[str, Any]:
    """One customer."""
    cid = fields["cid"]
    for orderref, contract in orders.items():
        if _number(orders, orderref) == str(cid):
            return {"cid": cid, **(contract.get("customer") or {})}
    raise NoSuchRecordError("No valid records found for this ISP")


def checkaccess(orders: Orders, fields: Fields) -> dict[str, Any]:
    """Whether the site is one of ours."""
    return {"access": any(_matching(orders, **_given(fields, "siteid")))}


def apview(orders: Orders, fields: Fields) -> dict[str, Any]:
    """The access portal of a site; the router's MAC is at the start of a longer text."""
    if not any(_matching(orders, siteid=fields["siteid"])):
        raise NoSuchRecordError("No access portal found")
    return {"result": [{"siteid": fields["siteid"], "eth": {"eth1": {"macs": [f"{ROUTER_MAC} (dynamic)"]}}}]}


def portal(answer: dict[str, Any], routers: str) -> dict[str, Any]:
    """The access portal with its router, without one, or in a shape that the reference doesn't describe."""
    if routers == "other":
        return {"status": "success", "ports": [{"port": 1, "link": "up"}]}
    return {"result": [{**answer["result"][0], "eth": {"eth1": {"macs": []}}}]} if routers == "none" else answer


def macsearch(orders: Orders, fields: Fields) -> list[dict[str, Any]]:
    """The sites where a MAC was seen."""
    if str(fields["mac"]).upper() != ROUTER_MAC:
        return []
    return [{"mac": ROUTER_MAC, "siteid": site["address_id"]} for site in _sites(orders)][:1]


def products(_orders: Orders, _fields: Fields) -> list[dict[str, Any]]:
    """Our products on the network."""
    return [
        {"pid": "259", "description": "250 Mbps", "chargetype": "mrc", "cost": "65"},
        {"pid": "261", "description": "1 Gbps", "chargetype": "mrc", "cost": "85"},
        {"pid": "305", "description": "Installation", "chargetype": "nrc", "cost": "100"},
    ]


def projects(orders: Orders, fields: Fields) -> list[dict[str, Any]]:
    """The projects that fit the fields given; each order has one."""
    return [
        {"projectid": _number(orders, orderref), "orderref": orderref, "statusid": "1"}
        for orderref, _ in _matching(orders, **_given(fields, "siteid", "orderref"))
    ]


def projectdetail(orders: Orders, fields: Fields) -> dict[str, Any]:
    """One project."""
    for project in projects(orders, {}):
        if project["projectid"] == str(fields["projectid"]):
            return {**project, "status": "New Order"}
    raise NoSuchRecordError("No such project")


def outagetickets(_orders: Orders, _fields: Fields) -> list[dict[str, Any]]:
    """The outage tickets: there are none."""
    return []


def outageticket(_orders: Orders, fields: Fields) -> dict[str, Any]:
    """One outage ticket: never found, as there are none."""
    raise NoSuchRecordError(f"No outage ticket {fields['ticketid']}")


def _acknowledged(*required: str) -> Callable[[Orders, Fields], dict[str, Any]]:
    """The answer to a call that changes something at UTOPIA: accepted, without an effect here."""

    def acknowledge(_orders: Orders, fields: Fields) -> dict[str, Any]:
        return {"result": "success", **{name: fields[name] for name in required}}

    return acknowledge


PROVIDER_CALLS: dict[str, Callable[[Orders, Fields], Any]] = {
    "service": service,
    "orders": orders_found,
    "customer": customer,
    "checkaccess": checkaccess,
    "apview": apview,
    "macsearch": macsearch,
    "products": products,
    "projects": projects,
    "projectdetail": projectdetail,
    "outagetickets": outagetickets,
    "outageticket": outageticket,
    "editserviceitem": _acknowledged("servid"),
    "editorderitem": _acknowledged("itemid"),
    "suspend": _acknowledged("cid", "siteid"),
    "unsuspend": _acknowledged("cid", "siteid"),
    "changespeed": _acknowledged("cid", "siteid", "uiaid", "product", "issuedate"),
    "cancelservice": _acknowledged("cid", "siteid", "issuedate"),
}


def address_search(orders: Orders, fields: Fields) -> dict[str, Any]:
    """`{"single": [SITE]}` or `{"multi": [SITE, ...]}`: the orders' sites whose address holds what was searched."""
    search = fields["search"] if isinstance(fields.get("search"), dict) else {}
    wanted = {"address": search["address"], "postcode": search["postcode"], "unitnum": search.get("unitnum") or ""}
    found = [
        site
        for site in _sites(orders)
        if all(str(value).upper() in site[name].upper() for name, value in wanted.items())
    ]
    return {"single" if len(found) == 1 else "multi": found}


def _matching(orders: Orders, **wanted: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for orderref, contract in orders.items():
        here = {
            "orderref": orderref,
            "status": contract.get("status"),
            "siteid": (contract.get("address") or {}).get("siteid"),
        }
        if all(str(here[name]) == str(value) for name, value in wanted.items()):
            yield orderref, contract


def _given(fields: Fields, *names: str) -> Fields:
    return {name: fields[name] for name in names if fields.get(name)}


def _number(orders: Orders, orderref: str) -> str:
    return str(90001 + list(orders).index(orderref))


def _sites(orders: Orders) -> list[dict[str, str]]:
    """Each address that an order names, once."""
    addresses = [contract.get("address") or {} for contract in orders.values()]
    sites = {str(address.get("siteid")): _site(address) for address in addresses}
    return list(sites.values())


def _site(address: dict[str, Any]) -> dict[str, str]:
    return {
        "address_id": str(address.get("siteid")),
        "address": str(address.get("address")),
        "unitnum": str(address.get("apt") or ""),
        "city": str(address.get("city")),
        "state": str(address.get("state")),
        "postcode": str(address.get("zip")),
        "land_use": "Residential",
        "status": "ORDERABLE",
        "contract_type": "Residential",
        "pending_request": "",
    }
