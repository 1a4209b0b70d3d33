"""The old script's `.env`, compared with the settings that run. Nothing of it is written anywhere.

The names are the same, so the way to take it over is to copy the file (README, "Coming from the old scripts"). What is
shown of a value is what the console's page of settings shows of it, which is never a secret.
"""

from collections.abc import Iterator
from typing import Any

import env_file
from app.legacy.findings import Became, Entry
from app.settings_overview import shown_value
from config import Settings, SettingsError, load_settings


def compare(text: str, running: Settings) -> Iterator[Entry]:
    """What each line of a `.env` says, beside what runs."""
    written = env_file.parse(text)
    for line in written.faults:
        yield Entry(f"line {line.number}", Became.LEFT_OUT, f"it {line.words}")
    for name, value in written.values.items():
        if name.lower() not in Settings.model_fields:
            yield Entry.about(name, Became.NOTED, "there is no setting of that name (its value is not shown)")
        elif not value:
            yield Entry(name.upper(), Became.NOTED, "it has no value there")
        else:
            yield _compared(name.lower(), value, running)


def _compared(field: str, value: str, running: Settings) -> Entry:
    name, ours = field.upper(), getattr(running, field)
    try:
        theirs = getattr(load_settings(**{**_all(running), field: value}), field)
    except SettingsError as error:
        fault = next((line for line in error.faults if line.startswith(f"{name}:")), None)
        return (
            _unusable(name, fault)
            if fault
            else Entry(name, Became.NOTED, "it is set there; see the settings beside it")
        )
    if theirs == ours:
        return Entry(name, Became.HERE, "the same value")
    there, here = shown_value(name, theirs), shown_value(name, ours)
    says = f"there {there}, here {here}" if there != here else "another value (not shown)"
    return Entry(name, Became.NOTED, f"differs: {says}")


def _unusable(name: str, fault: str) -> Entry:
    return Entry(name, Became.NOTED, f"its value there can't be used here: {fault.partition(': ')[2].rstrip('.')}")


def _all(running: Settings) -> dict[str, Any]:
    """Every setting that runs; the one that is compared comes over it."""
    return {name: getattr(running, name) for name in Settings.model_fields}
