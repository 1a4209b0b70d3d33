"""Calls one PowerCode server: its form API and its UAPI (reference: PowerCode, what is on the wire)."""

import base64
from collections.abc import Callable
from typing import TypeVar, Unpack

from wire import Call, Failure, Limits, Observer, Request, Transport, checked_url
from wire.client import Client

from .answers import Answered
from .certificates import Presented, presented_by, trust
from .errors import NeverArrived, OutcomeUnknown
from .models import Answer, Customer, NewCustomer, NewTicket, Tag

T = TypeVar("T")


class PowerCodeClient(Client):
    """One connection pool to a PowerCode server, safe to share between threads.

    Each method returns a frozen value or raises an error of `powercode.errors`. No request is sent twice.
    `limits` are those of `wire.Limits`: 5 s for a connection, 30 s between two packets, 60 s for the whole call.
    `observe` is called once a call with an `Observation`. Ids may be passed as `int` or `str`; they come back as
    strings of digits.

    `verify` is True (public authorities), False (anybody; logged as a warning), or the path of a PEM file with a CA's
    or the server's own certificate: then only that is trusted, and a server that presents just that certificate may
    have any host name.
    """

    def __init__(
        self,
        api_url: str,
        uapi_url: str,
        api_key: str,
        *,
        verify: bool | str = True,
        observe: Observer | None = None,
        **limits: Unpack[Limits],
    ) -> None:
        """ValueError for an unusable address or certificate file, an empty key or a time that is not above 0."""
        self._api_url = checked_url("api_url", api_url)
        self._uapi_url = checked_url("uapi_url", uapi_url)
        self._basic = base64.b64encode(api_key.encode()).decode()
        self._tls = trust(verify)
        super().__init__(api_key, observe, Transport(tls=self._tls, **limits))

    def __repr__(self) -> str:
        return f"PowerCodeClient({self._api_url!r}, {self._uapi_url!r})"

    def certificate(self) -> Presented | None:
        """The certificate that the server shows, and whether this client accepts it; None where `api_url` is http.

        Sends no request. Raises NeverArrived when there is no connection.
        """
        return presented_by(self._api_url, self._tls, self._transport.connect_timeout)

    # Looking up

    def search_customers(self, search: str) -> tuple[Customer, ...]:
        """The customers that match a name, an address or a phone; () for none.

        PowerCode answers a search without a hit with an empty list, without a list, or with a statusCode other than
        0, so a failure can't be told from "nobody" by its form. One whose message speaks of a key, a permission or a
        sign-in raises Refused, one that speaks of trouble OutcomeUnknown: read as "nobody", they would create
        customers twice.
        """

        def read(answered: Answered) -> tuple[Customer, ...] | None:
            content = {name.casefold(): value for name, value in (answered.form_or_none() or {}).items()}
            return answered.customers(content.get("customers")) or None

        return self._form("searchCustomers", {"searchString": search}, read, private=(search,)) or ()

    def read_customer(
        self, *, customer_id: str | int | None = None, ext_account_id: str | int | None = None
    ) -> Customer | None:
        """The customer with this id, or one of those with this external id (UTOPIA's siteid); None when unknown.

        ValueError unless exactly one of the two is given. A refusal that speaks of a key, a permission or a sign-in
        raises Refused, as with `search_customers`.
        """
        if (customer_id is None) == (ext_account_id is None):
            raise ValueError("give customer_id or ext_account_id")
        given = "" if customer_id is None else str(customer_id)
        fields = {"customerID": given} if given else {"extAccountID": str(ext_account_id)}
        return self._form("readCustomer", fields, lambda answered: answered.one_customer(given))

    def read_ticket(self, ticket_id: str | int) -> Answer:
        """A ticket, in PowerCode's own fields; Refused when it is unknown."""
        fields = {"ticketID": str(ticket_id)}
        return self._form("readTicket", fields, lambda answered: Answer(action="readTicket", content=answered.form()))

    # Changes: after OutcomeUnknown look first, then decide

    def create_customer(self, customer: NewCustomer) -> str:
        """The new customer's id. Never repeat it blindly: sent twice, it makes two customers.

        Refused with status_code 23: the address could not be geocoded; with `geocode=False` it succeeds.
        """
        return self._form(
            "createCustomer",
            customer.fields(),
            lambda answered: answered.new_id("customerID"),
            private=customer.private,
            secrets=(customer.portal_password,),
            changes=True,
        )

    def add_customer_service(
        self, customer_id: str | int, service_id: str | int, *, quantity: int = 1, prorate: bool = False
    ) -> str:
        """PowerCode's message. Never repeat it blindly: sent twice, it is billed twice, and no call lists services."""
        fields = {
            "customerID": str(customer_id),
            "serviceID": str(service_id),
            "quantity": str(quantity),
            "prorateService": "1" if prorate else "0",
        }
        return self._form("addCustomerService", fields, Answered.message, changes=True)

    def create_ticket(self, ticket: NewTicket) -> str:
        """The new ticket's id. Never repeat it blindly: the customer gets the description by mail each time."""
        return self._form(
            "createTicket",
            ticket.fields(),
            lambda answered: answered.new_id("ticketID"),
            private=(ticket.description,),
            changes=True,
        )

    def update_customer(self, customer_id: str | int, **fields: str) -> str:
        """Change these fields of a customer, named as createCustomer's; PowerCode's message. May be repeated."""
        sent = {"customerID": str(customer_id), **fields}
        return self._form("updateCustomer", sent, Answered.message, private=tuple(fields.values()), changes=True)

    def update_customer_status(self, customer_id: str | int, status: str) -> str:
        """PowerCode's message. It moves money: only `Active` and `Delinquent` customers are billed."""
        fields = {"customerID": str(customer_id), "status": status}
        return self._form("updateCustomerStatus", fields, Answered.message, changes=True)

    # Tags: adding one twice changes nothing

    def customer_tags(self, customer_id: str | int) -> tuple[Tag, ...]:
        """The customer's tags."""
        return self._uapi("GET", "customer/tags/customer", {"customerID": str(customer_id)}, Answered.tags)

    def add_customer_tag(self, customer_id: str | int, tag_id: str | int) -> tuple[Tag, ...]:
        """Add one tag (a production integration went back to one a call); returns the customer's tags after it."""
        fields = {"customerID": str(customer_id), "tags[]": str(tag_id)}
        return self._uapi("POST", "customer/tags/customer", fields, Answered.tags)

    def remove_customer_tag(self, customer_id: str | int, tag_id: str | int) -> tuple[Tag, ...]:
        """Take one tag away; the tags left."""
        fields = {"customerID": str(customer_id), "tags[]": str(tag_id)}
        return self._uapi("DELETE", "customer/tags/customer", fields, Answered.tags)

    # The door

    def _form(
        self,
        action: str,
        fields: dict[str, str],
        read: Callable[[Answered], T],
        *,
        private: tuple[str, ...] = (),
        secrets: tuple[str, ...] = (),
        changes: bool = False,
    ) -> T:
        form = {"apiKey": self._api_key, "action": action, **fields}
        return self._call(action, Request("POST", self._api_url, data=form), read, private, secrets, changes=changes)

    def _uapi(self, method: str, path: str, query: dict[str, str], read: Callable[[Answered], T]) -> T:
        headers = {"Authorization": f"Basic {self._basic}"}
        request = Request(method, f"{self._uapi_url}/{path}", params=query, headers=headers)
        return self._call(f"{method} {path}", request, read, changes=method != "GET")

    def _call(
        self,
        action: str,
        request: Request,
        read: Callable[[Answered], T],
        private: tuple[str, ...] = (),
        secrets: tuple[str, ...] = (),
        *,
        changes: bool,
    ) -> T:
        """The one door out: send, read, observe. `private` values are masked in what PowerCode says about them.

        `changes`: the call changes something at PowerCode, and not every refusal proves that nothing was changed.
        """
        with Call(self._observe, "powercode", action, request, (*secrets, self._api_key)) as call:
            reply = call.reply = self._transport.exchange(request)
            if isinstance(reply, Failure):
                raise (OutcomeUnknown if reply.sent else NeverArrived)(reply.detail, action)
            changed_within = call.seconds if changes else None
            result = read(Answered(action, reply, (self._api_key, self._basic), private, changed_within))
            call.outcome = "ok" if result is not None else "not_found"
            return result
