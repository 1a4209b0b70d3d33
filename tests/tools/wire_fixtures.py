"""Addresses and certificates that fail in one particular way; the tests of both clients use them."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
import trustme


class Authority:
    """A certificate authority of the test's own, and a server certificate for 127.0.0.1 that it signed."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.ca_file)
        self.server = self.server_context("127.0.0.1")

    def server_context(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def publicly_trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The test's authority, as if it were among the public ones."""
    monkeypatch.setattr(certifi, "where", lambda: authority.ca_file)
    return authority


@pytest.fixture
def refusing_url() -> Iterator[str]:
    """An address where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def unanswering_url() -> Iterator[str]:
    """An address whose queue of connections is full, so that a further one is never answered."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"
        for sock in waiting:
            sock.close()


@pytest.fixture
def unresolvable_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address whose name nobody knows, without asking a name server."""

    def unknown(host: str, *_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    return "http://nowhere.example.com"
