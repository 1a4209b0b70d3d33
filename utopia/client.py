"""Calls UTOPIA Fiber's service-provider API (reference: UTOPIA Fiber, what is on the wire)."""

from collections.abc import Callable
from typing import Any, BinaryIO, TypedDict, TypeVar, Unpack

from wire import FILE_LIMIT, JSON_LIMIT, Call, Failure, Limits, Observer, Request, TooLong, Transport, checked_url
from wire.client import Client
from wire.json_values import records

from .answers import Answered
from .errors import NeverArrived, OutcomeUnknown, TooLarge
from .models import AccessPortal, Answer, Contract, Site

T = TypeVar("T")


class OutageQuery(TypedDict, total=False):
    """What outage tickets are looked up by."""

    siteid: str | int | None
    clientid: str | int | None
    eventdate: str | None
    status: str | None
    sla: str | int | None
    devicequery: str | None
    utc: str | int | None


class ServiceItemFields(TypedDict, total=False):
    """Our own ids, which UTOPIA keeps."""

    spsubid1: str | None
    spsubid2: str | None
    spsubid3: str | None


class OrderItemFields(ServiceItemFields, total=False):
    """What can be changed of an order item."""

    handoff: str | None
    nnivlan: str | int | None
    nnivlanservice: str | None
    vlan: str | int | None
    vlanservice: str | None


