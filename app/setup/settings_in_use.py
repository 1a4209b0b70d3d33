"""Whether the running service uses the settings that are in `.env`, and in the files that it names, now."""

import hashlib
import hmac
import json
from pathlib import Path

from config import Settings, SettingsError, env_path, load_settings
from wire import Failure, Request, Transport

OF_ONE_PROCESS = ("role", "executor_id", "worker_port")
"""Settings that differ between the processes of one installation."""
ANSWER_SECONDS = 3.0
RELOAD = "systemctl reload utopia-handler"
EVERY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound


class SettingsInUse:
    """The settings that a process read at its start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._at_start = self._seen = self._stamps()
        self._is_current = True

    def is_current(self) -> bool:
        """Whether a start would read the same settings now; reads the files only when they have changed."""
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen, self._is_current = stamps, self._reads_the_same(stamps)
        return self._is_current

    def _reads_the_same(self, stamps: dict[Path, object]) -> bool:
        env_file = env_path()
        if any(self._at_start.get(path) != stamp for path, stamp in stamps.items() if path != env_file):
            return False
        try:
            return load_settings() == self._settings
        except (SettingsError, OSError):
            return False

    def _stamps(self) -> dict[Path, object]:
        return {path: _stamp(path) for path in self._settings.files()}


def mark(settings: Settings) -> str:
    """A fingerprint of the settings: equal in two processes only when the settings are. It reveals none of them."""
    values = {name: repr(_plain(value)) for name, value in vars(settings).items() if name not in OF_ONE_PROCESS}
    key = settings.secret_key.get_secret_value().encode()
    return hmac.new(key, json.dumps(values, sort_keys=True).encode(), hashlib.sha256).hexdigest()[:16]


def fault_of_running(settings: Settings) -> str | None:
    """In what way the running service's settings differ from these; None when they don't, or when no service runs.

    A command asks this before it leaves work to the service.
    """
    said = _asked(settings)
    if said.get("settings") == "changed":
        return f"The service still runs with former settings: .env was changed since it started. First: {RELOAD}"
    if said.get("settings_mark") not in (None, mark(settings)):
        return (
            "The service runs with other settings than this command has: a variable is set here alone, "
            f"or .env was changed. Unset it, or: {RELOAD}"
        )
    return None


def _asked(settings: Settings) -> dict[str, object]:
    """The answer of `/readyz`; empty where no service answers."""
    host = EVERY_HOST.get(settings.flask_host, settings.flask_host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.flask_port}/readyz"
    transport = Transport(connect_timeout=ANSWER_SECONDS, read_timeout=ANSWER_SECONDS, deadline=ANSWER_SECONDS)
    answer = transport.exchange(Request("GET", address))
    try:
        said = {} if isinstance(answer, Failure) else answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _plain(value: object) -> object:
    reveal = getattr(value, "get_secret_value", None)
    return reveal() if reveal else value


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
