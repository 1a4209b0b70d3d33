"""What is enqueued: it may be withdrawn until it begins."""

from app.durable.work_queue import WorkQueue
from tests.conftest import Service


def test_what_is_withdrawn_in_a_transaction_never_begins(service: Service) -> None:
    queue: WorkQueue = service.services.work_queue
    service.write(queue.enqueue, "notice", "notice-0", "nobodys", 0, 1)
    assert queue.is_going("notice-0")

    with service.services.database.write() as session:
        queue.withdraw(session.connection(), "notice-0")

    assert not queue.is_going("notice-0")
