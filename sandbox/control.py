"""Controls a sandbox that runs as a process of its own: a JSON API on a separate port, and its client.

So the simulated servers stay realistic: nothing on their ports shows that they are simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import requests

from sandbox.http_messages import Answer, Request, json_answer
from sandbox.http_server import SimulatedServer
from sandbox.state import counts_of, state_of

if TYPE_CHECKING:
    from sandbox import Sandbox

TIMEOUT_SECONDS = 30.0


class ControlServer(SimulatedServer):
    """The control API: `GET /state` and `GET /counts`, and a POST with a JSON object for each verb of the client.

    Answers 200 with JSON, or 400 with `{"error": ...}` for what it can't do.
    """

    def __init__(self, sandbox: Sandbox, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        servers = sandbox.servers
        self._verbs: dict[str, Callable[..., Any]] = {
            "GET /state": lambda: state_of(sandbox),
            "GET /counts": lambda: counts_of(sandbox),
            "POST /orders": lambda orderref, overrides: sandbox.utopia.add_order(orderref, **overrides),
            "POST /faults": lambda server, args, **fault: servers[server].fault(**fault, **args),
            "POST /clear": sandbox.clear_faults,
            "POST /latency": lambda server, seconds: setattr(servers[server], "latency", seconds),
            "POST /up": lambda server: servers[server].up(),
            "POST /down": lambda server: servers[server].down(),
        }

    def action_of(self, request: Request) -> str:
        """Method and path."""
        return f"{request.method} {request.path}"

    def fields_of(self, request: Request) -> dict[str, Any]:
        """The fields of the JSON body."""
        return request.json_object()

    def answer(self, request: Request) -> Answer:
        """Carry out the verb."""
        verb = self._verbs.get(self.action_of(request))
        if verb is None:
            return json_answer({"error": "no such verb"}, 404)
        try:
            told = verb(**request.json_object())
            return json_answer(told if request.method == "GET" else {})
        except (KeyError, TypeError, ValueError, OSError) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)


class SandboxControl:
    """Client of the control API. What the sandbox can't do raises ValueError with its reason."""

    def __init__(self, url: str) -> None:
        """`url`: the control address that the sandbox printed when it was ready."""
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def state(self) -> dict[str, Any]:
        """What `sandbox.state.state_of` returns."""
        return self._call("GET", "/state")

    def counts(self) -> dict[str, Any]:
        """What `sandbox.state.counts_of` returns."""
        return self._call("GET", "/counts")

    def add_order(self, orderref: str, **overrides: Any) -> None:
        """Keep an order with the contract `a_contract(**overrides)`."""
        self._call("POST", "/orders", orderref=orderref, overrides=overrides)

    def fault(self, server: str, action: str, kind: str, times: int | None = 1, **args: Any) -> None:
        """Arm a fault, as the server's own `fault` describes it."""
        self._call("POST", "/faults", server=server, action=action, kind=kind, times=times, args=args)

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self._call("POST", "/clear")

    def latency(self, server: str, seconds: float) -> None:
        """Add seconds to each call of a server."""
        self._call("POST", "/latency", server=server, seconds=seconds)

    def up(self, server: str) -> None:
        """Let a server listen again, on the same port."""
        self._call("POST", "/up", server=server)

    def down(self, server: str) -> None:
        """Stop a server: connections to it are refused."""
        self._call("POST", "/down", server=server)

    def _call(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        body = fields if method == "POST" else None
        response = self._session.request(method, self.url + path, json=body, timeout=TIMEOUT_SECONDS)
        answer: dict[str, Any] = response.json()
        if response.status_code != 200:
            raise ValueError(answer["error"])
        return answer