class UtopiaClient(Client):
    """One connection pool to UTOPIA, safe to share between threads.

    Each method returns a frozen value or raises an error of `utopia.errors`. No request is sent twice.
    `limits` are those of `wire.Limits`: 5 s for a connection, 30 s between two packets, 60 s for the whole call.
    `observe` is called once a call with an `Observation`. Numbers may be passed as `int` or `str`; arguments that are
    None are left out.
    """

    def __init__(
        self, base_url: str, api_key: str, *, observe: Observer | None = None, **limits: Unpack[Limits]
    ) -> None:
        """ValueError for an unusable address, an empty key or a time that is not above 0."""
        self._base_url = checked_url("base_url", base_url)
        super().__init__(api_key, observe, Transport(**limits))

    def __repr__(self) -> str:
        return f"UtopiaClient({self._base_url!r})"

    # Orders

    def contract(self, orderref: str) -> Contract:
        """The order behind `orderref`; NotOurs when it is another provider's."""

        def read(answered: Answered) -> Contract:
            contract = Contract.read(answered.content())
            if contract is None:
                raise answered.unknown("UTOPIA answered without a contract")
            return contract

        return self._call("contractlookup", {"orderref": orderref}, read)

    def contract_pdf(self, orderref: str, into: BinaryIO, *, limit: int = FILE_LIMIT) -> int:
        """Write the signed contract, a PDF, into an empty file; its size in bytes.

        NotReady while UTOPIA has none yet, TooLarge above `limit` (32 MB); the file is of no use then.
        """
        return self._call("contractdownload", {"orderref": orderref}, Answered.contract_pdf, limit=limit, into=into)

    def orders(
        self, *, status: str | None = None, siteid: str | int | None = None, orderref: str | None = None
    ) -> Answer:
        """Look orders up."""
        return self._ask("orders", status=status, siteid=siteid, orderref=orderref)

    def all_orders(self, *, limit: int) -> Answer:
        """All orders that there ever were, in an answer of `limit` bytes at most."""
        return self._ask("orders", limit)

    def projects(
        self, *, statusid: str | int | None = None, siteid: str | int | None = None, orderref: str | None = None
    ) -> Answer:
        """Look projects up."""
        return self._ask("projects", statusid=statusid, siteid=siteid, orderref=orderref)

    def project_detail(self, projectid: str | int) -> Answer:
        """One project."""
        return self._ask("projectdetail", projectid=projectid)

    def products(self) -> Answer:
        """Our products on the network: what a contract's items can hold."""
        return self._ask("products")

    # Sites and customers

    def service(self, siteid: str | int) -> Answer:
        """The services at a site."""
        return self._ask("service", siteid=siteid)

    def customer(self, cid: str | int) -> Answer:
        """One customer."""
        return self._ask("customer", cid=cid)

    def check_access(self, *, siteid: str | int | None = None, clientid: str | int | None = None) -> Answer:
        """Whether we may see this site or customer."""
        return self._ask("checkaccess", siteid=siteid, clientid=clientid)

    def ap_view(self, siteid: str | int) -> AccessPortal:
        """The state of the site's access portal."""
        return self._call(
            "apview", {"siteid": siteid}, lambda answered: AccessPortal(action="apview", content=answered.content())
        )

    def mac_search(self, mac: str, *, hourshistory: int | None = None) -> Answer:
        """The site of a MAC address, seen in the last `hourshistory` hours (UTOPIA's default is 1)."""
        return self._ask("macsearch", mac=mac, hourshistory=hourshistory)

    def address_search(
        self, address: str, *, postcode: str = "", unitnum: str = "", network: str | None = None
    ) -> tuple[Site, ...]:
        """The sites that match an address: none, one (`single`) or several (`multi`)."""
        fields: dict[str, Any] = {"search": {"address": address, "postcode": postcode, "unitnum": unitnum}}
        if network is not None:
            fields["network"] = network
        return self._call("address/search", fields, _sites, private=(address, unitnum))

    # Outages

    def outage_tickets(self, **query: Unpack[OutageQuery]) -> Answer:
        """Look outage tickets up."""
        return self._ask("outagetickets", **query)

    def outage_ticket(self, ticketid: str | int, *, utc: str | int | None = None) -> Answer:
        """One outage ticket."""
        return self._ask("outageticket", ticketid=ticketid, utc=utc)

    # Changes: after OutcomeUnknown look first, then decide

    def edit_service_item(self, servid: str | int, **fields: Unpack[ServiceItemFields]) -> Answer:
        """Set our own ids on a service item."""
        return self._change("editserviceitem", servid=servid, **fields)

    def edit_order_item(self, itemid: str | int, **fields: Unpack[OrderItemFields]) -> Answer:
        """Change an order item."""
        return self._change("editorderitem", itemid=itemid, **fields)

    def suspend(self, cid: str | int, siteid: str | int) -> Answer:
        """Stop a customer's service at a site."""
        return self._change("suspend", cid=cid, siteid=siteid)

    def unsuspend(self, cid: str | int, siteid: str | int) -> Answer:
        """Start a stopped service again."""
        return self._change("unsuspend", cid=cid, siteid=siteid)

    def change_speed(
        self, cid: str | int, siteid: str | int, *, uiaid: str | int, product: str | int, issuedate: str
    ) -> Answer:
        """Change a customer's plan; `issuedate` is passed on as it is."""
        return self._change("changespeed", cid=cid, siteid=siteid, uiaid=uiaid, product=product, issuedate=issuedate)

    def cancel_service(
        self, cid: str | int, siteid: str | int, *, issuedate: str, singleservice: str | int | None = None
    ) -> Answer:
        """Cancel a customer's service; `issuedate` is passed on as it is."""
        return self._change("cancelservice", cid=cid, siteid=siteid, issuedate=issuedate, singleservice=singleservice)

    # The door

    def _ask(self, action: str, limit: int = JSON_LIMIT, /, **fields: str | int | None) -> Answer:
        """A question whose answer has no described shape."""

        def read(answered: Answered) -> Answer:
            return Answer(action=action, content=answered.content())

        return self._call(action, _given(fields), read, limit=limit)

    def _change(self, action: str, **fields: str | int | None) -> Answer:
        """A call that changes something, and whose answer has no described shape."""

        def read(answered: Answered) -> Answer:
            return Answer(action=action, content=answered.changed())

        return self._call(action, _given(fields), read)

    def _call(
        self,
        action: str,
        fields: dict[str, Any],
        read: Callable[[Answered], T],
        *,
        limit: int = JSON_LIMIT,
        into: BinaryIO | None = None,
        private: tuple[str, ...] = (),
    ) -> T:
        """The one door out: send, read, observe. `private` values are masked in what UTOPIA says about them."""
        path = action if "/" in action else f"spquery/{action}"
        request = Request("POST", f"{self._base_url}/{path}", json={"apikey": self._api_key, **fields})
        with Call(self._observe, "utopia", action, request, (self._api_key,)) as call:
            reply = call.reply = self._transport.exchange(request, limit, into)
            if isinstance(reply, TooLong) and into is not None:
                raise TooLarge(reply.detail, action, size=reply.size)
            if isinstance(reply, Failure):
                raise (OutcomeUnknown if reply.sent else NeverArrived)(reply.detail, action)
            result = read(Answered(action, reply, (self._api_key,), private))
            call.outcome = "ok"
            return result


def _given(fields: dict[str, str | int | None]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _sites(answered: Answered) -> tuple[Site, ...]:
    content = answered.content()
    if content and not (isinstance(content, dict) and content.keys() & {"single", "multi"}):
        raise answered.unknown("UTOPIA answered without sites")
    found = [*records(content.get("single")), *records(content.get("multi"))] if content else []
    return tuple(Site.read(site) for site in found)
