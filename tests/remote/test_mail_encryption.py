"""Mail goes out encrypted and signed in where the settings say so, or not at all; the password is never shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from flask import Flask

from app.remote.mail import MailFailed
from sandbox import Mailbox
from tests.remote.mails import MAIL, mailer_to, send

PASSWORD = "mail-password-1"


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """A certificate authority that this machine trusts."""
    trusted = trustme.CA()
    trusted.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    return trusted


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[Any]:
    """Builds mail servers with a certificate of an authority."""
    started: list[Mailbox] = []

    def build(authority: trustme.CA, name: str = "127.0.0.1", **options: Any) -> Mailbox:
        issued = authority.issue_cert(name)
        certificate, key = tmp_path / f"{len(started)}.pem", tmp_path / f"{len(started)}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        started.append(Mailbox(tls=(str(certificate), str(key)), **options))
        started[-1].up()
        return started[-1]

    yield build
    for mailbox in started:
        mailbox.stop()


@pytest.mark.parametrize("way", ["mail_use_tls", "mail_use_ssl"])
def test_mail_goes_out_encrypted_after_signing_in(authority: trustme.CA, encrypted: Any, way: str) -> None:
    mailbox = encrypted(authority, implicit_tls=way == "mail_use_ssl", credentials=("fiber", PASSWORD))

    send(mailbox, mail_username="fiber", mail_password=PASSWORD, **{way: True})

    assert len(mailbox.messages) == 1


@pytest.mark.parametrize("way", ["mail_use_tls", "mail_use_ssl"])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_certificate_that_is_not_trusted_gets_neither_password_nor_mail(
    authority: trustme.CA, encrypted: Any, way: str, wrong: str
) -> None:
    issuer, name = (trustme.CA(), "127.0.0.1") if wrong == "authority" else (authority, "mail.example.com")
    mailbox = encrypted(issuer, name, implicit_tls=way == "mail_use_ssl", credentials=("fiber", PASSWORD))

    with pytest.raises(MailFailed, match=r"(?i)certificate"):
        send(mailbox, mail_username="fiber", mail_password=PASSWORD, **{way: True})

    assert mailbox.messages == []


def test_mail_is_not_sent_in_the_clear_when_the_server_offers_no_encryption(mailbox: Mailbox) -> None:
    with pytest.raises(MailFailed):
        send(mailbox, mail_use_tls=True)

    assert mailbox.messages == []


def test_a_wrong_password_is_a_failure_that_does_not_show_it(
    authority: trustme.CA, encrypted: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = encrypted(authority, credentials=("fiber", "another"))

    with pytest.raises(MailFailed, match="535") as failed:
        send(mailbox, mail_use_tls=True, mail_username="fiber", mail_password=PASSWORD)

    printed = "".join(capfd.readouterr())
    assert PASSWORD not in printed + caplog.text + str(failed.value)


def test_a_password_is_not_printed_even_while_debugging(
    authority: trustme.CA, encrypted: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    mailbox = encrypted(authority, credentials=("fiber", PASSWORD))
    app = Flask("mail")
    app.debug = True
    app.config["MAIL_DEBUG"] = True
    signs_in = {"mail_use_tls": True, "mail_username": "fiber", "mail_password": PASSWORD}

    with mailer_to(mailbox, app, **signs_in).connection() as post:
        post.send(MAIL, "office@example.com")

    printed = "".join(capfd.readouterr())
    assert len(mailbox.messages) == 1
    assert printed == ""
