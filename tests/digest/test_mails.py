"""What customers read."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.digest.mails import MailTemplates, Told, body, check, day, webhook_entry
from app.wording.placeholders import TemplateFault
from config import PROJECT

TEXTS = PROJECT / "ticket_descriptions"
ADA = Told("ada.lind@example.com", "Ada LIND", [("TM-1", date(2026, 11, 14)), ("TM-2", date(2026, 2, 3))])


@pytest.mark.parametrize("name", ["digest.txt", "digest.html"])
def test_the_templates_that_come_with_the_service_are_sound(name: str) -> None:
    assert check(TEXTS / name) == []


def test_a_day_is_written_with_its_month_in_letters_so_that_nobody_reads_it_month_first() -> None:
    assert [day(date(2026, month, 2))[3:6] for month in (1, 5, 10, 12)] == ["Jan", "May", "Oct", "Dec"]


def test_the_line_of_a_ticket_is_repeated_and_the_others_are_not() -> None:
    mail = MailTemplates(TEXTS).mail(ADA, "key")
    assert mail.text.count("Ticket no.") == mail.html.count("Ticket no.") == 2
    assert mail.text.count("Hello") == mail.html.count("Hello") == 1
    assert mail.subject == "Ticket status report"
    assert mail.key == "key"


def test_a_customers_name_is_not_in_what_a_log_shows_of_a_message() -> None:
    assert "LIND" not in repr(ADA)
    assert "example.com" not in repr(ADA)


def test_both_templates_faults_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "digest.txt").write_text("{who} {ticket}\n")
    (tmp_path / "digest.html").write_text("{what} {ticket}\n")
    with pytest.raises(TemplateFault) as caught:
        MailTemplates(tmp_path)
    assert [str(fault) for fault in caught.value.faults] == [
        "line 1: digest.txt: unknown placeholder {who}",
        "line 1: digest.txt: the first line must be the subject, as in: Subject: Ticket status report",
        "line 1: digest.html: unknown placeholder {what}",
    ]


@given(st.lists(st.tuples(st.text(min_size=1), st.dates()), min_size=1, max_size=20), st.text())
def test_whatever_a_report_holds_is_text_in_the_mail_and_each_ticket_has_its_line(
    tickets: list[tuple[str, date]], name: str
) -> None:
    mail = MailTemplates(TEXTS).mail(Told("a@example.com", name, tickets), "key")
    assert mail.html.count("<li>") == mail.html.count("</li>") == len(tickets)
    assert mail.text.count("Ticket no. ") >= len(tickets)
    tags = {part.split(">")[0].split()[0].strip("/") for part in mail.html.split("<")[1:]}
    assert tags <= {"div", "p", "ul", "li", "strong"}


@pytest.mark.long
@given(st.lists(st.tuples(st.from_regex(r"[A-Z]{2}-\d{1,9}", fullmatch=True), st.dates()), min_size=1, max_size=30))
def test_a_message_tells_of_its_own_tickets_and_no_others(tickets: list[tuple[str, date]]) -> None:
    told = Told("a@example.com", "Ada", tickets)
    lines = webhook_entry(told)["email"]["body"].splitlines()
    assert lines == [f"Ticket no. {ticket} was closed on {day(closed_on)}" for ticket, closed_on in tickets]
    assert webhook_entry(told)["email"]["body"] == body(told)


def test_a_subject_that_names_a_ticket_is_a_fault_before_any_mail_is_sent(tmp_path: Path) -> None:
    (tmp_path / "digest.txt").write_text("Subject: Ticket {ticket}\n\n{ticket}\n")
    assert [fault.line for fault in check(tmp_path / "digest.txt")] == [1]
