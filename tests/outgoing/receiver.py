"""A receiver of events on loopback: what came, and how it answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.tools.loopback import Answering, answered_by, serving


@dataclass
class Receiver:
    """What came, the first thing first; `status` and `headers` are how it answers, 400 to kinds that it `refuses`."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    refuses: tuple[str, ...] = ()

    @property
    def bodies(self) -> list[Any]:
        """The JSON of what came."""
        return [json.loads(body) for _, body in self.came]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver during the block."""
    receiver = Receiver()

    class Handler(Answering):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            is_refused = receiver.refuses and json.loads(body)["type"] in receiver.refuses
            self.answer(400 if is_refused else receiver.status, **receiver.headers)

    with serving(answered_by(Handler)) as address:
        receiver.url = f"{address}/events"
        yield receiver
