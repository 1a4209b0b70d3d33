"""What is enqueued: it may be withdrawn until it begins, is begun in its order, and leaves nothing behind."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from dbos import EnqueueOptions

from app.durable import work_queue
from app.durable.work_queue import BEHIND, FIRST, GOING, VERSION, WorkQueue
from tests.conftest import Service, wait_for
from tests.provisioning.waiting_orders import REF

NOBODYS = "nobodys"


def test_what_is_withdrawn_in_a_transaction_never_begins(service: Service) -> None:
    queue: WorkQueue = service.services.work_queue
    service.write(queue.enqueue, "notice", "notice-0", NOBODYS, 0, 1)
    assert queue.is_going("notice-0")

    with service.services.database.write() as session:
        queue.withdraw(session.connection(), "notice-0")

    assert not queue.is_going("notice-0")


@pytest.fixture
def enqueue(service: Service) -> Iterator[Callable[..., None]]:
    """Enqueues notices that nobody delivers; they are gone afterwards."""
    enqueued: list[str] = []

    def enqueue(*numbers: int, priority: int = FIRST) -> None:
        queue = service.services.work_queue
        with service.services.database.write() as session:
            for number in numbers:
                enqueued.append(f"notice-{number}")
                queue.enqueue(session, "notice", enqueued[-1], NOBODYS, number, 1, priority=priority)

    yield enqueue
    service.services.work_queue.forget(enqueued)


def claimed(queue: WorkQueue, room: int, executor_id: str = "somebody", at_a_time: int | None = None) -> list[str]:
    statuses = queue.claim(NOBODYS, room, executor_id, "token", at_a_time=at_a_time)
    return [status["workflow_uuid"] for status in statuses or []]


def test_as_many_begin_as_there_is_room_for_and_those_that_go_first_before_the_others(
    service: Service, enqueue: Callable[..., None]
) -> None:
    queue = service.services.work_queue
    enqueue(1, 2, priority=BEHIND)
    enqueue(3)

    begun = claimed(queue, 2)

    assert begun == ["notice-3", "notice-1"]
    assert {row.workflow_id for row in queue.pending()["somebody"]} == set(begun)
    assert claimed(queue, 9) == ["notice-2"]


def test_in_all_processes_together_no_more_run_than_may(service: Service, enqueue: Callable[..., None]) -> None:
    queue = service.services.work_queue
    enqueue(*range(9))

    assert claimed(queue, 9, "here", at_a_time=4) == [f"notice-{number}" for number in range(4)]
    assert queue.claim(NOBODYS, 9, "there", "token", at_a_time=4) is None
    assert claimed(queue, 9, "there", at_a_time=5) == ["notice-4"]


def test_of_many_who_claim_at_once_each_workflow_begins_for_one(service: Service, enqueue: Callable[..., None]) -> None:
    queue, begun, together = service.services.work_queue, list[str](), threading.Barrier(6)
    enqueue(*range(40))

    def claim(executor_id: str) -> None:
        together.wait()
        for _ in range(5):
            begun.extend(claimed(queue, 3, executor_id, at_a_time=25))

    threads = [threading.Thread(target=claim, args=[f"host-{number}"]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(begun) == sorted(f"notice-{number}" for number in range(25))


@pytest.mark.sqlite
def test_a_claim_reads_what_it_takes_and_sorts_nothing(service: Service) -> None:
    values = {"queue": NOBODYS, "room": 1, "executor_id": "somebody", "owner": "token", "now_ms": 1}
    with service.services.database.read() as session:
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {work_queue.CLAIM['sqlite']}", values).all()

    steps = [step for *_, step in plan]
    assert any("in_flight" in step for step in steps), steps
    assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN workflow")]


def test_what_begins_here_is_just_what_the_library_would_begin(service: Service, enqueue: Callable[..., None]) -> None:
    queue = service.services.work_queue
    enqueue(1)

    (status,) = queue.claim(NOBODYS, 1, "somebody", "token") or []

    (known,) = queue.client._sys_db.get_workflow_statuses(["notice-1"])
    assert {name: status[name] for name in known} == {**known}


def test_what_is_enqueued_here_is_just_what_the_library_would_enqueue(
    service: Service, enqueue: Callable[..., None]
) -> None:
    client = service.services.work_queue.client
    before = int(1000 * (time.time() - 1))  # the library's times may be whole seconds
    enqueue(1, priority=BEHIND)
    options: EnqueueOptions = {
        "queue_name": NOBODYS,
        "workflow_name": "notice",
        "workflow_id": "notice-2",
        "app_version": VERSION,
        "priority": BEHIND,
    }
    enqueued_by_the_library = client.enqueue(options, 1, 1)

    ours, the_librarys = (dict(client._sys_db.get_workflow_status(each) or {}) for each in ("notice-1", "notice-2"))
    for status in (ours, the_librarys):
        assert before <= status["created_at"] == status["updated_at"] <= 1000 * time.time()
        del status["workflow_uuid"], status["created_at"], status["updated_at"]
    assert ours == the_librarys

    service.services.work_queue.forget([enqueued_by_the_library.workflow_id])


def test_an_id_that_is_in_use_changes_nothing(service: Service, enqueue: Callable[..., None]) -> None:
    queue = service.services.work_queue
    enqueue(1)
    with service.services.database.write() as session:
        queue.enqueue(session, "notice", "notice-1", NOBODYS, 7, 7)

    (status,) = queue.client.list_workflows(workflow_ids=["notice-1"])
    assert (status.input or {})["args"] == (1, 1)


def test_a_completed_order_and_its_notice_leave_no_workflow_behind(service: Service) -> None:
    assert service.take(REF)["state"] == "completed"

    client = service.services.work_queue.client
    wait_for(lambda: not client.list_workflows(status=GOING))
    assert not client.list_workflows()


def test_an_outcome_is_recorded_unless_the_workflow_returned_after_it_ended_itself() -> None:
    recorded: list[str] = []

    def record(workflow_id: str, status: str, **_outcome: object) -> bool:
        recorded.append(f"{workflow_id} {status}")
        return True

    record_unless_ended = work_queue.unless_ended(record)
    work_queue._ended.update(("committed", "rolled back"))

    assert record_unless_ended("committed", "SUCCESS")
    assert record_unless_ended("rolled back", "ERROR")
    assert record_unless_ended("usual", "SUCCESS")

    assert recorded == ["rolled back ERROR", "usual SUCCESS"]
    assert work_queue._ended.isdisjoint(("committed", "rolled back", "usual"))  # workflows of other tests may end now
