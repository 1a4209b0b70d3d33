"""The old script's `.env`, name by name: what is kept, what becomes another setting, and what is not needed any more.

Nothing is written: docs/switching.md says how to copy the file. Values are shown as on the console's settings page,
which shows no secrets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import env_file
from app.provisioning.plans.mapping import plan_key
from app.setup.legacy.findings import Became, Entry, NotReadable, text_of
from app.setup.settings_overview import shown_value
from config import REQUIRED, Settings, SettingsError, load_settings
from config_values import OLD_PLANS


@dataclass(frozen=True)
class OldPlan:
    """A setting of the old script that names a service; `number` was its default."""

    description: str
    setting: str
    number: int


BUILT_IN = {"service_plan_1gbps_id": 164, "service_plan_250mbps_id": 163, "service_plan_bond_fee_id": 172}
PLANS: Mapping[str, OldPlan] = {
    name.upper(): OldPlan(plan, mapping.upper(), BUILT_IN[name]) for name, (mapping, plan) in OLD_PLANS.items()
}
TOGETHER = (("admin_user", "admin_pass", "admin_pass_hash"), ("mail_username", "mail_password"))
"""Settings that are valid only together."""
GONE: Mapping[str, str] = {
    "PC_ADDRESS_RANGE_V4": "it had no part in an order",
    "TICKET_TEMPLATE_META_FILE": "a text's name comes from the .meta.json file beside it",
}


def values_in(folder: Path) -> dict[str, str]:
    """The values in the folder's `.env`; empty when there is no readable file."""
    try:
        values = env_file.parse(text_of(folder / ".env")).values
    except (NotReadable, FileNotFoundError):
        return {}
    return {name.upper(): value for name, value in values.items() if value}


def compare(text: str, running: Settings) -> Iterator[Entry]:
    """Compare each line of a `.env` with the running settings; also, which required settings it lacks."""
    written = env_file.parse(text)
    for line in written.faults:
        yield Entry(f"line {line.number}", Became.NOT_TAKEN, f"it {line.words}")
    there = {name.lower(): value for name, value in written.values.items()}
    needed = list(_missing({name.upper(): value for name, value in written.values.items()}, running))
    told = {entry.subject for entry in needed}
    yield from (_named(name, there, running) for name in written.values if name.upper() not in told)
    yield from needed


def _named(name: str, there: Mapping[str, str], running: Settings) -> Entry:
    value = there[name.lower()]
    if name.upper() in PLANS:
        return _plan(name.upper(), value, running)
    if name.upper() in GONE:
        return Entry(name.upper(), Became.UNUSED, GONE[name.upper()])
    if name.lower() not in Settings.model_fields:
        return Entry.about(name, Became.UNUSED, "there is no setting of that name (its value is not shown)")
    if not value:
        return Entry(name.upper(), Became.AS_IT_IS, "it has no value there")
    return _compared(name.lower(), there, running)


def _plan(name: str, value: str, running: Settings) -> Entry:
    plan = PLANS[name]
    if not value.isdecimal():
        return Entry(name, Became.ANEW, f"its value there is no number of a service; the old script took {plan.number}")
    return Entry(name, Became.STANDS_FOR, f"“{plan.description}” in {plan.setting}: {_beside(plan, value, running)}")


def _beside(plan: OldPlan, value: str, running: Settings) -> str:
    here = service_of(plan, running)
    if here == int(value):
        return f"service {here}, the same here"
    return f"there {int(value)}, here {'none' if here is None else here}"


def service_of(plan: OldPlan, running: Settings) -> int | None:
    """The service that the running settings name for the plan."""
    mapping: Mapping[str, int] = getattr(running, plan.setting.lower())
    return {plan_key(name): service for name, service in mapping.items()}.get(plan_key(plan.description))


def _compared(field: str, there: Mapping[str, str], running: Settings) -> Entry:
    name, ours = field.upper(), getattr(running, field)
    together = next((names for names in TOGETHER if field in names), (field,))
    try:
        theirs = getattr(load_settings(**dict(running) | {each: there.get(each) or None for each in together}), field)
    except SettingsError as error:
        fault = next((line for line in error.faults if line.startswith(f"{name}:")), None)
        if fault is None:
            return Entry(name, Became.AS_IT_IS, "it is set there; see the settings beside it")
        words = fault.partition(": ")[2].rstrip(".")
        return Entry(name, Became.ANEW, f"its value there can't be used here: {words}")
    if theirs == ours:
        return Entry(name, Became.AS_IT_IS, "the same value here")
    theirs_shown, ours_shown = shown_value(name, theirs), shown_value(name, ours)
    says = f"there {theirs_shown}, here {ours_shown}" if theirs_shown != ours_shown else "another value (not shown)"
    return Entry(name, Became.AS_IT_IS, f"differs so far: {says}")


def _missing(there: Mapping[str, str], running: Settings) -> Iterator[Entry]:
    """Settings that are required here and that the file lacks, or gives no value."""
    given = {name for name, value in there.items() if value}
    for field, what in REQUIRED.items():
        if field.upper() not in given and field.upper() not in {plan.setting for plan in PLANS.values()}:
            yield Entry(field.upper(), Became.ANEW, f"{_absent(field.upper(), there)}, and set here: {what}")
    for name, plan in PLANS.items():
        if name not in given and plan.setting not in given and service_of(plan, running) != plan.number:
            why = f"{_absent(name, there)}, so the old script took {plan.number}. No number is built in here"
            yield Entry(name, Became.ANEW, f"{why}: write {name}={plan.number}, or {plan.setting}")


def _absent(name: str, there: Mapping[str, str]) -> str:
    return "it has no value in that file" if name in there else "it is not in that file"
