"""Callbacks at a steady rate, whatever the service does meanwhile; each on a connection of its own, as UTOPIA's are."""

import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from tests.deploy.server import Server
from tests.tools.promises import contract_of

A_SECOND = 20
AT_A_TIME = 64
PATIENCE_SECONDS = 30.0


class Storm:
    """New orders from the block's start to its end, 20 a second.

    with Storm(server) as storm:
        server.deploy()
    assert storm.answers == {200: len(storm.orderrefs)}
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._over = threading.Event()
        self._senders = ThreadPoolExecutor(AT_A_TIME)
        self._sent: list[Future[tuple[int, float]]] = []
        self._clock = threading.Thread(target=self._blow)
        self.orderrefs: list[str] = []

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._clock.join()
        self._senders.shutdown()

    @property
    def answers(self) -> Counter[int]:
        """How often each status came; 0: no answer."""
        return Counter(each.result()[0] for each in self._sent)

    @property
    def slowest(self) -> float:
        """Seconds of the answer that took longest."""
        return max(each.result()[1] for each in self._sent)

    def _blow(self) -> None:
        began = time.monotonic()
        while not self._over.wait(max(0.0, began + len(self.orderrefs) / A_SECOND - time.monotonic())):
            orderref = f"UIA202411-{len(self.orderrefs):06}"
            self._server.sandbox.utopia.add_order(orderref, **contract_of(len(self.orderrefs)))
            self.orderrefs.append(orderref)
            self._sent.append(self._senders.submit(self._send, orderref))

    def _send(self, orderref: str) -> tuple[int, float]:
        began = time.monotonic()
        status = self._server.post_callback(orderref, PATIENCE_SECONDS)
        return status, time.monotonic() - began
