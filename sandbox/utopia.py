"""A simulated UTOPIA: contract lookup and download, the service-provider calls and the address search."""

from typing import Any, Literal

from sandbox.contracts import CONTRACT_NOT_READY, CONTRACT_READY, a_contract, contract_pdf
from sandbox.http_messages import Answer, Request, json_answer
from sandbox.http_server import SimulatedServer
from sandbox.provider_calls import PROVIDER_CALLS, NoSuchRecordError, address_search, portal, shaped

PREFIX = "/spquery/"
FOREIGN_ORDER = {"error": "No valid records found for this ISP"}


class Utopia(SimulatedServer):
    """UTOPIA's API, as the reference describes it.

    Actions, for calls and faults: `contractlookup`, `contractdownload` and the other names below `/spquery/`,
    `address/search`. A call without the right `api_key` is answered 401.

    What the reference leaves open is set here: `orders_shape`, of the answer to `orders` (`numbers` names no order),
    and `routers`, what `apview` shows of them (`other`: in a shape of which nothing is known). `as_at_first()` puts
    both back.
    """

    api_key = "utopia-0001"

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self.orders: dict[str, dict[str, Any]] = {}
        self.contracts: dict[str, bytes] = {}
        self.as_at_first()

    def as_at_first(self) -> None:
        """Answer again like a new server."""
        self.orders_shape: Literal["rows", "nested", "keyed", "texts", "numbers"] = "rows"
        self.routers: Literal["seen", "none", "other"] = "seen"

    def add_order(self, orderref: str, **overrides: Any) -> dict[str, Any]:
        """Keep an order whose contract is `a_contract(**overrides)`; returns the contract, which may be changed."""
        with self.lock:
            self.orders[orderref] = a_contract(**overrides)
            return self.orders[orderref]

    def set_contract_ready(self, orderref: str, ready: bool = True, pdf: bytes | None = None) -> None:
        """Let the contract be downloaded, or not yet; `pdf` replaces the page that is made for the order.

        Raises KeyError for an unknown order.
        """
        with self.lock:
            self.orders[orderref]["contractdownload"] = CONTRACT_READY if ready else CONTRACT_NOT_READY
            if pdf is not None:
                self.contracts[orderref] = pdf

    def action_of(self, request: Request) -> str:
        """The call's name: the path without `/spquery/`."""
        return request.path.removeprefix(PREFIX).strip("/")

    def fields_of(self, request: Request) -> dict[str, Any]:
        """The fields of the JSON body without the key."""
        return {name: value for name, value in request.json_object().items() if name != "apikey"}

    def answer(self, request: Request) -> Answer:
        """What UTOPIA answers; HTTP 401 without the key, 404 for what it doesn't have."""
        fields, action = request.json_object(), self.action_of(request)
        if fields.get("apikey") != self.api_key:
            return json_answer({"error": "Authentication Failed"}, 401)
        if request.method != "POST":
            return json_answer({"error": "Method Not Allowed"}, 405)
        match action:
            case "contractlookup":
                return self._lookup(fields)
            case "contractdownload":
                return self._download(fields)
            case _:
                return self._provider_call(action, fields)

    def _lookup(self, fields: dict[str, Any]) -> Answer:
        contract = self.orders.get(str(fields.get("orderref")))
        return json_answer(FOREIGN_ORDER, 404) if contract is None else json_answer(contract)

    def _download(self, fields: dict[str, Any]) -> Answer:
        orderref = str(fields.get("orderref"))
        contract = self.orders.get(orderref)
        if contract is None:
            return json_answer(FOREIGN_ORDER, 404)
        if contract.get("contractdownload") != CONTRACT_READY:
            return json_answer({"contractdownload": contract.get("contractdownload")})
        pdf = self.contracts.get(orderref) or contract_pdf(orderref, contract)
        return Answer(200, pdf, "application/pdf; charset=UTF-8")

    def _provider_call(self, action: str, fields: dict[str, Any]) -> Answer:
        calls = {**PROVIDER_CALLS, "address/search": address_search}
        if action not in calls:
            return json_answer({"error": "Not Found"}, 404)
        try:
            return json_answer(self._as_it_answers(action, calls[action](self.orders, fields)))
        except KeyError as error:
            return json_answer({"error": f"Missing required field: {error.args[0]}"})
        except NoSuchRecordError as error:
            return json_answer({"error": str(error)}, 404)

    def _as_it_answers(self, action: str, answer: Any) -> Any:
        """The answer in the shape that is set."""
        if action == "orders":
            return shaped(answer, self.orders_shape)
        return portal(answer, self.routers) if action == "apview" else answer
