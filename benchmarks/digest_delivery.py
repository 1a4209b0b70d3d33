"""How long a digest for many customers takes, through a mail webhook that needs 50 ms for each batch.

`python -m benchmarks.digest_delivery [--quick]` prints the seconds for reading and planning, for delivery, and in all,
next to what the webhook alone takes. Exits with 1 when the whole takes longer than promised.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import select

from app import create_app
from app.digest import ledger, run_starts
from app.models import DigestRun, MessageState, RunState
from app.running.background import Background
from app.services import Services, services_of
from app.setup import database_upgrade
from benchmarks.running import settings_with
from benchmarks.soak_digest import write_report
from sandbox.webhook import Webhook
from tests.tools.processes import until

CUSTOMERS, QUICK_CUSTOMERS = 5_000, 500
WEBHOOK_SECONDS = 0.05
PROMISED_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.1


def measure(services: Services) -> tuple[float, float]:
    """Seconds from the start of a run until it is planned, and from then until it is completed."""
    began = time.monotonic()
    run_id = run_starts.start(services, key="benchmark", started_by="benchmark")

    def run() -> DigestRun:
        with services.database.read() as session:
            return session.scalars(select(DigestRun).filter_by(id=run_id)).one()

    while not run().planned:
        time.sleep(LOOK_EVERY_SECONDS)
    planned = time.monotonic()
    while run().state == RunState.RUNNING:
        time.sleep(LOOK_EVERY_SECONDS)
    return planned - began, time.monotonic() - planned


def accepted(services: Services) -> int:
    """How many customers were told, by the ledger."""
    with services.database.read() as session:
        return ledger.counts(session, 1)[MessageState.ACCEPTED]


def main() -> None:
    """Measure, print, and exit with 1 when the promise is not kept."""
    parser = argparse.ArgumentParser(description="How long a digest for 5,000 customers takes")
    parser.add_argument("--quick", action="store_true", help="500 customers")
    customers = QUICK_CUSTOMERS if parser.parse_args().quick else CUSTOMERS
    webhook = Webhook()
    webhook.latency = WEBHOOK_SECONDS
    webhook.up()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = settings_with(
            folder,
            report_source=f"file:{folder}/weekly.csv",
            digest_webhook_url=webhook.post_url,
        )
        write_report(folder / "weekly.csv", customers, settings)
        services = services_of(create_app(settings))
        database_upgrade.upgrade(services.database, settings)
        background = Background(services)
        background.start()
        until(lambda: background.executing)
        planning, delivery = measure(services)
        background.stop()
        told = accepted(services)
        services.database.dispose()
    webhook.stop()
    alone = len(webhook.posts) * WEBHOOK_SECONDS
    print(f"{customers:,} customers in {len(webhook.posts)} batches of {settings.digest_batch_size}")
    print(f"planning  {planning:6.2f} s")
    print(f"delivery  {delivery:6.2f} s, of which the webhook takes {alone:.2f} s")
    total, kept = planning + delivery, planning + delivery < PROMISED_SECONDS and told == customers
    print(f"total     {total:6.2f} s, {told:,} customers told; promised < {PROMISED_SECONDS:g} s")
    print("kept" if kept else "NOT KEPT")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
