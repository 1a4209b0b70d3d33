"""The fuzzers of `make soak`, for a moment: a few hundred requests and reports that nobody would send or write."""

import random
from pathlib import Path

import pytest

from benchmarks import fuzz_callback, fuzz_reports
from sandbox import Sandbox
from tests.conftest import Service, settings_for
from tests.tools.callback_requests import ORDER


@pytest.mark.sweep
def test_no_callback_makes_the_service_fail_forget_or_tell(sandbox: Sandbox, tmp_path: Path) -> None:
    found = fuzz_callback.fuzz(settings_for(sandbox, tmp_path), tmp_path, seed=1, most=300)

    assert found.faults == []
    assert found.acknowledged
    assert {200, 400, 413, 415} <= found.answers.keys()


@pytest.mark.sweep
def test_no_report_makes_a_reader_do_more_than_refuse_it(tmp_path: Path) -> None:
    found = fuzz_reports.fuzz(tmp_path, seed=1, most=150)

    assert found.faults == []
    assert min(found.read[kind] + found.refused[kind] for kind in ("csv", "excel", "sheets")) > 0
    assert found.read["csv"] > 0


def test_the_fuzzers_send_the_same_for_the_same_seed() -> None:
    requests = [[fuzz_callback.a_request(random.Random(f"{seed}")) for seed in range(50)] for _ in range(2)]
    reports = [[fuzz_reports.a_csv(random.Random(f"{seed}")) for seed in range(50)] for _ in range(2)]

    assert requests[0] == requests[1]
    assert reports[0] == reports[1]


# What they found


def test_a_body_that_breaks_off_is_told_from_an_empty_one(service: Service) -> None:
    class Broken:
        def read(self, _size: int) -> bytes:
            raise ValueError(f"cut after {ORDER}")

    answer = service.client.post("/api-callback", environ_overrides={"wsgi.input": Broken(), "CONTENT_LENGTH": "90"})

    assert answer.status_code == 400
    assert "broke off" in answer.json["error"]
