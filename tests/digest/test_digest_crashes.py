"""A run whose process is killed at chosen moments; `make soak` has the long form, at random ones."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.soak_digest import KilledDigest, Outcome
from sandbox.http_messages import Call
from sandbox.http_server import Moment
from tests.tools.processes import until

CUSTOMERS, BATCH = 60, 5


@pytest.fixture
def digest(tmp_path: Path) -> Iterator[KilledDigest]:
    with KilledDigest(tmp_path, CUSTOMERS, batch=BATCH, latency=0.01) as digest:
        digest.order_run()
        yield digest


def live_until(digest: KilledDigest, moment: Moment, post: int) -> None:
    """Start the service, and kill it when POST `post` or a later one `arrived`, was `processed` or `answered`."""
    killed = threading.Event()

    def kill(call: Call, reached: Moment) -> None:
        if reached == moment and call.number >= post and not killed.is_set():
            digest.kill()
            killed.set()
            raise ConnectionError("the process that asked is gone")

    digest.webhook.on_call = kill
    digest.service.start(wait=False)
    assert killed.wait(30)
    digest.webhook.on_call = lambda *_: None


def live_to_the_end(digest: KilledDigest) -> Outcome:
    digest.service.start(wait=False)
    until(lambda: digest.over, 30)
    return digest.outcome()


@pytest.mark.sweep
def test_no_customer_of_a_run_that_is_killed_four_times_gets_two_messages_or_is_left_out(digest: KilledDigest) -> None:
    digest.service.start(wait=False)
    until(lambda: digest.planned >= BATCH, 30)
    digest.kill()  # while it plans
    live_until(digest, "arrived", 2)  # read, and not mailed
    live_until(digest, "processed", 4)  # mailed, and not answered
    live_until(digest, "answered", 7)  # answered, and perhaps not recorded
    outcome = live_to_the_end(digest)
    assert outcome.faults == []
    assert (outcome.twice, outcome.missing) == (0, 0)
    assert outcome.unknown >= 2 * BATCH  # of the second batch and of the one that was mailed
