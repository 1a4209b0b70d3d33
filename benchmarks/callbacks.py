"""Callbacks while UTOPIA and PowerCode hang, next to a bare endpoint that commits one row; a part of `benchmarks.cost`.

The service and the bare endpoint run under the same gunicorn settings, and clients post new orders to them in turn,
several rounds. All rounds together are shorter than READ_TIMEOUT_SECONDS, so the systems hang throughout.
"""

import os
import socket
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import Answers, post
from benchmarks.running import plain_gunicorn, settings_with
from config import PROJECT, Settings
from sandbox.ports import bind
from tests.tools.processes import until

SECONDS = 1.2
"""Of a round."""


@contextmanager
def all_hang(folder: Path) -> Iterator[Settings]:
    """Settings for systems that take connections and never answer."""
    with bind("127.0.0.1", 0) as listening:
        listening.listen(socket.SOMAXCONN)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        yield settings_with(folder, utopia_url_endpoint=address, pc_url=address)


@contextmanager
def bare_endpoint(folder: Path) -> Iterator[int]:
    """The port of the baseline."""
    with bind("127.0.0.1", 0) as reserved:
        port = int(reserved.getsockname()[1])
        environment = {**os.environ, "BARE_DATABASE": str(folder / "bare.db"), "PYTHONPATH": str(PROJECT)}
        # Started in another folder, where gunicorn finds no gunicorn.conf.py.
        process = subprocess.Popen(
            [*plain_gunicorn(8), "--bind", f"127.0.0.1:{port}", "benchmarks.bare:app"], cwd=folder, env=environment
        )
        try:
            until(lambda: _listens(port))
            yield port
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def side_by_side(
    ours: int, bare: int, clients: int, rounds: int, seconds: float
) -> tuple[list[Answers], list[Answers]]:
    """The rounds of both, measured in turn, after one that warms up."""
    post(bare, f"warm-{clients}", clients=clients, seconds=0.5)
    post(ours, f"warm-{clients}", clients=clients, seconds=0.5)
    seen: tuple[list[Answers], list[Answers]] = ([], [])
    for number in range(rounds):
        for port, answers in zip((ours, bare), seen, strict=True):
            answers.append(post(port, f"{clients}-{number}", clients=clients, seconds=seconds))
    return seen


def rate(rounds: Sequence[Answers]) -> float:
    """Answers a second, the median of the rounds."""
    return statistics.median(each.rate for each in rounds)


def median_ms(rounds: Sequence[Answers]) -> float:
    """The median of the rounds' medians."""
    return statistics.median(each.median_ms for each in rounds)


def together(rounds: Sequence[Answers]) -> Answers:
    """All rounds as one."""
    return sum(rounds, Answers())
