"""The examples for nginx and Caddy, as they are, in front of a service; and a way in without a proxy."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import trustme

from config import PROJECT
from tests.tools.processes import ServiceProcess, until

NAME = "orders.example.com"
HEAD = f"POST /api-callback HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\n".encode()
HALF_A_BODY = HEAD + b'Content-Length: 90\r\n\r\n{"orderref'
HALF = [b"", b"POST /api-cal", HEAD, HEAD + b"Content-Length: 90\r\n\r\n", HALF_A_BODY]
"""Requests that stall."""
INSTALLED_BY = {"nginx": "nginx-light", "caddy": "caddy"}
NO_PROXY = "no proxy"


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
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body are sent apart
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
    with_ports = {"\tservers {\n": ports + "\tservers {\n"}
    with_certificate = {f"\n{NAME} {{": f"\n{NAME} {{\n\ttls {chain} {key}"}
    text = example("Caddyfile", service, **with_ports, **with_certificate)
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


PROXIES: Mapping[str, Callable[..., list[str]]] = {"nginx": nginx, "caddy": caddy}


def is_installed(proxy: str) -> bool:
    """Whether there is such a proxy here; none is always."""
    return proxy == NO_PROXY or shutil.which(proxy) is not None


@contextmanager
def opened(proxy: str, service: ServiceProcess, folder: Path) -> Iterator[Door]:
    """The way in through a proxy, which runs in the folder with a certificate of its own during the block."""
    if proxy == NO_PROXY:
        yield Door(service.port)
        return
    chain, key, trust = certificates(folder)
    door = Door(free_port(), free_port(), trust)
    command = PROXIES[proxy](folder, service, door, chain, key)
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


def certificates(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """A certificate's file and its key's, and who trusts them."""
    authority = trustme.CA()
    made = authority.issue_cert(NAME)
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    chain.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return chain, key, trust
