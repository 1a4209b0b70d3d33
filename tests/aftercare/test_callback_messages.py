"""What callbacks say: each text is counted, told of once, and dealt with by its rule."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.aftercare import callback_messages, cases
from app.models import Callback, Case
from tests.alerts.alert_mails import says
from tests.conftest import Service

REF, OTHER = "UIA202411-001186", "UIA202411-001187"
CANCELLED = "Project Cancelled"


def rows(service: Service) -> dict[str, tuple[int, str, str | None]]:
    return {row.msg: (row.count, row.rule, row.last_orderref) for row in service.read(callback_messages.listed)}


def decide(service: Service, rule: str, msg: str = CANCELLED) -> None:
    assert service.write(callback_messages.decide, callback_messages.key_of(msg), rule, "Stan Staff")


def open_cases(service: Service) -> list[Case]:
    return [each.case for each in service.read(cases.listed)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Project Update", " project  UPDATE "),
        (f"Order {REF} moved", f"Order {OTHER} moved"),
        ("Visit on 12/03/2026 at 8:00, ticket #7", "Visit on 2026-12-04 at 10:30, ticket #1,234"),
    ],
)
def test_what_says_the_same_is_one_text(one: str, other: str) -> None:
    assert callback_messages.key_of(one) == callback_messages.key_of(other)


def test_each_text_is_a_row_with_its_count_and_its_last_order(service: Service) -> None:
    for orderref, msg in ((REF, "Project Update"), (OTHER, "project update"), (REF, CANCELLED)):
        assert service.callback(orderref, msg).status_code == 200

    assert rows(service) == {"Project Update": (2, "ignore", OTHER), CANCELLED: (1, "ignore", REF)}


def test_new_orders_and_tests_are_no_texts(service: Service) -> None:
    service.take(REF)
    service.callback(REF, "Test")

    assert rows(service) == {}


def test_a_new_text_is_told_of_once(service: Service) -> None:
    for _ in range(2):
        service.callback(REF, CANCELLED)

    (mail,) = service.notices(f"UTOPIA says something new: “{CANCELLED}” about {REF}")
    assert says(mail, CANCELLED, "no such order is known here", "/console/aftercare/messages", "no order was changed")
    assert "/console/orders/" not in mail.text
    assert service.read(callback_messages.undecided) == 1


def test_a_new_text_about_an_order_leads_to_it_since_it_may_need_something_now(service: Service) -> None:
    service.take(REF)
    service.callback(REF, CANCELLED)

    (mail,) = service.notices("something new")
    assert says(mail, f"/console/orders/{REF}", "See whether the order needs something now")


def test_nobody_is_told_of_new_texts_when_that_is_off(service: Service) -> None:
    assert service.write(callback_messages.decide, callback_messages.NEW, "ignore", "Stan Staff")

    service.callback(REF, CANCELLED)

    assert service.notices("something new") == []
    assert rows(service) == {CANCELLED: (1, "ignore", REF)}


def test_the_office_is_told_of_each_order_once_a_day(service: Service) -> None:
    service.callback(REF, CANCELLED)
    decide(service, "tell")

    for orderref in (REF, REF, OTHER):
        service.callback(orderref, CANCELLED)

    told = service.notices("UTOPIA says “Project Cancelled”")
    assert sorted(mail["Subject"].rpartition(" ")[2] for mail in told) == [REF, OTHER]


def test_a_cancellation_reaches_a_person_once_as_a_case(service: Service) -> None:
    service.take(REF)
    service.callback(REF, CANCELLED)
    decide(service, "case:cancel")

    for _ in range(3):
        service.callback(REF, CANCELLED)

    (case,) = open_cases(service)
    assert (case.kind, case.orderref, case.customer_id) == ("cancel", REF, "1001")
    assert (case.note, case.opened_by) == (f"UTOPIA says: {CANCELLED}", callback_messages.BY_RULE)
    (mail,) = service.notices("Needs you: UTOPIA says")
    assert f"/console/aftercare/cases/{case.id}" in mail.text


def test_one_that_comes_again_after_its_case_was_closed_opens_another(service: Service) -> None:
    service.callback(REF, CANCELLED)
    decide(service, "case:message")
    service.callback(REF, CANCELLED)
    (first,) = open_cases(service)
    assert service.write(cases.close, first.id, "Stan Staff", "Called them")
    assert not service.write(cases.close, first.id, "Ada Administrator", "Me too")

    service.callback(REF, CANCELLED)

    (second,) = open_cases(service)
    assert second.id != first.id
    with service.services.database.read() as session:
        assert session.get_one(Case, first.id).closing_note == "Called them"


def test_a_rule_that_there_is_not_changes_nothing(service: Service) -> None:
    service.callback(REF, CANCELLED)
    assert not service.write(
        callback_messages.decide, callback_messages.key_of(CANCELLED), "case:nothing", "Stan Staff"
    )
    assert not service.write(callback_messages.decide, "never came", "tell", "Stan Staff")

    assert rows(service)[CANCELLED][1] == "ignore"


def test_a_text_can_t_pass_for_a_rule_of_ours(service: Service) -> None:
    for msg in (callback_messages.NEW, callback_messages.OTHERS):
        service.callback(REF, msg)

    assert rows(service) == {callback_messages.NEW: (1, "ignore", REF), callback_messages.OTHERS: (1, "ignore", REF)}
    assert service.read(callback_messages.tells_of_new)
    assert not service.write(callback_messages.decide, callback_messages.OTHERS, "ignore", "Stan Staff")


def test_a_new_order_and_a_test_keep_their_rules_whatever_is_decided(service: Service) -> None:
    with service.services.database.write() as session:
        for msg in ("Project New Order", "Test"):
            assert not callback_messages.decide(session, callback_messages.key_of(msg), "ignore", "Stan Staff")


def text(number: int) -> str:
    """A text that no other is like: numbers count as the same."""
    return f"Text {'ab' * number}x"


def test_a_stranger_s_thousand_texts_fill_neither_table_nor_mailbox_and_keep_no_new_one_unseen(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_messages, "MOST_TEXTS", 6)
    monkeypatch.setattr(callback_messages, "TOLD_A_DAY", 2)
    service.callback(REF, CANCELLED)
    decide(service, "case:cancel")
    for number in range(12):
        service.callback(REF, text(number))

    assert rows(service).keys() == {CANCELLED, *map(text, range(6, 12))}, "the newest, and what has a rule"
    with service.services.database.read() as session:
        assert (callback_messages.made_room(session), callback_messages.undecided(session)) == (6, 6)
        assert len(session.scalars(select(Callback)).all()) == 13
    assert len(service.notices("something new")) == 2
    (mail,) = service.notices("More than 2 new callback texts in a day: look at them together")
    assert says(mail, "The first 2 have a mail each", "no order was changed", "/console/aftercare/messages")
    assert says(mail, "a new CALLBACK_TOKEN", text(1))
    service.callback(OTHER, CANCELLED)
    assert [case.kind for case in open_cases(service)] == ["cancel"], "a rule stays in force"


def test_new_texts_that_come_at_the_same_time_keep_to_the_limits_together(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_messages, "MOST_TEXTS", 6)
    monkeypatch.setattr(callback_messages, "TOLD_A_DAY", 2)

    def send(number: int) -> int:
        message = {"event": "x", "orderref": REF, "msg": text(number)}
        return int(service.app.test_client().post("/api-callback", json=message).status_code)

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(send, range(40))) == {200}

    with service.services.database.read() as session:
        assert (callback_messages.undecided(session), callback_messages.made_room(session)) == (6, 34)
    assert len(service.notices("something new")) == 2
    assert len(service.notices("More than 2 new callback texts")) == 1
