"""Looks at the PowerCode server's certificate: each hour, sooner if trouble is suspected or calls fail because of it.

With a file in PC_VERIFY_SSL, or `true`, a certificate that is not accepted makes orders wait, and one that ends soon
will do so. With `false` no certificate is refused, so the one that was seen is stored, and a change is told.
"""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import update
from sqlalchemy.orm import Session

import powercode
from app.alerts import outages, records
from app.alerts.patience import Condition
from app.models import Alert, AlertKind, KnownCertificate, System, now
from app.remote import breaker
from app.services import Services
from app.storage.database import insert_if_new, rows_changed
from config import PROJECT
from powercode import Presented

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
EVERY_WHILE_OPEN = timedelta(minutes=2)
EVERY_WHILE_SUSPECTED = timedelta(seconds=55)
ENDS_SOON = timedelta(days=14)
KNOWN_AFTER = timedelta(days=3)
"""How long a change is shown where nothing is verified; after that, the new certificate is the known one."""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def look_at_certificate(services: Services, moment: datetime | None = None) -> None:
    """Look when it is due, on one host only; without TLS or a connection, nothing is concluded."""
    url = services.settings.pc_url_api
    if not url.startswith("https:"):
        return
    moment, server = moment or now(), _server(url)
    with services.database.read() as session:
        every = _interval(session)
        known = session.get(KnownCertificate, server)
        if known is not None and known.looked_at > moment - every:
            return
    if not _is_ours(services, server, moment, every):
        return
    try:
        presented = services.powercode.certificate()
    except powercode.NeverArrived as error:
        log.info("PowerCode's certificate could not be looked at: %s", error.detail)
        return
    if presented is not None:
        _heed(services, server, presented, moment)


def _interval(session: Session) -> timedelta:
    alert = records.of_slot(session, AlertKind.CERTIFICATE, System.POWERCODE)
    if alert is not None:
        return EVERY_WHILE_OPEN if alert.opened_at else EVERY_WHILE_SUSPECTED
    return EVERY_WHILE_SUSPECTED if outages.certificate_is_refused(session) else EVERY


def _is_ours(services: Services, server: str, moment: datetime, every: timedelta) -> bool:
    """Claim the look, so that only one of several hosts looks."""
    with services.database.write() as session:
        insert_if_new(session, KnownCertificate, "server", server=server, looked_at=LONG_AGO)
        due = (KnownCertificate.server == server, KnownCertificate.looked_at <= moment - every)
        return rows_changed(session, update(KnownCertificate).where(*due).values(looked_at=moment)) > 0


def _heed(services: Services, server: str, presented: Presented, moment: datetime) -> None:
    cause = cause_of(services, server, presented, moment)
    content = _content(services, presented, cause)
    condition = Condition(AlertKind.CERTIFICATE, System.POWERCODE, wrong=cause is not None, content=content)
    with services.database.read() as session:
        told_as_down = content["blocks"] and outages.is_told_of(session, System.POWERCODE)
        known = records.of_slot(session, AlertKind.CERTIFICATE, System.POWERCODE)
    if not told_as_down:  # its notice names the certificate: no second mail for the same thing
        records.record_look(services, condition, moment, known)
    if presented.problem is None:
        _try_again(services)


def cause_of(services: Services, server: str, presented: Presented, moment: datetime) -> str | None:
    """What is wrong with the certificate, as the word that selects the mail's text; None: nothing."""
    verify = services.settings.pc_verify_ssl
    if verify is False:
        return "differs" if _differs(services, server, presented.fingerprint, moment) else None
    if presented.problem == "not trusted":
        return "changed" if isinstance(verify, Path) else "untrusted"
    if presented.problem is not None:
        return presented.problem.replace(" ", "_")
    if presented.expires_at is not None and presented.expires_at - moment < ENDS_SOON:
        return "ends_soon"
    return None


def _differs(services: Services, server: str, fingerprint: str, moment: datetime) -> bool:
    """Whether the certificate differs from the known one; after KNOWN_AFTER, it becomes the known one."""
    with services.database.write() as session:
        known = session.get_one(KnownCertificate, server, with_for_update=True)
        alert = records.of_slot(session, AlertKind.CERTIFICATE, System.POWERCODE)
        if known.fingerprint is None or (alert is not None and _is_long_known(alert, fingerprint, moment)):
            known.fingerprint = fingerprint
        return known.fingerprint != fingerprint


def _is_long_known(alert: Alert, fingerprint: str, moment: datetime) -> bool:
    return alert.content.get("fingerprint") == fingerprint and moment - alert.began_at >= KNOWN_AFTER


def _server(url: str) -> str:
    """Host and port, and no user name or password that an address may hold."""
    return urlsplit(url).netloc.rpartition("@")[2][:300]


def _content(services: Services, presented: Presented, cause: str | None) -> dict[str, Any]:
    return {
        "cause": cause,
        "blocks": cause not in (None, "ends_soon", "differs"),
        "detail": presented.detail,
        "fingerprint": presented.fingerprint,
        "expires_at": presented.expires_at.isoformat() if presented.expires_at else None,
        "file": _shown(services.settings.pc_verify_ssl),
        "server": _server(services.settings.pc_url_api),
    }


def _shown(verify: bool | Path) -> str | None:
    """The file of PC_VERIFY_SSL as `.env` names it."""
    if isinstance(verify, bool):
        return None
    return str(verify.relative_to(PROJECT) if verify.is_relative_to(PROJECT) else verify)


def _try_again(services: Services) -> None:
    """The certificate is accepted again: make everything that waits because of it due at once."""
    with services.database.read() as session:
        if not outages.certificate_is_refused(session):
            return
    with services.database.write() as session:
        breaker.ask_now(session)
