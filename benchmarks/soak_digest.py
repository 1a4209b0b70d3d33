"""A digest whose process is killed again and again: who got no message, and who got two?

`python -m benchmarks.soak_digest [--customers N] [--kills N] [--seed N]` starts one run over a report of made-up
customers under gunicorn, sends SIGKILL to the service at random moments (while it starts, plans, waits for the
webhook, records an answer), starts it again each time, and counts what came out. Exits with 1 when a customer got two
messages, is missing, or more outcomes are unknown than one batch a kill.
"""

import argparse
import csv
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import func, select

from app import create_app
from app.digest import run_starts
from app.digest.report.columns import HEADINGS
from app.models import DigestMessage, DigestRun, MessageState, RunState
from app.services import services_of
from app.setup import database_upgrade
from app.storage.database import Database
from benchmarks.running import settings_for
from config import Settings
from sandbox import Sandbox
from tests.tools.processes import ServiceProcess, until

BATCH = 5
LATENCY_SECONDS = 0.15
LONGEST_START_SECONDS = 2.5
MOST_CALLS_A_LIFE = 4
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Outcome:
    """What came out of a run: customers by what became of them, and the kills that it went through."""

    customers: int
    kills: int
    batch: int
    mailed: int
    twice: int
    accepted: int
    unknown: int
    accepted_but_not_mailed: int
    missing: int

    @property
    def faults(self) -> list[str]:
        """The broken promises."""
        broken = {
            f"{self.twice} customers got two messages": self.twice,
            f"{self.missing} customers were forgotten": self.missing,
            f"{self.accepted_but_not_mailed} customers are noted as told and were not": self.accepted_but_not_mailed,
            f"{self.unknown} outcomes are unknown after {self.kills} kills": self.unknown > self.kills * self.batch,
        }
        return [fault for fault, is_broken in broken.items() if is_broken]


class KilledDigest:
    """A run of the digest in a process that can be killed, with a webhook that outlives it."""

    def __init__(self, folder: Path, customers: int, *, batch: int = BATCH, latency: float = LATENCY_SECONDS) -> None:
        self.customers = customers
        self.batch = batch
        self.kills = 0
        self._stack = ExitStack()
        self.sandbox = self._stack.enter_context(Sandbox())
        self.webhook = self.sandbox.webhook
        self.webhook.latency = latency
        self.settings = settings_for(
            self.sandbox,
            folder,
            report_source=f"file:{folder}/weekly.csv",
            digest_webhook_url=self.webhook.post_url,
            digest_batch_size=batch,
            retry_minutes="0.005",
        )
        write_report(folder / "weekly.csv", customers, self.settings)
        self.database = Database(self.settings.database_url)
        database_upgrade.upgrade(self.database, self.settings)
        self.service = self._stack.enter_context(ServiceProcess(self.settings, folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()
        self.database.dispose()

    def order_run(self) -> None:
        """Start the run, as a command does with `--no-wait`; the service executes it."""
        services = services_of(create_app(self.settings))
        run_starts.start(services, key="soak", started_by="soak")
        services.database.dispose()

    def kill(self) -> None:
        """SIGKILL, without warning."""
        self.service.kill()
        self.kills += 1

    @property
    def over(self) -> bool:
        """Whether the run is completed."""
        with self.database.read() as session:
            return session.scalar(select(DigestRun.state)) == RunState.COMPLETED

    @property
    def planned(self) -> int:
        """How many messages the ledger has."""
        with self.database.read() as session:
            return session.scalar(select(func.count(DigestMessage.id))) or 0

    def outcome(self) -> Outcome:
        """What came out, by the webhook's count and by the ledger's."""
        mailed = Counter(mail.to for mail in self.webhook.messages)
        with self.database.read() as session:
            rows = session.execute(select(DigestMessage.email, DigestMessage.state)).all()
        accepted = {email for email, state in rows if state == MessageState.ACCEPTED}
        unknown = {email for email, state in rows if state == MessageState.UNKNOWN}
        return Outcome(
            customers=self.customers,
            kills=self.kills,
            batch=self.batch,
            mailed=len(mailed),
            twice=sum(count > 1 for count in mailed.values()) + len(rows) - len({email for email, _ in rows}),
            accepted=len(accepted),
            unknown=len(unknown),
            accepted_but_not_mailed=len(accepted - set(mailed)),
            missing=self.customers - len(accepted | unknown),
        )


def write_report(path: Path, customers: int, settings: Settings) -> None:
    """A closed ticket for each of so many customers."""
    yesterday = datetime.now(settings.zone) - timedelta(days=1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for number in range(customers):
            email = f"customer{number:05}@example.com"
            writer.writerow(["Ada", "Lind", email, f"TM-{number}", "Closed", f"{yesterday:%d/%m/%Y}"])


def live_for_a_while(digest: KilledDigest, dice: random.Random) -> None:
    """Start the service and return at a random moment: while it starts, or after some calls, in the middle of one."""
    before, calls = digest.webhook.count("post"), dice.randint(0, MOST_CALLS_A_LIFE)
    digest.service.start(wait=False)
    if calls == 0:
        time.sleep(dice.uniform(0, LONGEST_START_SECONDS))
        return
    until(lambda: digest.webhook.count("post") >= before + calls or digest.over, PATIENCE_SECONDS)
    time.sleep(dice.uniform(0, LATENCY_SECONDS * 1.2))


def soak(folder: Path, customers: int, kills: int, dice: random.Random) -> Outcome:
    """One run that goes through so many kills."""
    with KilledDigest(folder, customers) as digest:
        digest.order_run()
        for number in range(kills):
            live_for_a_while(digest, dice)
            digest.kill()
            print(f"kill {number + 1:>3}: {len(digest.webhook.messages):>5} of {customers} mailed", flush=True)
        digest.service.start()
        until(lambda: digest.over, PATIENCE_SECONDS)
        return digest.outcome()


def main() -> None:
    """Run, print the counts, and exit with 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description="Kills the digest's process at random moments and counts messages")
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="the same seed, the same moments")
    options: Any = parser.parse_args()
    print(f"seed {options.seed}: {options.customers} customers in batches of {BATCH}, {options.kills} kills")
    with tempfile.TemporaryDirectory() as folder:
        outcome = soak(Path(folder), options.customers, options.kills, random.Random(options.seed))
    print(f"customers mailed {outcome.mailed}, mailed twice {outcome.twice}, missing {outcome.missing}")
    print(f"ledger: accepted {outcome.accepted}, unknown {outcome.unknown} (at most {outcome.kills * outcome.batch})")
    for fault in outcome.faults:
        print(f"BROKEN: {fault}")
    sys.exit(1 if outcome.faults else 0)


if __name__ == "__main__":
    main()
