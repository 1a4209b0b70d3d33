"""The simulated mail server keeps what it took, and fails in the ways that mail servers do."""

import smtplib
import ssl
import threading
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme

from sandbox import Mailbox


def a_mail(subject: str = "Account created", to: str = "office@example.com") -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "handler@example.com", to
    mail.set_content("Zoë has an account.\n")
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="contract.pdf")
    return mail


def send(mailbox: Mailbox, mail: EmailMessage | None = None, timeout: float = 5.0) -> None:
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=timeout) as smtp:
        smtp.send_message(mail or a_mail())


def test_a_mail_is_kept_with_its_envelope_text_and_attachment(mailbox: Mailbox) -> None:
    send(mailbox)
    (mail,) = mailbox.messages
    assert mail["Subject"] == "Account created"
    assert mail.envelope.sender == "handler@example.com"
    assert mail.envelope.recipients == ("office@example.com",)
    assert mail.text == "Zoë has an account.\n"
    assert mail.attachments == {"contract.pdf": b"%PDF-1.4"}


def test_a_mailbox_that_refuses_turns_connections_away(mailbox: Mailbox) -> None:
    mailbox.refuse = True
    with pytest.raises(smtplib.SMTPConnectError, match="421"):
        send(mailbox)
    mailbox.clear_faults()
    send(mailbox)
    assert len(mailbox.messages) == 1


def test_a_mailbox_that_is_down_refuses_connections_and_keeps_its_port(mailbox: Mailbox) -> None:
    port = mailbox.port
    mailbox.down()
    with pytest.raises(ConnectionRefusedError):
        send(mailbox)
    mailbox.up()
    assert mailbox.port == port
    send(mailbox)
    assert len(mailbox.messages) == 1


def test_a_rejected_recipient_does_not_keep_the_others_from_it(mailbox: Mailbox) -> None:
    mailbox.rejected_recipients.add("gone@example.com")
    send(mailbox, a_mail(to="gone@example.com, office@example.com"))
    assert mailbox.messages[0].envelope.recipients == ("office@example.com",)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(mailbox, a_mail(to="gone@example.com"))


@pytest.mark.parametrize("action", ["CONNECT", "MAIL", "RCPT", "DATA", "*"])
def test_a_mail_whose_connection_is_closed_is_not_taken(mailbox: Mailbox, action: str) -> None:
    fault = mailbox.fault(action, "refuse")
    with pytest.raises(smtplib.SMTPException):
        send(mailbox)
    assert mailbox.messages == []
    assert fault.taken == 1


@pytest.mark.parametrize(("code", "error"), [(451, smtplib.SMTPDataError), (554, smtplib.SMTPDataError)])
def test_a_rejected_mail_is_not_taken(mailbox: Mailbox, code: int, error: type[Exception]) -> None:
    mailbox.fault("DATA", "reject", code=code, text="5.7.1 No")
    with pytest.raises(error, match=str(code)):
        send(mailbox)
    assert mailbox.messages == []


def test_a_server_that_hangs_runs_into_the_clients_timeout(mailbox: Mailbox) -> None:
    mailbox.fault("DATA", "hang")
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        send(mailbox, timeout=0.2)
    assert mailbox.messages == []


@pytest.mark.long
@pytest.mark.parametrize(("kind", "args"), [("no_answer", {}), ("slow", {"seconds": 60, "when": "after"})])
def test_a_mail_can_be_taken_without_an_answer(mailbox: Mailbox, kind: str, args: dict[str, Any]) -> None:
    mailbox.fault("DATA", kind, **args)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        send(mailbox, timeout=3.0)
    assert len(mailbox.messages) == 1


def test_stop_ends_hanging_connections_and_the_thread() -> None:
    before = set(threading.enumerate())
    mailbox = Mailbox()
    mailbox.up()
    idle = smtplib.SMTP(mailbox.host, mailbox.port, timeout=5)
    mailbox.fault("DATA", "hang")
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        send(mailbox, timeout=0.2)
    mailbox.stop()
    assert set(threading.enumerate()) <= before
    with pytest.raises(smtplib.SMTPServerDisconnected):
        idle.noop()
    idle.close()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("implicit_tls", [False, True])
def test_a_mailbox_with_tls_and_credentials_wants_both(tmp_path: Path, implicit_tls: bool) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    mailbox = Mailbox(tls=(str(chain), str(key)), implicit_tls=implicit_tls, credentials=("handler", "made-up"))
    mailbox.up()
    try:
        connect = smtplib.SMTP_SSL if implicit_tls else smtplib.SMTP
        options = {"context": context} if implicit_tls else {}
        with connect(mailbox.host, mailbox.port, timeout=5, **options) as smtp:
            if not implicit_tls:
                smtp.starttls(context=context)
            with pytest.raises(smtplib.SMTPSenderRefused):
                smtp.send_message(a_mail())
            smtp.login("handler", "made-up")
            smtp.send_message(a_mail())
    finally:
        mailbox.stop()
    assert len(mailbox.messages) == 1
