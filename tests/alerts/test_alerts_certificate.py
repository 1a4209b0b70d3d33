"""The PowerCode server's certificate: a change is told by its own name, once, with what to do about it."""

import contextlib
import dataclasses
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import select, update

from app.alerts import long_waits
from app.alerts.certificate import look_at_certificate
from app.alerts.watch import watch_for_alerts
from app.models import Alert, KnownCertificate, Order, OrderState, RemoteSystem, System, now
from app.services import Services
from powercode import NeverArrived, PowerCodeClient
from tests.alerts.alert_mails import MINUTE, looks, open_kinds, says
from tests.conftest import Service
from tests.notices.arrived_mails import the_mail

HOUR = timedelta(hours=1)


class Appliance:
    """A server that shakes hands with whatever certificate it has now, and hangs up."""

    def __init__(self) -> None:
        self.hands = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}/api/1/index.php"
        self._serving = threading.Thread(target=self._serve, daemon=True)

    def shows(self, certificate: trustme.LeafCert) -> None:
        """From now on this is its certificate."""
        certificate.configure_cert(self._context)

    def start(self) -> None:
        self._serving.start()

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._serving.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.hands += 1
            with contextlib.suppress(OSError), connection:
                self._context.wrap_socket(connection, server_side=True).close()


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    appliance = Appliance()
    appliance.shows(a_certificate())
    appliance.start()
    yield appliance
    appliance.stop()


def a_certificate(days: float = 400, name: str = "127.0.0.1") -> trustme.LeafCert:
    """One that is valid for so many days, of an authority that nobody knows."""
    ends = datetime.now(UTC) + timedelta(days=days)
    return trustme.CA().issue_cert(name, not_before=ends - timedelta(days=800), not_after=ends)


def saved(certificate: trustme.LeafCert, folder: Path) -> Path:
    path = folder / "powercode.pem"
    certificate.cert_chain_pems[0].write_to_path(str(path))
    return path


def talking_to(service: Service, appliance: Appliance, verify: bool | Path) -> Services:
    """The service, with PowerCode at the appliance; as after a restart with this PC_VERIFY_SSL."""
    settings = service.services.settings.model_copy(update={"pc_url_api": appliance.url, "pc_verify_ssl": verify})
    trusted = verify if isinstance(verify, bool) else str(verify)
    client = PowerCodeClient(appliance.url, appliance.url, "key", verify=trusted, connect_timeout=2)
    return dataclasses.replace(service.services, settings=settings, powercode=client)


def look(services: Services, *minutes: float) -> None:
    """Looks, so many minutes from now."""
    for minute in minutes:
        look_at_certificate(services, now() + minute * MINUTE)


def the_alert(service: Service) -> Alert | None:
    return service.scalar(select(Alert).order_by(Alert.id.desc()).limit(1))


def test_another_certificate_than_the_one_in_the_file_is_told_with_its_fingerprint(
    service: Service, appliance: Appliance, tmp_path: Path
) -> None:
    mine, new = a_certificate(), a_certificate()
    appliance.shows(mine)
    services = talking_to(service, appliance, saved(mine, tmp_path))
    look(services, 0)
    assert the_alert(service) is None

    appliance.shows(new)
    look(services, 61, 62, 63, 70, 100)

    mail = the_mail(service, "PowerCode's certificate has changed: orders wait")
    fingerprint = (the_alert(service) or Alert()).content["fingerprint"]
    assert says(mail, "is not the one in", "powercode.pem", fingerprint, "docs/alerts.md", "Orders wait meanwhile")

    restarted = talking_to(service, appliance, saved(new, tmp_path))
    look(restarted, 110, 113, 116, 200)

    assert says(the_mail(service, "certificate is accepted again"), "49 min", "No order waited")
    assert len(service.notices()) == 2


def test_orders_that_wait_because_of_it_have_no_second_mail_and_go_on_when_it_is_accepted(
    service: Service, appliance: Appliance, tmp_path: Path
) -> None:
    mine = a_certificate()
    services = talking_to(service, appliance, saved(mine, tmp_path))
    refused_because_of_the_certificate(service)
    look(services, 0, 1.1)
    long_waits.tell(services)
    watch_for_alerts(services)
    assert len(service.notices()) == 1
    assert open_kinds(service) == ["certificate"]

    appliance.shows(mine)
    look(services, 4)
    asked_at = service.one(select(RemoteSystem.next_probe_at))
    assert asked_at is None or asked_at <= now(), "it is asked now, or the service was faster and has asked it already"
    service.execute(update(RemoteSystem).values(down_since=None, up_since=now()))
    service.execute(update(Order).values(state=OrderState.COMPLETED, waiting_for=None))
    look(services, 7, 10)

    assert says(the_mail(service, "accepted again"), "1 order waited: 1 completed by now")
    assert len(service.notices()) == 2


