"""What the parts of the service share in one process; built once by `create_app`."""

from dataclasses import dataclass

from flask import Flask

from app.durable.work_queue import WorkQueue
from app.observability import Metrics
from app.remote import breaker, exchanges
from app.remote.mail import Mailer
from app.storage.database import Database
from app.version import COMMIT, VERSION
from config import Settings
from powercode import PowerCodeClient
from utopia import UtopiaClient
from wire import Limits, Observation, Observer

DEADLINE_OVER_READ_SECONDS = 10.0
"""How much longer than one pause between packets a whole call may take."""


@dataclass(frozen=True)
class Services:
    """Settings, database, queue, remote systems, mail, metrics, and what waits for a system that is down."""

    settings: Settings
    database: Database
    work_queue: WorkQueue
    utopia: UtopiaClient
    powercode: PowerCodeClient
    mailer: Mailer
    metrics: Metrics
    demand: breaker.Demand


def build(app: Flask, settings: Settings) -> Services:
    """The services of one process; connects nowhere yet."""
    metrics = Metrics(version=VERSION, commit=COMMIT or "unknown")
    database = Database(settings.database_url)
    return Services(
        settings=settings,
        database=database,
        work_queue=WorkQueue(database),
        utopia=_utopia(settings, metrics),
        powercode=_powercode(settings, metrics),
        mailer=Mailer(app, settings),
        metrics=metrics,
        demand=breaker.Demand(),
    )


def services_of(app: Flask) -> Services:
    """The services that `create_app` attached to the application."""
    services: Services = app.extensions["services"]
    return services


def _observer(metrics: Metrics) -> Observer:
    def observe(seen: Observation) -> None:
        metrics.remote_call(seen.system, seen.action, seen.outcome, seen.seconds)
        exchanges.note(seen)

    return observe


def _utopia(settings: Settings, metrics: Metrics) -> UtopiaClient:
    return UtopiaClient(
        settings.utopia_url_endpoint,
        settings.utopia_api_key.get_secret_value(),
        observe=_observer(metrics),
        **_limits(settings),
    )


def _powercode(settings: Settings, metrics: Metrics) -> PowerCodeClient:
    verify = settings.pc_verify_ssl
    return PowerCodeClient(
        settings.pc_url_api,
        settings.pc_url_uapi,
        settings.pc_api_key.get_secret_value(),
        verify=verify if isinstance(verify, bool) else str(verify),
        observe=_observer(metrics),
        **_limits(settings),
    )


def _limits(settings: Settings) -> Limits:
    return {
        "connect_timeout": settings.connect_timeout_seconds,
        "read_timeout": settings.read_timeout_seconds,
        "deadline": settings.read_timeout_seconds + DEADLINE_OVER_READ_SECONDS,
        "pool_size": max(settings.powercode_concurrency, 8),
    }
