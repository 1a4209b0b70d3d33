"""Which PowerCode server is trusted: public authorities, a file of certificates, or anybody (loudly)."""

import logging
import re
import socket
import ssl
from pathlib import Path
from typing import Any, cast

from urllib3.util.ssl_match_hostname import match_hostname

from .transport import trusted_by_default

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
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a server's own certificate is an end of the chain, too
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
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
