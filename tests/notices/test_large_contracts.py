"""Contracts of 31 MB on a small server: nothing is killed for its memory, and the notices go out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.conftest import settings_for
from tests.tools.memory_limit import Limit, limited
from tests.tools.processes import GUNICORN, ServiceProcess, until
from tests.tools.promises import contract_of

pytestmark = pytest.mark.sweep

MEGABYTES = 400
PDF = b"%PDF-1.4\n" + bytes(31_000_000)
ORDERREFS = ("UIA202411-001186", "UIA202411-001187")


@pytest.fixture
def limit() -> Iterator[Limit]:
    with limited(MEGABYTES) as group:
        if group is None:
            pytest.skip("No control group can be made here: that needs root, and a kernel that lets it")
        yield group


@pytest.mark.parametrize("attachment_mb", [10, 40])  # linked, and attached: to more than the mail server takes
def test_two_contracts_of_31_mb_go_out_under_a_limit_of_400_mb(
    sandbox: Sandbox, limit: Limit, tmp_path: Path, attachment_mb: int
) -> None:
    for number, orderref in enumerate(ORDERREFS):
        sandbox.utopia.add_order(orderref, **contract_of(number))
        sandbox.utopia.set_contract_ready(orderref, pdf=PDF)
    settings = settings_for(
        sandbox, tmp_path, database_url=f"sqlite:///{tmp_path}/handler.db", mail_attachment_mb=attachment_mb
    )
    with ServiceProcess(settings, tmp_path, command=limit.wrap(GUNICORN)) as service:
        service.start()
        worker = service.workers
        for orderref in ORDERREFS:
            assert service.post_callback(orderref) == 200
        until(lambda: all(any(is_about(mail, ref) for mail in sandbox.mailbox.messages) for ref in ORDERREFS), 120)
        assert service.workers == worker

    assert limit.times_killed == 0


def is_about(mail: Any, orderref: str) -> bool:
    return str(mail["Subject"]).startswith("Account created") and orderref in str(mail["Subject"])
