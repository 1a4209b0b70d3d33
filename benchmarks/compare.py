"""The service side by side with the plain synchronous design, against the same simulated systems.

`python -m benchmarks.compare [--quick]` runs the service (with the default of orders in PowerCode at a time, and with
as many as the other has threads) and `benchmarks.synchronous`, each under gunicorn with one worker and 16 threads.
UTOPIA and PowerCode take 0, 50 and 100 ms a call; the mail server answers at once. At each of these:

- one client posts callbacks, to the three in turn, several rounds: milliseconds to an answer;
- 16 clients post a burst of orders, with everything started anew for each of the three: answers a second, and orders a
  second, from the first callback until the last account is complete in PowerCode.

The last lines tell what was left in PowerCode after each callback of a burst was sent twice at the same instant. Only
ratios within a run mean anything. Exits with 1 when a promise is not kept.
"""

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path

from benchmarks import synchronous
from benchmarks.accounts import NEVER, add_orders, calls_of, left_behind, set_latency, settled
from benchmarks.load import Answers, post_each, post_twice
from benchmarks.running import settings_for
from sandbox.process import SandboxProcess
from tests.tools.processes import ServiceProcess

LATENCIES_MS = (0, 50, 100)
FASTER_FROM_MS = 50
TWICE_AT_MS = 50
CLIENTS = 16
WARM_UP = 2

Send = Callable[[int, Sequence[str]], Answers]


@dataclass(frozen=True)
class Sizes:
    """How much is measured: rounds of one client with so many callbacks each, and orders in the bursts."""

    rounds: int
    callbacks: int
    orders: int
    orders_twice: int


FULL = Sizes(rounds=3, callbacks=20, orders=500, orders_twice=100)
QUICK = Sizes(rounds=2, callbacks=6, orders=100, orders_twice=30)


@dataclass(frozen=True)
class Design:
    """What is measured: `concurrency` orders of the service in PowerCode at a time; None: the synchronous design."""

    name: str
    concurrency: int | None

    @contextmanager
    def serving(self, sandbox: SandboxProcess, folder: Path) -> Iterator[int]:
        """The port where it takes callbacks."""
        own = folder / f"{self.concurrency}"
        own.mkdir()
        if self.concurrency is None:
            with synchronous.serving(settings_for(sandbox, own), own) as port:
                yield port
        else:
            settings = settings_for(sandbox, own, powercode_concurrency=self.concurrency)
            with ServiceProcess(settings, own) as service:
                service.start()
                yield service.port


PLAIN = Design("synchronous", None)
SERVICES = tuple(Design(f"service, {number} at a time", number) for number in (4, synchronous.THREADS))
DESIGNS = (*SERVICES, PLAIN)


@dataclass(frozen=True)
class Measured:
    """What one design did at one latency: the answers to one client and to a burst, whole accounts a second in the
    burst, and what it left behind.
    """

    one: Answers
    burst: Answers
    orders_rate: float
    left: Counter[str]

    @property
    def figures(self) -> tuple[float, float, float, float, float]:
        """Median and p99 for one client, answers a second and median in the burst, orders a second."""
        return (self.one.median_ms, self.one.p99_ms, self.burst.rate, self.burst.median_ms, self.orders_rate)

    def times_as_fast(self, other: "Measured") -> list[float]:
        """Each figure as a ratio: above 1 where this one is faster than the other."""
        are_rates = (False, False, True, False, True)
        pairs = zip(are_rates, self.figures, other.figures, strict=True)
        return [mine / theirs if is_rate else theirs / mine for is_rate, mine, theirs in pairs]


# Measuring


def one_client(milliseconds: int, rounds: int, callbacks: int) -> dict[Design, Answers]:
    """The answers of each design to one client, in turn; a short round before them warms up."""
    answers = {design: Answers() for design in DESIGNS}
    with tempfile.TemporaryDirectory() as folder, SandboxProcess() as sandbox, ExitStack() as stack:
        ports = {design: stack.enter_context(design.serving(sandbox, Path(folder))) for design in DESIGNS}
        set_latency(sandbox.control, milliseconds)
        numbers = count()
        for amount in [WARM_UP, *[callbacks] * rounds]:
            for design, port in ports.items():
                orderrefs = add_orders(sandbox.control, islice(numbers, amount))
                through = calls_of(sandbox.control).and_orders(amount)
                seen = post_each(port, orderrefs, clients=1)
                settled(sandbox.control, replace(through, tags=math.inf))
                answers[design] += Answers() if amount == WARM_UP else seen
    return answers


