"""A real browser on the console: signed in, watched for script errors, checked with axe, measured and pictured."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from app.models import Role
from tests.conftest import Service
from tests.console.persons import PASSWORD, Person, add_user

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1440, 900), (360, 740)
EVERYTHING = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
RUN_AXE = """async ([script, options]) => {
    if (script) (0, eval)(script);
    const found = await axe.run(document, {...options, resultTypes: ["violations"]});
    return found.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 150)));
}"""
LAYOUT = {"runOnly": {"type": "rule", "values": ["color-contrast", "scrollable-region-focusable", "target-size"]}}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


class Browsing:
    """A person at a browser; `page` is Playwright's."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)

    def goto(self, path: str) -> Page:
        """Open a page of the console."""
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """Fill in the sign-in, as a person does."""
        self.goto("/login")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/console")


@contextmanager
def browsing(browser: Browser, url: str, **options: Any) -> Iterator[Browsing]:
    """A fresh window, not signed in. Fails at its end when a script failed, or a page broke its own policy."""
    width, height = options.pop("size", DESKTOP)
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **options)
    context.set_default_timeout(15_000)
    try:
        person = Browsing(context.new_page(), url)
        yield person
        told = [fault for fault in person.faults if "Failed to load resource" not in fault]
        assert not told, f"the browser tells of faults: {told}"
    finally:
        context.close()


@contextmanager
def signed_in(browser: Browser, url: str, service: Service, role: Role, **options: Any) -> Iterator[Browsing]:
    """A browser window in which somebody with `role` is signed in already."""
    with browsing(browser, url, **options) as person:
        person.page.context.add_cookies([{**cookie_of(service, role), "url": url.replace("http:", "https:")}])
        yield person


def cookie_of(service: Service, role: Role) -> dict[str, Any]:
    """The cookie of somebody who has just signed in."""
    person = Person(service.app.test_client())
    assert person.sign_in(add_user(service, role)).status_code == 303
    cookie = person.cookie()
    return {"name": cookie.key, "value": cookie.value, "secure": True, "httpOnly": True, "sameSite": "Lax"}


def axe(page: Page) -> None:
    """Axe finds nothing on the page as it is, nor about its colours in the dark."""
    for scheme, rules in (("light", EVERYTHING), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        _check(page, rules, scheme)
    page.emulate_media(color_scheme="light")


def axe_layout(page: Page) -> None:
    """Axe finds nothing in what changes with the window's width; the rest is `axe`'s."""
    _check(page, LAYOUT, "a narrow window")


def _check(page: Page, rules: dict[str, Any], circumstances: str) -> None:
    told = page.evaluate(RUN_AXE, [AXE_SCRIPT if page.evaluate("!window.axe") else "", rules])
    assert not told, f"{page.url} in {circumstances}: {told}"
