"""Which PowerCode services an order's items stand for."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from utopia import OrderItem


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """A PowerCode service to add to a customer once, whatever the order's `qty` says, and what led to it."""

    service_id: int
    description: str

    def __str__(self) -> str:
        """In words for staff: `1 Gbps (164)`."""
        return f"{self.description} ({self.service_id})"


def plans_in(account: Mapping[str, Any] | None, *kinds: str) -> list[ServicePlan]:
    """The plans that an order's row keeps: of these kinds, or those ordered and those that every new account gets."""
    kept = account or {}
    return [ServicePlan(*pair) for kind in kinds or ("plans", "additional") for pair in kept.get(kind, [])]


class PlanFault(Exception):
    """The items of an order can't be turned into services. `descriptions` are the plans' names, as ordered."""

    def __init__(self, sentence: str, descriptions: Iterable[str] = ()) -> None:
        self.descriptions = tuple(descriptions)
        names = ", ".join(f'"{name}"' if name else "an item without a description" for name in self.descriptions)
        super().__init__(f"{sentence}: {names}" if names else sentence)


class UnknownPlan(PlanFault):
    """No service is known for these descriptions. The order waits until they are in the plan table."""


def plan_key(description: str) -> str:
    """The description without blanks and case, under which a plan is known: `1 Gbps`, `1gbps` -> `1gbps`."""
    return "".join(unicodedata.normalize("NFKC", description).split()).casefold()


def match_plans(items: Iterable[OrderItem], service_plans: Mapping[str, int]) -> tuple[ServicePlan, ...]:
    """The services for the monthly (`mrc`) items, in the order's sequence, each service once.

    `service_plans` maps descriptions to PowerCode service ids. Two items that lead to the same service give one: a
    customer can have an internet service only once. One-time items are left out. Raises UnknownPlan (with every
    unknown description), and PlanFault for an order without a monthly item, and for a plan that `service_plans`
    has in two spellings with two services.
    """
    descriptions = monthly_descriptions(items)
    if not descriptions:
        raise PlanFault("the order has no monthly plan")
    services = _services_by_key(service_plans)
    _check(descriptions, services)
    return _each_service_once(ServicePlan(min(services[plan_key(name)]), name) for name in descriptions)


def monthly_descriptions(items: Iterable[OrderItem]) -> list[str]:
    """What the monthly (`mrc`) items are called, in the order's sequence, blanks collapsed."""
    monthly = [item for item in items if (item.charge_type or "").strip().casefold() == "mrc"]
    return [" ".join((item.description or "").split()) for item in monthly]


def additional_plans(ordered: Sequence[ServicePlan], additional: Mapping[str, int]) -> list[ServicePlan]:
    """What a new account gets besides the plans that were ordered, no service twice."""
    extra = (ServicePlan(service_id, description) for description, service_id in additional.items())
    return [plan for plan in _each_service_once([*ordered, *extra]) if plan not in ordered]


def check_apart(ordered: Iterable[ServicePlan], additional: Mapping[str, int]) -> None:
    """Raises PlanFault if a plan is also an additional service: it would then be billed once instead of twice."""
    for plan in ordered:
        for name in same_service(plan.description, plan.service_id, additional):
            sentence = (
                f'a plan is sold as PowerCode service {plan.service_id}, which every new account gets as "{name}"'
            )
            raise PlanFault(sentence, [plan.description])


def same_service(description: str, service_id: int, others: Mapping[str, int]) -> list[str]:
    """Those of the others that are the same service under another name."""
    key = plan_key(description)
    return [name for name, other in others.items() if other == service_id and plan_key(name) != key]


def _services_by_key(service_plans: Mapping[str, int]) -> dict[str, set[int]]:
    services: dict[str, set[int]] = {}
    for description, service_id in service_plans.items():
        services.setdefault(plan_key(description), set()).add(service_id)
    return services


def _check(descriptions: Iterable[str], services: Mapping[str, set[int]]) -> None:
    distinct = {plan_key(name): name for name in descriptions}
    unknown = [name for key, name in distinct.items() if not key or key not in services]
    if unknown:
        raise UnknownPlan("no PowerCode service is known for", unknown)
    ambiguous = [name for key, name in distinct.items() if len(services[key]) > 1]
    if ambiguous:
        raise PlanFault("more than one PowerCode service is named for", ambiguous)


def _each_service_once(plans: Iterable[ServicePlan]) -> tuple[ServicePlan, ...]:
    by_service: dict[int, ServicePlan] = {}
    for plan in plans:
        by_service.setdefault(plan.service_id, plan)
    return tuple(by_service.values())
