"""How fast callbacks are taken while UTOPIA and PowerCode hang, next to a bare endpoint that commits one row.

`python -m benchmarks.callbacks [--quick]` runs the service and the bare endpoint under the same gunicorn settings (one
worker, 8 threads) and lets clients post new orders to them in turn, several rounds each. All rounds together are
shorter than READ_TIMEOUT_SECONDS: the systems hang all the time. Rates and medians are the medians of the rounds, p99
is over all rounds. Exits with 1 when a promise is not kept.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.load import Answers, post
from benchmarks.running import settings_with
from config import PROJECT
from sandbox.listener import bind
from tests.tools.processes import ServiceProcess

CLIENTS = 16
MEDIAN_MS = 10.0
P99_MS = 100.0
SHARE_OF_BARE = 0.5

BARE = (
    *(sys.executable, "-m", "gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "8"),
    *("--keep-alive", "5", "--backlog", "1024", "--log-level", "warning", "--no-control-socket", "benchmarks.bare:app"),
)


@contextmanager
def hanging() -> Iterator[str]:
    """The address of a system that takes connections and never answers."""
    with bind("127.0.0.1", 0) as listening:
        listening.listen(socket.SOMAXCONN)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def bare_endpoint(folder: Path) -> Iterator[int]:
    """The port of the yardstick."""
    with bind("127.0.0.1", 0) as reserved:
        port = int(reserved.getsockname()[1])
        environment = {**os.environ, "BARE_DATABASE": str(folder / "bare.db"), "PYTHONPATH": str(PROJECT)}
        # Started in another folder, where gunicorn finds no gunicorn.conf.py.
        process = subprocess.Popen([*BARE, "--bind", f"127.0.0.1:{port}"], cwd=folder, env=environment)
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the bare endpoint did not start")


def compare(ours: int, bare: int, clients: int, rounds: int, seconds: float) -> tuple[list[Answers], list[Answers]]:
    """The rounds of both, measured in turn, after one that warms up."""
    post(bare, f"warm-{clients}", clients=clients, seconds=0.5)
    post(ours, f"warm-{clients}", clients=clients, seconds=0.5)
    seen: tuple[list[Answers], list[Answers]] = ([], [])
    for number in range(rounds):
        for port, answers in zip((ours, bare), seen, strict=True):
            answers.append(post(port, f"{clients}-{number}", clients=clients, seconds=seconds))
    return seen


def summary(name: str, clients: int, rounds: Sequence[Answers]) -> str:
    """A line of the table."""
    whole = sum(rounds, Answers())
    return (
        f"{name:<10}{clients:>8}{_rate(rounds):>11,.0f}{_median_ms(rounds):>12.2f}{whole.p99_ms:>10.2f}"
        f"{1000 * max(whole.latencies):>10.1f}{len(whole.latencies):>10,}{whole.other_than_200:>16}"
    )


def _rate(rounds: Sequence[Answers]) -> float:
    return statistics.median(each.rate for each in rounds)


def _median_ms(rounds: Sequence[Answers]) -> float:
    return statistics.median(each.median_ms for each in rounds)


def main() -> None:
    """Measure, print, and exit with 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(description="How fast callbacks are taken while UTOPIA and PowerCode hang")
    parser.add_argument("--quick", action="store_true", help="shorter rounds")
    rounds, seconds = (3, 0.8) if parser.parse_args().quick else (5, 1.2)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        utopia, powercode = stack.enter_context(hanging()), stack.enter_context(hanging())
        settings = settings_with(folder, utopia_url_endpoint=utopia, pc_url=powercode)
        service = stack.enter_context(ServiceProcess(settings, folder))
        service.start()
        bare = stack.enter_context(bare_endpoint(folder))
        print("           clients  answers/s  median, ms   p99, ms   max, ms   answers  other than 200")
        one = compare(service.port, bare, 1, rounds, seconds)
        many = compare(service.port, bare, CLIENTS, rounds, seconds)
        for clients, (ours, yardstick) in ((1, one), (CLIENTS, many)):
            print(summary("service", clients, ours))
            print(summary("bare", clients, yardstick), flush=True)
    sys.exit(_judge(one[0], *many))


def _judge(one: Sequence[Answers], many: Sequence[Answers], bare: Sequence[Answers]) -> int:
    share = _rate(many) / _rate(bare)
    whole = sum(many, Answers())
    refused = whole.other_than_200 + sum(one, Answers()).other_than_200
    promises = [
        (_median_ms(one) < MEDIAN_MS, f"median for one client {_median_ms(one):.2f} ms, promised < {MEDIAN_MS:g} ms"),
        (share >= SHARE_OF_BARE, f"{share:.2f} of the bare endpoint's rate, promised >= {SHARE_OF_BARE:g}"),
        (whole.p99_ms < P99_MS, f"p99 of {CLIENTS} clients {whole.p99_ms:.1f} ms, promised < {P99_MS:g} ms"),
        (refused == 0, f"{refused} answers other than 200, promised 0"),
    ]
    for kept, words in promises:
        print(f"{'kept    ' if kept else 'NOT KEPT'}  {words}")
    return 0 if all(kept for kept, _ in promises) else 1


if __name__ == "__main__":
    main()