def burst(design: Design, milliseconds: int, orders: int, send: Send) -> tuple[Answers, float, Counter[str]]:
    """The answers, whole accounts a second, and what was left behind; everything is started anew."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxProcess() as sandbox,
        design.serving(sandbox, Path(folder)) as port,
    ):
        control = sandbox.control
        send(port, add_orders(control, range(orders, orders + WARM_UP)))
        settled(control, NEVER)
        orderrefs, through = add_orders(control, range(orders)), calls_of(control).and_orders(orders)
        set_latency(control, milliseconds)
        began = time.perf_counter()
        answers = send(port, orderrefs)
        seconds = settled(control, replace(through, total=math.inf)) - began
        settled(control, NEVER)
        left = left_behind(control.state(), orderrefs)
        return answers, left["whole"] / seconds, left


def measured_at(milliseconds: int, sizes: Sizes) -> dict[Design, Measured]:
    """All that is measured at one latency."""
    one = one_client(milliseconds, sizes.rounds, sizes.callbacks)
    once = partial(post_each, clients=CLIENTS)
    return {each: Measured(one[each], *burst(each, milliseconds, sizes.orders, once)) for each in DESIGNS}


def sent_twice(orders: int) -> dict[Design, Counter[str]]:
    """What each design leaves behind when every callback comes twice at the same instant."""
    twice = partial(post_twice, pairs=CLIENTS // 2)
    return {each: burst(each, TWICE_AT_MS, orders, twice)[2] for each in DESIGNS}


# Telling

HEAD = """\
                                         one client          {clients} clients post {orders} orders
                                      median, ms   p99, ms   answers/s  median, ms  orders/s  other than 200"""


def lines_of(milliseconds: int, measured: Mapping[Design, Measured]) -> Iterator[str]:
    """The table's lines for one latency: the figures of each design, then the service's as ratios."""
    for design, each in measured.items():
        yield _line(f"{milliseconds} ms", design.name, each.figures, ".1f") + f"{each.burst.other_than_200:>16}"
    for design in SERVICES:
        ratios = measured[design].times_as_fast(measured[PLAIN])
        yield _line("", f"ratio: {design.name}", ratios, ".2f")


def _line(latency: str, name: str, figures: Iterable[float], form: str) -> str:
    columns = zip(figures, (10, 10, 12, 12, 10), strict=True)
    return f"{latency:<8}{name:<30}" + "".join(f"{figure:>{width},{form}}" for figure, width in columns)


def main() -> None:
    """Measure, print, and exit with 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(description="The service side by side with the plain synchronous design")
    parser.add_argument("--quick", action="store_true", help="smaller bursts and shorter rounds")
    sizes = QUICK if parser.parse_args().quick else FULL
    print(HEAD.format(clients=CLIENTS, orders=sizes.orders), flush=True)
    measured = {}
    for milliseconds in LATENCIES_MS:
        measured[milliseconds] = measured_at(milliseconds, sizes)
        print("\n".join(lines_of(milliseconds, measured[milliseconds])), flush=True)
    print(
        f"a ratio above 1: the service is faster\n{sizes.orders_twice} orders at {TWICE_AT_MS} ms, each callback twice"
    )
    twice = sent_twice(sizes.orders_twice)
    for design, left in twice.items():
        print(f"        {design.name:<30}" + ", ".join(f"{number} {how}" for how, number in left.most_common()))
    sys.exit(_judge(measured, twice))


def _judge(measured: Mapping[int, Mapping[Design, Measured]], twice: Mapping[Design, Counter[str]]) -> int:
    promises = []
    for milliseconds, (design, each) in ((ms, pair) for ms, all_ in measured.items() for pair in all_.items()):
        if design is not PLAIN and milliseconds >= FASTER_FROM_MS:
            ratio = each.times_as_fast(measured[milliseconds][PLAIN])[0]
            words = f"at {milliseconds} ms, {design.name}: acknowledges {ratio:.1f} times as fast, promised > 1"
            promises.append((ratio > 1, words))
    for design in SERVICES:
        left = sum((each[design].left for each in measured.values()), twice[design])
        orders = left.total()
        words = f"{design.name}: {left['whole']} of {orders} orders once and whole, promised all"
        promises.append((left["whole"] == orders, words))
    for kept, words in promises:
        print(f"{'kept    ' if kept else 'NOT KEPT'}  {words}")
    return 0 if all(kept for kept, _ in promises) else 1


if __name__ == "__main__":
    main()
