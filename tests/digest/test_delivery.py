"""Handing messages over: the webhook's payload, batches and answers, and single mails."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.digest.delivery import Handed, receipt_for
from app.digest.mails import Told, webhook_entry
from app.models import DigestMessage, DigestRun, now
from config import PROJECT
from sandbox.mailbox import Mail
from tests.conftest import wait_for
from tests.digest.conftest import Office
from tests.tools.everyday import everyday
from wire import Failure, Reply


def states(run: dict[str, Any]) -> list[str]:
    return [message["state"] for message in run["customers_told"]]


@pytest.mark.long
def test_the_webhook_is_sent_exactly_what_the_reference_says(office: Office) -> None:
    office.run(["Ada", "Lind", "ada.lind@example.com", "TM-20391", "Closed", f"{office.today:%d/%m/%Y}"])
    day = office.today.strftime("%d-%b-%Y")
    expected = (
        '[{"full_name": "Ada LIND", "email_address": "ada.lind@example.com", "ready_to_send": true, '
        '"email": {"subject": "Ticket status report", "to_address": ["ada.lind@example.com"], "cc_address": [""], '
        f'"body": "Ticket no. TM-20391 was closed on {day}\\n"}}}}]'
    )
    (post,) = office.webhook.posts
    assert post.headers["content-type"] == "application/json"
    assert json.dumps(post.entries) == expected


def test_each_ticket_is_a_line_and_days_are_written_the_same_in_every_locale(office: Office) -> None:
    told = Told("a@example.com", "Ada LIND", [("TM-1", office.today.replace(2026, 3, 5)), ("TM-2", office.today)])
    first, second = webhook_entry(told)["email"]["body"].splitlines()
    assert first == "Ticket no. TM-1 was closed on 05-Mar-2026"
    assert second.startswith("Ticket no. TM-2 was closed on ")


def test_batches_hold_as_many_customers_as_set_and_each_has_a_key_of_its_own(office: Office) -> None:
    with office.changed(digest_batch_size=4):
        office.run(*office.many(10))
    assert [len(post.entries) for post in office.webhook.posts] == [4, 4, 2]
    keys = [post.headers["idempotency-key"] for post in office.webhook.posts]
    assert len(set(keys)) == 3
    assert all(key.startswith("digest-") for key in keys)


@pytest.mark.long
def test_the_same_messages_are_tried_again_under_the_same_key_and_others_never(office: Office) -> None:
    office.webhook.fault("post", "http", times=2, status=429)
    with office.changed(digest_batch_size=1):
        office.run(*office.many(2))
    first, second, third, other = (call.fields["idempotency_key"] for call in office.webhook.calls)
    assert first == second == third != other


@pytest.mark.parametrize(
    ("answer", "handed"),
    [
        (Reply(200, "", b""), Handed.ACCEPTED),
        (Reply(202, "", b""), Handed.ACCEPTED),
        (Reply(204, "", b""), Handed.ACCEPTED),
        (Reply(301, "", b""), Handed.REFUSED),
        (Reply(400, "", b""), Handed.REFUSED),
        (Reply(401, "", b""), Handed.REFUSED),
        (Reply(404, "", b""), Handed.REFUSED),
        (Reply(408, "", b""), Handed.UNKNOWN),
        (Reply(429, "", b""), Handed.NEVER_ARRIVED),
        (Reply(500, "", b""), Handed.UNKNOWN),
        (Reply(502, "", b""), Handed.UNKNOWN),
        (Failure(sent=False, detail="no connection"), Handed.NEVER_ARRIVED),
        (Failure(sent=True, detail="no answer"), Handed.UNKNOWN),
    ],
)
def test_each_answer_of_the_webhook_says_what_became_of_the_batch(answer: Reply | Failure, handed: Handed) -> None:
    assert receipt_for(answer).handed is handed


@pytest.mark.long
def test_a_connection_cut_after_the_webhook_took_the_mails_sends_none_again(office: Office) -> None:
    office.webhook.fault("post", "no_answer")
    rows = office.many(3)
    assert states(office.run(*rows)) == ["unknown"] * 3
    office.a_week_passes()
    assert states(office.run(*rows)) == []
    assert len(office.told) == 3


@pytest.mark.parametrize("status", everyday(202, 204))
def test_any_status_from_200_to_299_counts_as_success(office: Office, status: int) -> None:
    office.webhook.fault("post", "http", status=status, body="", processed=True)
    rows = office.many(3)
    assert states(office.run(*rows)) == ["accepted"] * 3
    office.a_week_passes()
    assert states(office.run(*rows)) == []
    assert len(office.told) == 3


@pytest.mark.long
@pytest.mark.parametrize(("kind", "mailed"), [("no_answer", 6), ("cut", 6), ("reset", 4), ("garbage", 4)])
def test_a_batch_without_an_answer_is_marked_and_the_others_go_on(office: Office, kind: str, mailed: int) -> None:
    office.webhook.fault("post", kind, **({"status": 500} if kind == "garbage" else {}))
    with office.changed(digest_batch_size=2):
        run = office.run(*office.many(6))
    assert states(run) == ["unknown"] * 2 + ["accepted"] * 4
    assert run["state"] == "completed"
    assert len({address for address, _ in office.told}) == len(office.told) == mailed


@pytest.mark.long
def test_after_a_lost_answer_one_customer_goes_first_so_that_an_outage_leaves_few_in_doubt(office: Office) -> None:
    office.webhook.fault("post", "http", times=3, status=502)
    with office.changed(digest_batch_size=4):
        run = office.run(*office.many(12))
    assert [call.fields["customers"] for call in office.webhook.calls] == [4, 1, 1, 1, 1, 4]
    assert states(run).count("unknown") == 6
    assert states(run).count("accepted") == 6


def test_a_refused_batch_gives_its_slots_back_and_the_next_run_of_the_week_takes_it(office: Office) -> None:
    office.webhook.fault("post", "http", status=400)
    rows = office.many(4)
    with office.changed(digest_batch_size=2):
        first = office.run(*rows)
        assert sorted(states(first)) == ["accepted", "accepted", "refused", "refused"]
        second = office.run(*rows)
    assert states(second) == ["accepted", "accepted"]
    assert sorted(office.told) == [(f"c{n:04}@example.com", [f"TM-{n}"]) for n in range(4)]


def test_a_redirect_is_refused_with_what_to_set(office: Office) -> None:
    office.webhook.fault("post", "http", status=301)
    (message,) = office.run(*office.many(1))["customers_told"]
    assert "set DIGEST_WEBHOOK_URL to the final address" in message["error"]


@pytest.mark.long
def test_a_run_waits_for_a_webhook_that_is_down_and_goes_on_by_itself(office: Office) -> None:
    office.webhook.down()
    office.reports(*office.many(3))
    run_id = office.start()
    waiting = office.waits(run_id)
    assert waiting["next_try_at"] is not None
    assert states(waiting) == ["planned"] * 3
    assert [message["sent_at"] for message in waiting["customers_told"]] == [None] * 3
    office.webhook.up()
    run = office.over(run_id)
    assert (run["state"], run["error"]) == ("completed", None)
    assert len(office.told) == 3
    assert [message["error"] for message in run["customers_told"]] == [None] * 3


@pytest.mark.long
def test_after_a_day_a_run_gives_up_and_leaves_its_tickets_to_the_next(office: Office) -> None:
    office.webhook.down()
    rows = office.many(3)
    office.reports(*rows)
    run_id = office.start()
    office.waits(run_id)
    office.service.execute(update(DigestRun).values(started_at=now() - timedelta(hours=24, minutes=1)))
    run = office.over(run_id)
    assert (run["state"], states(run)) == ("failed", ["not_sent"] * 3)
    office.webhook.up()
    assert states(office.run(*rows)) == ["accepted"] * 3
    assert any("run failed" in mail["Subject"] for mail in office.service.notices())


# By mail


@pytest.fixture
def by_mail(office: Office, tmp_path: Path) -> Iterator[Office]:
    """The office with mail delivery and templates of its own; the webhook gets nothing."""
    folder = tmp_path / "texts"
    shutil.copytree(PROJECT / "ticket_descriptions", folder)
    office.texts = folder
    with office.changed(digest_delivery="mail", digest_webhook_url=None, ticket_template_dir=folder):
        yield office
        assert office.webhook.posts == []
        office.service.empty()


def customers_mails(office: Office) -> list[Mail]:
    return [mail for mail in office.service.sandbox.mailbox.messages if mail["To"] != "office@example.com"]


def html_of(mail: Mail) -> str:
    return mail.get_body(("html",)).get_content()


def test_a_mail_has_a_line_for_each_ticket_in_text_and_html(by_mail: Office) -> None:
    run = by_mail.run(by_mail.row("TM-1", days_ago=2), by_mail.row("TM-2"), by_mail.row("TM-3", "b@example.com"))
    ada, other = sorted(customers_mails(by_mail), key=lambda mail: mail["To"])
    assert (ada["To"], ada["Subject"], other["To"]) == ("ada.lind@example.com", "Ticket status report", "b@example.com")
    assert ada.text.splitlines()[0] == "Hello Ada LIND,"
    assert [line for line in ada.text.splitlines() if line.startswith("- ")] == [
        f"- Ticket no. TM-1 was closed on {by_mail.today - timedelta(days=2):%d-%b-%Y}",
        f"- Ticket no. TM-2 was closed on {by_mail.today - timedelta(days=1):%d-%b-%Y}",
    ]
    assert html_of(ada).count("<li>") == 2
    assert "TM-3" not in ada.text + html_of(ada)
    assert states(run) == ["accepted", "accepted"]


def test_html_in_a_name_or_ticket_stays_text_in_the_mail(by_mail: Office) -> None:
    by_mail.run(by_mail.row("TM-<b>1</b>", first="<script>alert(1)</script>", last="O'Neil & {count}"))
    (mail,) = customers_mails(by_mail)
    assert "<script>" not in html_of(mail)
    assert "<b>1" not in html_of(mail)
    assert "&lt;script&gt;" in html_of(mail)
    assert "O'NEIL & {COUNT}" in mail.text


def test_an_edited_template_is_used_and_its_subject_can_name_the_count(by_mail: Office) -> None:
    (by_mail.texts / "digest.txt").write_text("Subject: {count} tickets\n\nDear {full_name}: {ticket} {closed_on}\n")
    by_mail.run(by_mail.row("TM-1"), by_mail.row("TM-2"))
    (mail,) = customers_mails(by_mail)
    assert mail["Subject"] == "2 tickets"
    assert [line.split()[3] for line in mail.text.splitlines()] == ["TM-1", "TM-2"]


def test_a_customers_mail_has_no_line_break_in_its_headers(by_mail: Office) -> None:
    (by_mail.texts / "digest.txt").write_text("Subject: For {full_name}\n\n{ticket}\n")
    by_mail.run(by_mail.row("TM-1", first="Ada\r\nBcc: x@example.com"))
    (mail,) = customers_mails(by_mail)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "For Ada Bcc: x@example.com LIND"


def test_one_refused_recipient_does_not_stop_the_others_and_gets_its_mail_next_time(by_mail: Office) -> None:
    mailbox = by_mail.service.sandbox.mailbox
    mailbox.rejected_recipients.add("c0001@example.com")
    rows = by_mail.many(3)
    assert states(by_mail.run(*rows)) == ["accepted", "refused", "accepted"]
    mailbox.rejected_recipients.clear()
    assert states(by_mail.run(*rows)) == ["accepted"]
    assert sorted(mail["To"] for mail in customers_mails(by_mail)) == [f"c000{n}@example.com" for n in range(3)]


@pytest.mark.long
def test_a_connection_lost_after_the_mail_was_handed_over_leaves_that_one_unknown(by_mail: Office) -> None:
    by_mail.service.sandbox.mailbox.fault("DATA", "no_answer")
    run = by_mail.run(*by_mail.many(3))
    assert states(run) == ["unknown", "accepted", "accepted"]
    assert len(customers_mails(by_mail)) == 3
    by_mail.a_week_passes()
    assert states(by_mail.run()) == []


@pytest.mark.long
def test_mails_wait_for_a_mail_server_that_is_down(by_mail: Office) -> None:
    by_mail.service.sandbox.mailbox.down()
    by_mail.reports(*by_mail.many(2))
    run_id = by_mail.start()
    assert "nothing answers at MAIL_SERVER" in by_mail.waits(run_id)["error"]
    by_mail.service.sandbox.mailbox.up()
    assert states(by_mail.over(run_id)) == ["accepted", "accepted"]
    assert len(customers_mails(by_mail)) == 2


@pytest.mark.long
def test_a_template_that_cannot_be_used_is_named_by_its_line_and_the_run_goes_on_once_mended(by_mail: Office) -> None:
    template = by_mail.texts / "digest.html"
    sound = template.read_text()
    template.write_text(sound.replace("{full_name}", "{fullname}"))
    by_mail.reports(*by_mail.many(2))
    run_id = by_mail.start()
    error = by_mail.waits(run_id)["error"]
    assert "line 2: digest.html: unknown placeholder {fullname} (did you mean {full_name}?)" in error
    assert customers_mails(by_mail) == []
    template.write_text(sound)
    assert states(by_mail.over(run_id)) == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("digest.txt", "Hello {ticket}\n", "digest.txt: line 1: the first line must be the subject"),
        ("digest.txt", "Subject: x\n\nHello {full_name}\n", "digest.txt: no line has {ticket}"),
        ("digest.html", "<p>\n{nobody} {ticket}\n", "digest.html: line 2: unknown placeholder {nobody}"),
        ("digest.html", "<p>{ticket}\n}\n", "digest.html: line 2: a brace that is not a placeholder"),
        ("digest.html", None, "does not exist"),
    ],
)
def test_templates_check_names_the_faults_of_the_mail(by_mail: Office, name: str, text: str | None, fault: str) -> None:
    path = by_mail.texts / name
    path.write_text(text) if text is not None else path.unlink()
    result = by_mail.service.app.test_cli_runner().invoke(args=["templates", "check"])
    assert result.exit_code != 0
    assert fault in result.output


def test_templates_check_leaves_the_mail_alone_where_digests_go_by_webhook(by_mail: Office) -> None:
    (by_mail.texts / "digest.html").unlink()
    with by_mail.changed(digest_delivery="webhook"):
        assert by_mail.service.app.test_cli_runner().invoke(args=["templates", "check"]).exit_code == 0


def test_a_run_that_was_cut_off_in_the_middle_of_a_mail_doubts_that_mail_alone(by_mail: Office) -> None:
    by_mail.service.sandbox.mailbox.down()
    by_mail.reports(*by_mail.many(3))
    run_id = by_mail.start()
    by_mail.waits(run_id)
    with by_mail.database.write() as session:
        first = session.query(DigestMessage).order_by(DigestMessage.id).first()
        first.state = "sending"
    by_mail.service.sandbox.mailbox.up()
    assert states(by_mail.over(run_id)) == ["unknown", "accepted", "accepted"]
    wait_for(lambda: len(customers_mails(by_mail)) == 2)


@pytest.mark.long
def test_a_customer_who_is_refused_for_now_holds_up_nobody_behind_them_and_is_told_later(by_mail: Office) -> None:
    by_mail.service.sandbox.mailbox.fault("DATA", "reject", code=451, text="Try later")
    by_mail.reports(*by_mail.many(3))
    run_id = by_mail.start()

    assert states(by_mail.over(run_id)) == ["accepted"] * 3
    first, *behind = [message["email"] for message in by_mail.show(run_id)["customers_told"]]
    assert [mail["To"] for mail in customers_mails(by_mail)] == [*behind, first]


@pytest.mark.long
@pytest.mark.parametrize("action", ["RCPT", "DATA"])
def test_after_421_the_next_customers_get_their_mails_and_nobody_is_in_doubt(by_mail: Office, action: str) -> None:
    by_mail.service.sandbox.mailbox.fault(action, "reject", code=421, text="Closing")
    assert states(by_mail.run(*by_mail.many(3))) == ["accepted"] * 3
    assert len(customers_mails(by_mail)) == 3


@pytest.mark.long
@pytest.mark.parametrize("action", ["RCPT", "DATA"])
def test_while_everything_is_answered_421_the_customers_are_not_sent_and_never_unknown(
    by_mail: Office, action: str
) -> None:
    by_mail.service.sandbox.mailbox.fault(action, "reject", times=None, code=421, text="Closing")
    by_mail.reports(*by_mail.many(3))
    run_id = by_mail.start()
    assert states(by_mail.waits(run_id)) == ["planned"] * 3
    by_mail.service.execute(update(DigestRun).values(started_at=now() - timedelta(hours=24, minutes=1)))
    assert states(by_mail.over(run_id)) == ["not_sent"] * 3


def test_a_server_that_takes_two_mails_a_session_gets_two_a_session_without_a_pause(by_mail: Office) -> None:
    mailbox = by_mail.service.sandbox.mailbox
    mailbox.most_a_session, before = 2, mailbox.connections
    with by_mail.changed(email_recipients=()):
        assert states(by_mail.run(*by_mail.many(5))) == ["accepted"] * 5
    assert mailbox.connections - before == 3


def test_as_long_as_mails_go_out_the_pauses_do_not_grow(by_mail: Office) -> None:
    by_mail.service.sandbox.mailbox.down()
    by_mail.reports(*by_mail.many(2))
    run_id = by_mail.start()
    by_mail.waits(run_id)
    with by_mail.database.read() as session:
        assert session.get_one(DigestRun, run_id).tries > 0
    by_mail.service.sandbox.mailbox.up()
    by_mail.over(run_id)
    with by_mail.database.read() as session:
        assert session.get_one(DigestRun, run_id).tries == 0
