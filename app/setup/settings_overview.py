"""The settings, where each comes from, and what a restart would change. No secret's value leaves this module.

The explanations and their order come from `.env.example` alone.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy import make_url

import env_file
from config import PROJECT, Settings, SettingsError, env_path, load_settings
from config_values import OLD_PLANS

GUIDE = PROJECT / ".env.example"
HIDDEN = "set, not shown"
NOT_SET = "not set"

_TITLE = re.compile(r"# -{2,} (.+?) -{2,}")
_SETTING = re.compile(r"#?([A-Z][A-Z0-9_]*)=.*")


@dataclass(frozen=True)
class Explained:
    """One or a few settings and the sentences that explain them."""

    words: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """The settings of one subject."""

    title: str
    parts: tuple[Explained, ...]


@dataclass(frozen=True)
class Shown:
    """A setting as it may be shown. `source` is environment, .env, default or last start.

    `after_restart` is its next value, or None when a restart changes nothing.
    """

    name: str
    value: str
    source: str
    after_restart: str | None = None


@dataclass(frozen=True)
class SettingsOverview:
    """Every setting by its name, the groups, and the faults with which the service would not start again."""

    groups: tuple[Group, ...]
    settings: Mapping[str, Shown]
    faults: tuple[str, ...]

    @property
    def changed(self) -> tuple[Shown, ...]:
        """The settings that a restart would change."""
        return tuple(each for each in self.settings.values() if each.after_restart is not None)


def overview(running: Settings, guide: Path = GUIDE) -> SettingsOverview:
    """The settings that run, compared with what a start would read now from the environment and .env."""
    next_start, faults = _next_start()
    written = _written()
    settings = {name: _shown(name, running, next_start, written) for name in _names()}
    return SettingsOverview(_complete(groups(_text(guide))), settings, faults)


def groups(text: str) -> tuple[Group, ...]:
    """The groups of `.env.example`: a title line begins one, and a comment explains the settings that follow it."""
    blocks = groupby(_blocks(text), itemgetter(0))
    return tuple(Group(title, tuple(part for _, part in parts)) for title, parts in blocks)


def shown_value(name: str, value: object) -> str:
    """A value as in .env, for people; for a secret, only whether it is set."""
    if value is None or value in ("", ()):
        return NOT_SET
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else NOT_SET
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return _listed(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return _without_secrets(name, f"{value:g}" if isinstance(value, float) else str(value))


def _listed(values: tuple[object, ...]) -> str:
    if isinstance(values[0], SecretStr):
        return f"{len(values)} set, not shown"
    return ",".join(f"{each:g}" if isinstance(each, float) else str(each) for each in values)


def _without_secrets(name: str, text: str) -> str:
    """An address without its secrets: the password, the query, and for a webhook the whole path."""
    if name == "DATABASE_URL":
        address = make_url(text)
        return address.set(query={}).render_as_string(hide_password=True)
    if not re.match(r"https?://", text):
        return text
    parts = urlsplit(text)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if name in ("DIGEST_WEBHOOK_URL", "EVENTS_URL"):
        return f"{place}/… (the rest is not shown)"
    return place + parts.path


def _names() -> list[str]:
    return [name.upper() for name in Settings.model_fields]


def _next_start() -> tuple[Settings | None, tuple[str, ...]]:
    try:
        return load_settings(), ()
    except SettingsError as error:
        return None, tuple(error.faults)


def _written() -> set[str]:
    """The names that have a value in .env now."""
    try:
        return {name.upper() for name in env_file.read(env_path()).values}
    except (OSError, ValueError):
        return set()


def _shown(name: str, running: Settings, next_start: Settings | None, written: set[str]) -> Shown:
    field = name.lower()
    value, shown = getattr(running, field), shown_value(name, getattr(running, field))
    coming = getattr(next_start, field) if next_start else Settings.model_fields[field].default
    source = _source(name, written, is_still_so=coming == value)
    if next_start is None or coming == value:
        return Shown(name, shown, source)
    coming_shown = shown_value(name, coming)
    return Shown(name, shown, source, "another value" if coming_shown == shown else coming_shown)


def _source(name: str, written: set[str], *, is_still_so: bool) -> str:
    """Where the value is set now; "last start" if it is set nowhere any more."""
    names = {name, *(old.upper() for old, (mapping, _) in OLD_PLANS.items() if mapping == name.lower())}
    if names.intersection(each.upper() for each in os.environ):
        return "environment"
    if names & written:
        return ".env"
    return "default" if is_still_so else "last start"


def _text(guide: Path) -> str:
    try:
        return guide.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _blocks(text: str) -> Iterator[tuple[str, Explained]]:
    """Each block, with the title of its group; text before the first title is about the file itself."""
    title, words, names = "", [], []
    for line in [*text.splitlines(), ""]:
        if heading := _TITLE.fullmatch(line):
            title = heading[1]
        elif setting := _SETTING.fullmatch(line):
            names.append(setting[1])
        elif line.startswith("#"):
            words.append(line.removeprefix("#").strip())
        elif not line.strip():
            if title and names:
                yield title, Explained(" ".join(words), tuple(names))
            words, names = [], []


def _complete(found: tuple[Group, ...]) -> tuple[Group, ...]:
    """The groups, plus one for settings that the guide doesn't name, without names that are no settings."""
    known = set(_names())
    kept = [Group(group.title, tuple(part for part in group.parts if set(part.names) <= known)) for group in found]
    named = {name for group in kept for part in group.parts for name in part.names}
    rest = tuple(name for name in _names() if name not in named)
    return tuple(kept) + ((Group("Other settings", (Explained("", rest),)),) if rest else ())
