"""What the clients of remote systems have in common: connections, which are closed at the end of a `with` block."""

from typing import Self

from .observation import Observer
from .transport import Transport


class Client:
    """Calls one system with a key, over one transport."""

    def __init__(self, api_key: str, observe: Observer | None, transport: Transport) -> None:
        if not api_key.strip():
            raise ValueError("api_key is empty")
        self._api_key = api_key
        self._observe = observe
        self._transport = transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections; a later call opens new ones."""
        self._transport.close()
