"""Which PowerCode server is trusted: public authorities, a file of certificates, or anybody (loudly)."""

import hashlib
import logging
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from urllib3.util.ssl_match_hostname import CertificateError, match_hostname

from wire.transport import trusted_by_default

from .errors import NeverArrived

EXPIRED, OTHER_NAME = 10, (62, 64)
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
log = logging.getLogger(__name__)


class PinnedContext(ssl.SSLContext):
    """Trusts the certificates of one file and nothing else.

    A server that presents one of them itself is trusted under any name, since an appliance's own certificate seldom
    carries the right one. A certificate that one of them signed must carry the server's name.
    """

    pins: frozenset[bytes]

    def wrap_socket(  # noqa: PLR0917 - ssl's own signature
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """The encrypted connection; CertificateError (urllib3's) when the name does not match."""
        wrapped = super().wrap_socket(
            sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session
        )
        try:
            if wrapped.getpeercert(binary_form=True) not in self.pins:
                match_hostname(cast(Any, wrapped.getpeercert()), str(server_hostname))
        except BaseException:
            wrapped.close()
            raise
        return wrapped


def pinned(path: str) -> PinnedContext:
    """The context for a PEM file of CA or server certificates; ValueError when it can't be read or holds none."""
    try:
        found = PEM_CERTIFICATE.findall(Path(path).read_text(encoding="latin-1"))
        certificates = [ssl.PEM_cert_to_DER_cert(pem) for pem in found]
    except OSError as fault:
        raise ValueError(f"the certificate file {path} can't be read: {fault.strerror}") from None
    except ValueError:
        certificates = []
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # wrap_socket does, after it has seen which certificate it is
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the chain may end at a server's own certificate
    try:
        context.load_verify_locations(cadata=b"".join(certificates))
    except (ssl.SSLError, ValueError):
        raise ValueError(f"the certificate file {path} holds no usable PEM certificate") from None
    context.pins = frozenset(certificates)
    return context


def trust(verify: bool | str) -> ssl.SSLContext:
    """The context for PowerCodeClient's `verify`."""
    if isinstance(verify, str):
        return pinned(verify)
    if verify:
        return trusted_by_default()
    log.warning(
        "PowerCode's certificate is NOT verified: anyone on the way can read the key and the customers' data. "
        "Save the server's certificate in a file and verify against that."
    )
    return _trusting_anybody()


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True)
class Presented:
    """The certificate that a server shows.

    `fingerprint` is its SHA-256 as openssl and browsers write it. `problem` is why it is not accepted (None: it is),
    `detail` the same in OpenSSL's words. `expires_at` is None also where the certificate was not verified.
    """

    fingerprint: str
    problem: Literal["not trusted", "expired", "other name"] | None = None
    detail: str = ""
    expires_at: datetime | None = None


def presented_by(url: str, context: ssl.SSLContext, timeout: float) -> Presented | None:
    """What certificate the server at `url` shows, judged by `context`; None for an address without TLS.

    Sends no request. `timeout` is in seconds, for the connection and for each packet. Raises `NeverArrived` when there
    is no connection.
    """
    address = urlsplit(url)
    if address.scheme != "https":
        return None
    host, port = str(address.hostname), address.port or 443
    try:
        try:
            return _shake_hands(host, port, context, timeout)
        except ssl.SSLCertVerificationError as refused:
            problem, detail = _problem(refused.verify_code), str(refused.verify_message)
        except CertificateError:
            problem, detail = "other name", "the name does not match"
        fingerprint = _shake_hands(host, port, _trusting_anybody(), timeout).fingerprint
    except OSError as error:
        raise NeverArrived(f"no TLS connection ({type(error).__name__})", "certificate") from None
    return Presented(fingerprint, problem, detail)


def _problem(verify_code: int) -> Literal["not trusted", "expired", "other name"]:
    if verify_code == EXPIRED:
        return "expired"
    return "other name" if verify_code in OTHER_NAME else "not trusted"


def _shake_hands(host: str, port: int, context: ssl.SSLContext, timeout: float) -> Presented:
    with (
        socket.create_connection((host, port), timeout) as connection,
        context.wrap_socket(connection, server_hostname=host) as encrypted,
    ):
        certificate, verified = encrypted.getpeercert(binary_form=True) or b"", encrypted.getpeercert() or {}
    digits = hashlib.sha256(certificate).hexdigest().upper()
    ends = str(verified.get("notAfter") or "")
    return Presented(
        ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)),
        expires_at=datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None,
    )
