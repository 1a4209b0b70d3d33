"""The examples for nginx and Caddy, as they are, in front of the real service; and the service without a proxy."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from config import PROJECT
from sandbox import Sandbox
from tests.conftest import settings_for
from tests.tools.callback_requests import TAKEN
from tests.tools.processes import ServiceProcess, until

pytestmark = pytest.mark.sweep

NAME = "orders.example.com"
STALLED = 200
HEAD = f"POST /api-callback HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\n".encode()
HALF_A_BODY = HEAD + b'Content-Length: 90\r\n\r\n{"orderref'
HALF = [b"", b"POST /api-cal", HEAD, HEAD + b"Content-Length: 90\r\n\r\n", HALF_A_BODY]
INSTALLED_BY = {"nginx": "nginx-light", "caddy": "caddy"}


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


class Door:
    """Where callers come in: over TLS where there are certificates, and in the clear."""

    def __init__(self, clear: int, secure: int | None = None, trust: ssl.SSLContext | None = None) -> None:
        self.clear, self.secure, self._trust = clear, secure, trust

    def open(self, sent: bytes = b"") -> socket.socket:
        """A connection on which so much was sent."""
        connection = socket.create_connection(("127.0.0.1", self.secure or self.clear), timeout=60)
        if self._trust:
            connection = self._trust.wrap_socket(connection, server_hostname=NAME)
        if sent:
            connection.sendall(sent)
        return connection

    def ask(self, path: str, message: Any = None, *, secure: bool = True) -> tuple[int, Any, Any]:
        """A whole request: status, headers and content."""
        connection = http.client.HTTPConnection(NAME)
        connection.sock = self.open() if secure else socket.create_connection(("127.0.0.1", self.clear), timeout=60)
        with closing(connection):
            body = json.dumps(message) if message else None
            connection.request("POST" if body else "GET", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def callback(self, orderref: str, path: str = "/api-callback") -> tuple[int, Any]:
        """UTOPIA's callback."""
        status, _, content = self.ask(path, {"orderref": orderref, "msg": "Project Update"})
        return status, json.loads(content or "null")

    def is_open(self) -> bool:
        """Whether somebody listens."""
        try:
            self.open().close()
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service by itself, as in production."""
    folder = tmp_path_factory.mktemp("service")
    with Sandbox() as sandbox, ServiceProcess(settings_for(sandbox, folder, trusted_proxies=1), folder) as process:
        process.start()
        yield process


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, ssl.SSLContext]:
    """A certificate's file and its key's, and who trusts them."""
    folder, authority = tmp_path_factory.mktemp("certificates"), trustme.CA()
    made = authority.issue_cert(NAME)
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    chain.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return chain, key, trust


def example(name: str, service: ServiceProcess, **changed: str) -> str:
    """An example of deploy/ with the places filled in that it says must be."""
    text = (PROJECT / "deploy" / name).read_text(encoding="utf-8")
    for former, new in {
        "127.0.0.1:5050": f"127.0.0.1:{service.port}",
        "192.0.2.0/24": "127.0.0.0/8",
        **changed,
    }.items():
        assert former in text, f"{name} has no {former}"
        text = text.replace(former, new)
    return text


def nginx(folder: Path, service: ServiceProcess, door: Door, chain: Path, key: Path) -> list[str]:
    site = example(
        "nginx.conf",
        service,
        **{
            "listen 80;": f"listen 127.0.0.1:{door.clear};",
            "listen 443 ssl;": f"listen 127.0.0.1:{door.secure} ssl;",
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(chain),
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(key),
        },
    )
    (folder / "site.conf").write_text(re.sub(r"\n *listen \[::\].*", "", site))
    temporary = "".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    files = f"pid {folder}/nginx.pid; error_log {folder}/error.log;"
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} {files} events {{ worker_connections 768; }}\n"
        f"http {{ access_log off; {temporary} include {folder}/site.conf; }}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


def caddy(folder: Path, service: ServiceProcess, door: Door, chain: Path, key: Path) -> list[str]:
    ports = f"\thttp_port {door.clear}\n\thttps_port {door.secure}\n\tdefault_bind 127.0.0.1\n\tadmin off\n"
    with_ports = {"{\n\t# A request": "{\n" + ports + "\t# A request"}
    with_certificate = {f"\n{NAME} {{": f"\n{NAME} {{\n\ttls {chain} {key}"}
    text = example("Caddyfile", service, **with_ports, **with_certificate)
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(scope="module", params=["no proxy", *PROXIES])
def door(
    request: pytest.FixtureRequest, service: ServiceProcess, certificates: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """The service's own port, and each example."""
    if request.param == "no proxy":
        yield Door(service.port)
        return
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed: apt-get install {INSTALLED_BY[request.param]}")
    chain, key, trust = certificates
    folder, door = tmp_path_factory.mktemp(request.param), Door(free_port(), free_port(), trust)
    command = PROXIES[request.param](folder, service, door, chain, key)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "printed.txt").open("wb") as printed:
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=printed)
    try:
        until(lambda: process.poll() is not None or door.is_open(), 30)
        assert process.poll() is None, (folder / "printed.txt").read_text()
        yield door
    finally:
        process.terminate()
        process.wait(30)


def test_a_callback_gets_through_with_and_without_a_slash_and_nothing_else_does(door: Door) -> None:
    assert door.callback("UIA-1") == door.callback("UIA-1", "/api-callback/") == (200, TAKEN)
    assert door.ask("/api-callback")[0] == 200
    status, headers, _ = door.ask("/")
    assert (status, headers["Location"]) == (303, "/console")
    assert door.ask("/healthz")[0] == 200
    assert door.ask("/api-callback/more")[0] == 404


def test_plain_http_is_led_on_without_losing_the_body(door: Door) -> None:
    if door.secure is None:
        return  # the service by itself is not led on to anywhere
    status, headers, _ = door.ask("/api-callback?token=x", {"msg": "Test"}, secure=False)

    assert status == 308  # and not 301, after which a caller comes back with GET
    assert re.fullmatch(rf"https://{re.escape(NAME)}(:\d+)?/api-callback\?token=x", headers["Location"])


@pytest.mark.parametrize("sent", HALF)
def test_two_hundred_stalled_connections_hold_nobody_up(door: Door, service: ServiceProcess, sent: bytes) -> None:
    with ExitStack() as open_ones:
        stalled = [open_ones.enter_context(door.open(sent)) for _ in range(STALLED)]
        for number in range(5):
            assert door.callback(f"UIA-{number}") == (200, TAKEN)
        assert door.ask("/healthz")[0] == 200
        for connection in stalled:
            connection.setblocking(False)
        assert sum(is_waiting(each) for each in stalled) > STALLED / 2, "they were waited out, and not served beside"


def is_waiting(connection: socket.socket) -> bool:
    """Whether neither an answer nor an end has come."""
    try:
        connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


def test_a_stalled_connection_is_ended(door: Door) -> None:
    with door.open(HALF_A_BODY) as connection:
        while connection.recv(1000):
            pass
