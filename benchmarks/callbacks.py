"""Callbacks while UTOPIA and PowerCode hang, next to a bare endpoint that commits one row; a part of `benchmarks.cost`.

The service and the bare endpoint run under the same gunicorn settings, and clients post new orders to them in turn,
several rounds. All rounds together are shorter than READ_TIMEOUT_SECONDS, so the systems hang throughout.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import Answers, post
from benchmarks.running import served, settings_with
from config import Settings
from sandbox.ports import bind

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
    with served("benchmarks.bare:app", 8, folder, {"BARE_DATABASE": str(folder / "bare.db")}) as (port, _):
        yield port


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
