"""What a person found out about messages whose outcome was not known."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from app.digest import ledger, unknown_messages
from app.models import DigestMessage, MessageState, ReportedTicket
from tests.digest.conftest import Office


def in_doubt(office: Office, customers: int = 3) -> dict[str, Any]:
    """A run after which nobody knows whether its messages arrived; nothing of it did."""
    run = office.run(*office.many(customers))
    office.service.execute(update(DigestMessage).values(state=MessageState.UNKNOWN, error="no answer came"))
    office.webhook.messages.clear()
    return run


def settle(office: Office, run: int, *, arrived: bool, batch: int = 1, by: str = "alice") -> int:
    return office.service.write(unknown_messages.settle_batch, run, batch, arrived=arrived, by=by)


def states(office: Office, run: int) -> dict[str, int]:
    return {state: count for state, count in office.service.read(ledger.counts, run).items() if count}


def decisions(office: Office, run: int) -> list[tuple[str, str, str | None]]:
    return [(one.made_by, one.action, one.note) for one in office.service.read(unknown_messages.decisions, run)]


def test_what_arrived_counts_as_told_and_is_not_sent_again(office: Office) -> None:
    run = in_doubt(office)["run"]
    assert settle(office, run, arrived=True) == 3
    assert states(office, run) == {"accepted": 3}
    assert office.run()["customers"] == 0
    assert decisions(office, run) == [("alice", "settled as arrived", "3 messages of batch 1")]


def test_what_did_not_arrive_is_told_by_the_next_run_of_the_same_week(office: Office) -> None:
    run = in_doubt(office)["run"]
    assert office.run()["customers"] == 0
    assert settle(office, run, arrived=False) == 3
    assert states(office, run) == {"not_sent": 3}
    assert office.run()["customers"] == 3


def test_settling_one_message_leaves_the_others_in_doubt(office: Office) -> None:
    run = in_doubt(office)["run"]
    with office.database.write() as session:
        first = session.scalars(select(DigestMessage).order_by(DigestMessage.id)).first()
        assert unknown_messages.settle_message(session, run, first.id, arrived=False, by="alice") == 1
    assert states(office, run) == {"unknown": 2, "not_sent": 1}
    freed = office.service.rows(select(ReportedTicket.message_id).where(ReportedTicket.slot.is_(None)))
    assert freed == [first.id]


@pytest.mark.parametrize("again", [True, False])
def test_what_was_settled_stays_settled_whoever_presses_again(office: Office, again: bool) -> None:
    run = in_doubt(office)["run"]
    settle(office, run, arrived=True)
    assert settle(office, run, arrived=again, by="bob") == 0
    assert states(office, run) == {"accepted": 3}
    assert [by for by, _, _ in decisions(office, run)] == ["alice"]


def test_of_two_people_at_once_one_settles(office: Office) -> None:
    run = in_doubt(office, 40)["run"]
    with ThreadPoolExecutor(2) as people:
        answers = people.map(lambda arrived: settle(office, run, arrived=arrived, by=str(arrived)), [True, False])
    assert sorted(answers) == [0, 40]
    assert len(states(office, run)) == 1
    assert len(decisions(office, run)) == 1


def test_a_message_of_another_run_is_not_settled(office: Office) -> None:
    run = in_doubt(office)["run"]
    assert settle(office, run + 1, arrived=False) == 0
    with office.database.write() as session:
        message_id = session.scalar(select(DigestMessage.id).limit(1))
        assert unknown_messages.settle_message(session, run + 1, message_id, arrived=False, by="alice") == 0
    assert states(office, run) == {"unknown": 3}
