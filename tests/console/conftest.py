"""Signed-in people, and real browsers on a service that listens on loopback."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from app.models import Role
from config import Settings
from sandbox.demo.service import as_text
from tests.conftest import Service
from tests.console.browsers import ARGUMENTS, CHROMIUM, Browsing, signed_in
from tests.console.persons import Person, somebody_with
from tests.tools.loopback import serving


@pytest.fixture
def somebody(service: Service) -> Callable[[Role | None], Person]:
    """A person with the role, signed in; nobody in particular for None."""

    def make(role: Role | None) -> Person:
        return Person(service.app.test_client()) if role is None else somebody_with(service, role)

    return make


@pytest.fixture
def as_nobody(somebody: Callable[[Role | None], Person]) -> Person:
    """Not signed in."""
    return somebody(None)


@pytest.fixture
def as_read_only(somebody: Callable[[Role | None], Person]) -> Person:
    """Signed in, may look."""
    return somebody(Role.READ_ONLY)


@pytest.fixture
def as_staff(somebody: Callable[[Role | None], Person]) -> Person:
    """Signed in, may settle orders."""
    return somebody(Role.STAFF)


@pytest.fixture
def as_administrator(somebody: Callable[[Role | None], Person]) -> Person:
    """Signed in, may do everything."""
    return somebody(Role.ADMINISTRATOR)


@pytest.fixture(scope="session")
def live_url(session_service: Service) -> Iterator[str]:
    """The address at which the session's service serves browsers."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line a request tells nobody anything
    server = make_server("127.0.0.1", 0, session_service.app, threaded=True)
    with serving(server) as address:
        yield address


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's chromium, which needs no download of its own."""
    return {"executable_path": str(CHROMIUM), "args": ARGUMENTS, "headless": True}


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Browser:
    """The browser; tests that need it are skipped where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is missing (apt-get install chromium)")
    browser: Browser = request.getfixturevalue("browser")
    return browser


@pytest.fixture
def quick_refresh(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages ask anew twice a second, so that a test need not wait."""
    monkeypatch.setitem(service.app.jinja_env.globals, "refresh", "500ms")


@pytest.fixture
def browse(service: Service, live_url: str, chromium: Browser) -> Iterator[Browsing]:
    """Somebody of the staff, signed in, at a desk."""
    with signed_in(chromium, live_url, service, Role.STAFF) as person:
        yield person


@pytest.fixture
def browse_as_administrator(service: Service, live_url: str, chromium: Browser) -> Iterator[Browsing]:
    """An administrator, signed in, at a desk."""
    with signed_in(chromium, live_url, service, Role.ADMINISTRATOR) as person:
        yield person


@pytest.fixture
def env_file(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes the .env that the next start would read: what runs, with other values by name."""

    def write(**changed: str) -> None:
        running = {name.upper(): as_text(value) for name, value in vars(service.services.settings).items()}
        lines = [f"{name}='{value}'" for name, value in {**running, **changed}.items()]
        path = tmp_path / ".env"
        path.write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.setitem(Settings.model_config, "env_file", path)

    write()
    return write
