"""A simulated PowerCode server: the form API, the UAPI and a customer's page, on one port."""

from collections.abc import Collection
from html import escape
from typing import Any, Literal

from sandbox.accounts import SEEDED_FIELDS, Customer, Service, Ticket
from sandbox.faults import Fault
from sandbox.form_api import FORM_ACTIONS
from sandbox.form_fields import RefusedError
from sandbox.http_messages import Answer, Request, html_answer, json_answer
from sandbox.http_server import SimulatedServer
from sandbox.uapi import UAPI_PREFIX, uapi_answer

FORM_PATH = "/api/1/index.php"
PAGE_PATH = "/index.php"
CUSTOMER_PAGE = "/customers/_view.php"
PLANS = {"1 Gbps": 164, "250 Mbps": 163}
ADDITIONAL_PLANS = {"Bond fee": 172}
"""The additional plans that this server sells, for the settings of a service that uses it."""


class PowerCode(SimulatedServer):
    """PowerCode, as the reference describes it: the form API at `/api/1/index.php`, the UAPI below `/uapi`.

    Actions, for calls and faults: the form API's (`createCustomer`, ...), the UAPI's with their method
    (`POST customer/tags/customer`, ...), and `page` for everything else.

    What real servers do differently is set here: `services` and `tag_names` (known ids with their names),
    `ungeocodable` (parts of streets that get statusCode 23), `ids_as_strings` (None: ids and status codes are numbers
    in one answer and strings in the next), `search_without_hit`, `refuse_taken_portal_names`, `record_shape` (of
    `readCustomer`; None: nested in two answers and flat in the next two), `search_folds` (a search disregards case and
    accents), `search_tells` and `record_tells` (what an answer tells of `phone`, `mail`, `zip`, `site`, `status`,
    `portal` and `notes`), `status_when_made`. `as_at_first()` puts all but the services and the tags back.
    """

    api_key = "powercode-0001"

    def __init__(self, host: str = "127.0.0.1", tls: tuple[str, str] | None = None) -> None:
        super().__init__(host, tls)
        self.customers: dict[int, Customer] = {}
        self.tickets: dict[int, Ticket] = {}
        self.services = {number: name for name, number in (PLANS | ADDITIONAL_PLANS).items()}
        self.tag_names = {5: "Bridged Handoff", 9: "UTOPIA"}
        self._answers = 0
        self.as_at_first()

    def as_at_first(self) -> None:
        """Answer again like a new server."""
        self.ungeocodable = {"NEW STREET"}
        self.ids_as_strings: bool | None = None
        self.search_without_hit: Literal["empty_list", "no_list", "status_code"] = "empty_list"
        self.refuse_taken_portal_names = False
        self.record_shape: Literal["nested", "flat"] | None = None
        self.search_folds = False
        self.search_tells: Collection[str] = ()
        self.record_tells: Collection[str] = ("phone", "mail", "zip", "site", "portal", "notes")
        self.status_when_made = "Active"

    @property
    def api_url(self) -> str:
        """The form API's address (`PC_URL_API`)."""
        return self.url + FORM_PATH

    @property
    def uapi_url(self) -> str:
        """The UAPI's address (`PC_URL_UAPI`)."""
        return self.url + UAPI_PREFIX.rstrip("/")

    def add_customer(
        self, services: tuple[int, ...] = (), tags: tuple[int, ...] = (), status: str = "Active", **fields: str
    ) -> Customer:
        """Keep a customer whom somebody typed in; `fields` as `createCustomer` names them, or `companyName`."""
        with self.lock:
            customer = self.keep_customer({**SEEDED_FIELDS, **fields}, status)
            customer.services.extend(Service(service_id, 1, False) for service_id in services)
            customer.tags.extend(tags)
            return customer

    def keep_customer(self, fields: dict[str, str], status: str) -> Customer:
        """A new customer with these fields, even when there is the same one already."""
        customer = Customer(1001 + len(self.customers), fields, status)
        self.customers[customer.customer_id] = customer
        return customer

    def keep_ticket(self, customer: Customer, fields: dict[str, str]) -> Ticket:
        """A new ticket of the customer."""
        ticket = Ticket(15 + len(self.tickets), fields)
        self.tickets[ticket.ticket_id] = ticket
        customer.tickets.append(ticket)
        return ticket

    def on_the_wire(self, number: int) -> int | str:
        """An id or a status code as this answer carries it: a number or a string."""
        as_strings = self._answers % 2 == 0 if self.ids_as_strings is None else self.ids_as_strings
        return str(number) if as_strings else number

    @property
    def answers_nested(self) -> bool:
        """Whether this answer has the customer's record in `customer`; otherwise it is beside `statusCode`."""
        return self._answers % 4 < 2 if self.record_shape is None else self.record_shape == "nested"

    def customers_found_by(self, text: str) -> list[Customer]:
        """The customers whose name, address or phone contains the text; none for an empty text."""
        return [each for each in self.customers.values() if text and each.found_by(text, folds=self.search_folds)]

    def action_of(self, request: Request) -> str:
        """The form API's `action`, `METHOD path` for the UAPI, else `page`."""
        if request.path == FORM_PATH:
            return request.form_or_json().get("action", "")
        if request.path.startswith(UAPI_PREFIX):
            return f"{request.method} {request.path.removeprefix(UAPI_PREFIX)}"
        return "page"

    def fields_of(self, request: Request) -> dict[str, Any]:
        """The form's fields without key and action, or the query's parameters as lists."""
        if request.path == FORM_PATH:
            return {name: each for name, each in request.form_or_json().items() if name not in ("apiKey", "action")}
        return dict(request.query)

    def answer(self, request: Request) -> Answer:
        """PowerCode's answer; the form API always answers HTTP 200, also for failures."""
        self._answers += 1
        if request.path == FORM_PATH:
            return self._form_answer(request)
        if request.path.startswith(UAPI_PREFIX):
            return uapi_answer(self, request)
        if request.path == PAGE_PATH and request.parameter("page") == CUSTOMER_PAGE:
            return self._customer_page(request.parameter("customerid"))
        return html_answer("<h1>Not Found</h1>", 404)

    def refusal(self, request: Request, fault: Fault) -> Answer:
        """The form API's failure with the fault's `status_code` (as it is, number or string) and `message`."""
        message, status = fault.args.get("message", "Invalid request"), fault.args.get("status", 200)
        if request.path.startswith(UAPI_PREFIX):
            return json_answer({"Success": False, "Message": message}, status)
        return json_answer({"message": message, "statusCode": fault.args.get("status_code", 1)}, status)

    def _form_answer(self, request: Request) -> Answer:
        fields = request.form_or_json()
        try:
            if request.method != "POST" or fields.get("apiKey") != self.api_key:
                raise RefusedError("Invalid API key", 2)
            action = FORM_ACTIONS.get(fields.get("action", ""))
            if action is None:
                raise RefusedError("Unknown action", 3)
            return json_answer({**action(self, fields), "statusCode": self.on_the_wire(0)})
        except RefusedError as error:
            return json_answer({"message": str(error), "statusCode": self.on_the_wire(error.status_code)})

    def _customer_page(self, customer_id: str) -> Answer:
        customer = self.customers.get(int(customer_id)) if customer_id.isdecimal() else None
        if customer is None:
            return html_answer("<h1>No such customer</h1>", 404)
        rows = [
            *customer.readable_fields().items(),
            ("Status", customer.status),
            *(("Service", f"{self.services.get(each.service_id)} x {each.quantity}") for each in customer.services),
            *(("Tag", self.tag_names.get(tag, str(tag))) for tag in customer.tags),
            *((f"Ticket {each.ticket_id}", each.fields.get("description", "")) for each in customer.tickets),
        ]
        table = "".join(f"<tr><th>{escape(name)}</th><td><pre>{escape(value)}</pre></td></tr>" for name, value in rows)
        heading = f"{escape(customer.company_name)} (customer {customer.customer_id})"
        style = "<style>body{font-family:sans-serif}th{text-align:left;vertical-align:top}pre{margin:0}</style>"
        return html_answer(
            f"<!DOCTYPE html><html lang='en'><head><title>{heading}</title>{style}</head>"
            f"<body><h1>{heading}</h1><table>{table}</table></body></html>"
        )