def refused_because_of_the_certificate(service: Service) -> None:
    """An order waits for PowerCode since an hour, as its certificate is not trusted."""
    later, error = now() + timedelta(minutes=50), "PowerCode can't be reached: the server's certificate is not trusted"
    waits = {"waiting_for": System.POWERCODE, "waiting_since": now() - HOUR, "next_try_at": later}
    service.add(Order(orderref="UIA202411-001186", state=OrderState.WAITING, reason=error, **waits))
    down = {"down_since": now() - HOUR, "next_probe_at": later}
    service.add(RemoteSystem(name=System.POWERCODE, failures=3, error=error, **down))


def test_where_the_outage_was_told_already_the_certificate_has_no_mail_of_its_own(
    service: Service, appliance: Appliance, tmp_path: Path
) -> None:
    services = talking_to(service, appliance, saved(a_certificate(), tmp_path))
    refused_because_of_the_certificate(service)
    long_waits.tell(services)
    look(services, 0, 2, 4)

    mail = the_mail(service, "Still waiting for PowerCode")
    assert "certificate is not trusted" in mail.text
    assert len(service.notices()) == 1


@pytest.mark.parametrize(
    ("days", "told"),
    [(10, ("certificate ends on", "All is well until then")), (-1, ("has expired: orders wait", "no longer valid"))],
)
def test_a_certificate_that_ends_is_told_before_and_after(
    service: Service, appliance: Appliance, tmp_path: Path, days: int, told: tuple[str, str]
) -> None:
    subject, words = told
    old, new = a_certificate(days), a_certificate()
    appliance.shows(old)
    look(talking_to(service, appliance, saved(old, tmp_path)), 0, 1.1, 5)

    assert says(the_mail(service, subject), words)

    appliance.shows(new)
    look(talking_to(service, appliance, saved(new, tmp_path)), 10, 13, 16)

    assert len(service.notices()) == 2
    assert open_kinds(service) == []


def test_a_certificate_that_no_authority_signed_is_told_where_one_is_asked_for(
    service: Service, appliance: Appliance
) -> None:
    look(talking_to(service, appliance, True), 0, 1.1)

    assert says(the_mail(service, "can't be verified: orders wait"), "has to be saved in a file")


def test_a_certificate_for_another_name_is_called_that(service: Service, appliance: Appliance, tmp_path: Path) -> None:
    authority = trustme.CA()
    appliance.shows(authority.issue_cert("other.example.com"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    look(talking_to(service, appliance, tmp_path / "ca.pem"), 0, 1.1)

    assert says(the_mail(service, "is for another name: orders wait"), "another host name")


def test_with_nothing_verified_a_change_is_told_and_is_the_known_one_after_three_days(
    service: Service, appliance: Appliance
) -> None:
    services = talking_to(service, appliance, False)
    look(services, 0)
    appliance.shows(a_certificate())
    look(services, 61, 63, 70, 24 * 60)
    mail = the_mail(service, "PowerCode shows another certificate than before")
    assert says(mail, "Orders go on", "PC_VERIFY_SSL is false")

    look(services, 3 * 24 * 60 + 62, 3 * 24 * 60 + 65, 3 * 24 * 60 + 70)

    assert says(the_mail(service, "the change is over"), "counts as the known one")
    assert open_kinds(service) == []


def test_a_server_that_cannot_be_asked_says_nothing_of_its_certificate(
    service: Service, appliance: Appliance, tmp_path: Path
) -> None:
    services = talking_to(service, appliance, saved(a_certificate(), tmp_path))
    appliance.stop()
    look(services, 0, 1.1, 70)

    assert the_alert(service) is None
    with pytest.raises(NeverArrived):
        services.powercode.certificate()
    appliance.stop = lambda: None  # type: ignore[method-assign]


def test_plain_http_has_no_certificate(service: Service) -> None:
    look_at_certificate(service.services)

    assert service.services.powercode.certificate() is None
    assert service.scalar(select(KnownCertificate)) is None


def test_the_certificate_is_looked_at_once_an_hour_whoever_asks(
    service: Service, appliance: Appliance, tmp_path: Path
) -> None:
    mine = a_certificate()
    appliance.shows(mine)
    services = talking_to(service, appliance, saved(mine, tmp_path))
    look(services, 0, 1, 2, 30, 59, 61)

    assert appliance.hands == 2


def test_a_certificate_that_was_another_for_a_moment_is_not_told_of(
    service: Service, appliance: Appliance, tmp_path: Path
) -> None:
    mine: Any = a_certificate()
    services = talking_to(service, appliance, saved(mine, tmp_path))
    look(services, 0)
    appliance.shows(mine)
    look(services, 1, 70)
    looks(service, 0)

    assert service.notices() == []
    assert the_alert(service) is None
