"""Servers that go down and come back on the same port."""

import socket
import ssl
from abc import ABC, abstractmethod
from typing import Protocol


class Closable(Protocol):
    """What listens on a port until it is closed."""

    def close(self) -> None:
        """Accept nothing more, and cut every connection."""


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the port (0: a free one) and not listening: it reserves the port, and connects are refused."""
    # asyncio sends short answers at once only on a socket that is said to be TCP; others wait 40 ms for the reader.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


class Switchable(ABC):
    """A server on one host and port; port 0 is a free one from the first `up()` on, and the same ever after."""

    def __init__(self, host: str, port: int = 0, *, tls: tuple[str, str] | None = None) -> None:
        """`tls`: paths of a PEM certificate and its private key."""
        self.host = host
        self.port = port
        self._tls = _tls_context(tls) if tls else None
        self._listening: Closable | None = None
        self._reserved: socket.socket | None = None

    @abstractmethod
    def _listen(self, bound: socket.socket) -> Closable:
        """Listen on a socket that is bound already."""

    @property
    def is_up(self) -> bool:
        """Whether the server listens."""
        return self._listening is not None

    def up(self) -> None:
        """Listen; does nothing when the server listens already."""
        if self._listening:
            return
        bound = self._reserved or bind(self.host, self.port)
        self._reserved = None
        self.port = bound.getsockname()[1]
        self._listening = self._listen(bound)

    def down(self) -> None:
        """Stop listening: open connections are closed and new ones refused, while the port stays reserved."""
        if self._listening:
            self._close()
            self._reserved = bind(self.host, self.port)

    def stop(self) -> None:
        """Close every connection and give the port back; returns when all of the server's threads have ended."""
        self._close()
        if self._reserved:
            self._reserved.close()
            self._reserved = None

    def _close(self) -> None:
        if self._listening:
            self._listening.close()
            self._listening = None


def _tls_context(tls: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context
