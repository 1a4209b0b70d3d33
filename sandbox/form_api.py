"""The actions of PowerCode's form API (reference: PowerCode, form API). None of them is idempotent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.accounts import STATUSES, Customer, Service
from sandbox.form_fields import (
    BAD_FIELD,
    NAME_TAKEN,
    NOT_FOUND,
    NOT_GEOCODED,
    Fields,
    RefusedError,
    customer_of,
    one_of,
    required,
    whole_number,
)

if TYPE_CHECKING:
    from sandbox.powercode import PowerCode

CREATE_CUSTOMER_FIELDS = (
    "firstName",
    "lastName",
    "emailAddress",
    "physicalStreet",
    "physicalCity",
    "physicalState",
    "physicalZip",
    "physicalAutomaticallyGeocode",
    "billingSameAsPhysical",
    "taxZoneId",
    "invoicePreference",
    "billDay",
    "dueByDays",
    "gracePeriodDays",
    "customerNotes",
    "customerPortalUsername",
    "customerPortalPassword",
    "phone",
    "extAccountID",
)
CREATE_TICKET_FIELDS = (
    "type",
    "summary",
    "category",
    "ticketType",
    "description",
    "status",
    "responsibleUser",
    "responsibleGroupID",
    "customerViewable",
    "customerID",
)
USPS_CODES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR"
    " PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI"
)
STATES = frozenset(USPS_CODES.split())
NOT_OF_THE_ACCOUNT = frozenset({"apiKey", "action", "customerID"})


def search_customers(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Customers whose name, address or phone contains `searchString`, as it is written there."""
    text = required(fields, "searchString").strip()
    found = server.customers_found_by(text)
    if not found and server.search_without_hit == "status_code":
        raise RefusedError("No customers found", NOT_FOUND)
    if not found and server.search_without_hit == "no_list":
        return {"message": "No customers found"}
    hits = [{"CustomerID": server.on_the_wire(each.customer_id), **each.summary(server.search_tells)} for each in found]
    return {"message": f"{len(hits)} customers found", "customers": hits}


def read_customer(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """The customer of `customerID`, or the oldest one with that `extAccountID`.

    The fields lie in `customer` or beside `statusCode`, as the server's `record_shape` says.
    """
    customer = customer_of(server, fields) if fields.get("customerID") else _customer_of_site(server, fields)
    customer_id, nested = server.on_the_wire(customer.customer_id), server.answers_nested
    record = customer.record(server.record_tells, nested=nested)
    if nested:
        return {"customer": {"customerId": customer_id, **record}}
    return {"message": "Customer found", "CustomerID": customer_id, **record}


def create_customer(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """A new customer, even when there is the same one already."""
    for name in CREATE_CUSTOMER_FIELDS:
        required(fields, name)
    _check_customer(fields)
    if server.refuse_taken_portal_names and _portal_name_taken(server, fields):
        raise RefusedError("The customer portal username is already in use", NAME_TAKEN)
    street = fields["physicalStreet"].upper()
    if fields["physicalAutomaticallyGeocode"] == "1" and any(part.upper() in street for part in server.ungeocodable):
        raise RefusedError("The physical address could not be geocoded", NOT_GEOCODED)
    customer = server.keep_customer({name: fields[name] for name in CREATE_CUSTOMER_FIELDS}, server.status_when_made)
    return {"message": "Customer created", "customerID": server.on_the_wire(customer.customer_id)}


def add_customer_service(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """One more service on the customer's bill, even when it is there already."""
    customer = customer_of(server, fields)
    service_id, quantity = whole_number(fields, "serviceID"), whole_number(fields, "quantity")
    prorated = one_of(fields, "prorateService", "0", "1") == "1"
    if service_id not in server.services:
        raise RefusedError("Invalid serviceID", NOT_FOUND)
    if quantity < 1:
        raise RefusedError("Invalid quantity", BAD_FIELD)
    customer.services.append(Service(service_id, quantity, prorated))
    return {"message": "Service added"}


def create_ticket(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """A new ticket, mailed to the customer; a repeated call mails again."""
    for name in CREATE_TICKET_FIELDS:
        required(fields, name)
    for name in ("category", "ticketType", "status", "responsibleGroupID"):
        whole_number(fields, name)
    one_of(fields, "customerViewable", "0", "1")
    ticket = server.keep_ticket(customer_of(server, fields), {name: fields[name] for name in CREATE_TICKET_FIELDS})
    return {"message": "Ticket created", "ticketID": server.on_the_wire(ticket.ticket_id)}


def read_ticket(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """The ticket of `ticketID`; its fields lie beside `statusCode`."""
    ticket = server.tickets.get(whole_number(fields, "ticketID"))
    if ticket is None:
        raise RefusedError("Invalid ticketID", NOT_FOUND)
    return {"message": "Ticket found", **ticket.fields, "ticketID": server.on_the_wire(ticket.ticket_id)}


def update_customer(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Sets the given fields of a customer; the others stay."""
    customer = customer_of(server, fields)
    changes = {name: value for name, value in fields.items() if name not in NOT_OF_THE_ACCOUNT}
    if not changes:
        raise RefusedError("Nothing to change", BAD_FIELD)
    customer.fields.update(changes)
    return {"message": "Customer updated"}


def update_customer_status(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Sets a customer's `status`, which decides whether they are billed."""
    customer = customer_of(server, fields)
    customer.status = one_of(fields, "status", *STATUSES)
    return {"message": "Customer status updated"}


FORM_ACTIONS: dict[str, Callable[[PowerCode, Fields], dict[str, Any]]] = {
    "searchCustomers": search_customers,
    "readCustomer": read_customer,
    "createCustomer": create_customer,
    "addCustomerService": add_customer_service,
    "createTicket": create_ticket,
    "readTicket": read_ticket,
    "updateCustomer": update_customer,
    "updateCustomerStatus": update_customer_status,
}


def _customer_of_site(server: PowerCode, fields: Fields) -> Customer:
    site = required(fields, "extAccountID")
    for customer in server.customers.values():
        if customer.fields.get("extAccountID") == site:
            return customer
    raise RefusedError("Customer not found", NOT_FOUND)


def _check_customer(fields: Fields) -> None:
    for name in ("taxZoneId", "dueByDays", "gracePeriodDays"):
        whole_number(fields, name)
    one_of(fields, "physicalAutomaticallyGeocode", "0", "1")
    one_of(fields, "billingSameAsPhysical", "0", "1")
    if fields["physicalState"] not in STATES:
        raise RefusedError("Invalid physicalState", BAD_FIELD)
    if "@" not in fields["emailAddress"]:
        raise RefusedError("Invalid emailAddress", BAD_FIELD)
    if not _is_phone_list(fields["phone"]):
        raise RefusedError("Invalid phone", BAD_FIELD)


def _is_phone_list(text: str) -> bool:
    try:
        phones = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(phones, list)
        and bool(phones)
        and all(isinstance(phone, dict) and {"Type", "Number"} <= phone.keys() for phone in phones)
    )


def _portal_name_taken(server: PowerCode, fields: Fields) -> bool:
    name = fields["customerPortalUsername"].lower()
    return any(each.fields.get("customerPortalUsername", "").lower() == name for each in server.customers.values())
