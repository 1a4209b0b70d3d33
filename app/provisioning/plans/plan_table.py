"""Which PowerCode service a plan is sold as: a table that starts from the settings and is kept by staff."""

from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app.models import ServicePlanMapping
from app.provisioning.plans.mapping import plan_key, same_service
from app.storage.database import connection_of
from config import Settings

LONGEST_DESCRIPTION = 190
MAPPINGS = ServicePlanMapping.__table__
BY_DESCRIPTION = select(MAPPINGS.c.description, MAPPINGS.c.service_id, MAPPINGS.c.additional).order_by(
    MAPPINGS.c.description
)
"""Built once, and on the table: each order reads it."""


@dataclass(frozen=True)
class PlanTable:
    """Service ids by description: of the plans that can be ordered, and of those that every new account gets."""

    plans: dict[str, int]
    additional: dict[str, int]

    def names_of(self, service_id: int, *, apart_from: str = "") -> list[str]:
        """The plans that are sold as the service, apart from one."""
        return same_service(apart_from, service_id, {**self.plans, **self.additional})


def plan_table(session: Session) -> PlanTable:
    """The table as it stands."""
    rows = connection_of(session).execute(BY_DESCRIPTION).all()
    return PlanTable(
        plans={row.description: row.service_id for row in rows if not row.additional},
        additional={row.description: row.service_id for row in rows if row.additional},
    )


def seed(session: Session, settings: Settings) -> None:
    """Add the settings' plans that the table doesn't know; what staff changed stays."""
    for additional, mapping in (
        (False, settings.service_plan_mapping),
        (True, settings.additional_service_plan_mapping),
    ):
        for description, service_id in mapping.items():
            if session.get(ServicePlanMapping, _key(description, additional)) is None:
                map_plan(session, description, service_id, additional=additional)


@dataclass(frozen=True)
class PlanDifference:
    """A plan whose service in the table differs from `wanted`, that of `setting` (None: the setting lacks the plan)."""

    description: str
    service_id: int
    setting: str
    wanted: int | None


def differing(session: Session, settings: Settings) -> list[PlanDifference]:
    """Where table and settings differ: at a start, only plans that the table lacks are added from the settings."""
    table = plan_table(session)
    pairs = (
        ("SERVICE_PLAN_MAPPING", settings.service_plan_mapping, table.plans),
        ("ADDITIONAL_SERVICE_PLAN_MAPPING", settings.additional_service_plan_mapping, table.additional),
    )
    found = []
    for name, wanted, mapped in pairs:
        keys = {plan_key(description): service_id for description, service_id in wanted.items()}
        for description, service_id in mapped.items():
            setting = keys.get(plan_key(description))
            if setting != service_id:
                found.append(PlanDifference(description, service_id, name, setting))
    return found


def differences(session: Session, settings: Settings) -> list[str]:
    """What differs from the settings, a sentence each for whoever keeps the server."""
    return [
        f'"{one.description}" is sold as service {one.service_id}, and {one.setting} has '
        f"{one.wanted or 'no such plan'}: the table counts; change it with `plans map` and `plans unmap`"
        for one in differing(session, settings)
    ]


def lock(session: Session) -> None:
    """Lock the table against changes until the transaction ends; reading goes on. SQLite has one writer anyway."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text(f"LOCK TABLE {ServicePlanMapping.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))


def service_of(session: Session, description: str, *, additional: bool = False) -> int | None:
    """The service that a description is sold as; None when it is not in the table."""
    row = session.get(ServicePlanMapping, _key(description, additional), populate_existing=True)
    return row.service_id if row else None


def clash(session: Session, description: str, service_id: int, *, additional: bool) -> str | None:
    """Why the description can't be sold as the service; None when it can."""
    table = plan_table(session)
    names = same_service(description, service_id, table.plans if additional else table.additional)
    if not names:
        return None
    if additional:
        return f"Service {service_id} is what “{names[0]}” is sold as: it would never be billed besides the plan"
    return f"Service {service_id} is “{names[0]}”, which every new account gets: a plan would not be billed"


def can_be_mapped(description: str) -> bool:
    """Whether the description is neither empty nor longer than the table holds."""
    key = plan_key(description)
    return bool(key) and max(len(key), len(" ".join(description.split()))) <= LONGEST_DESCRIPTION


def map_plan(session: Session, description: str, service_id: int, *, additional: bool = False) -> None:
    """Sell a description as a service from now on; orders under way keep what they have."""
    row = session.get(ServicePlanMapping, _key(description, additional))
    if row is None:
        row = ServicePlanMapping(key=_key(description, additional), additional=additional)
        session.add(row)
    row.description, row.service_id = " ".join(description.split()), service_id
    session.flush()


def _key(description: str, additional: bool) -> str:
    # A plan's key has no blank, so the plan "+Bond fee" can't be taken for the additional plan "Bond fee".
    return (" " if additional else "") + plan_key(description)


def unmap_plan(session: Session, description: str, *, additional: bool = False) -> None:
    """Stop selling a description."""
    session.execute(delete(ServicePlanMapping).filter_by(key=_key(description, additional)))
