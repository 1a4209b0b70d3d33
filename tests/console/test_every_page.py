"""Every page: accessible in light and dark, on a phone and a desk, small, and free of what strangers wrote."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Page, Response

from app.models import Role
from config import PROJECT
from tests.conftest import Service
from tests.console.browsers import DESKTOP, PHONE, Browsing, axe, axe_layout, browsing, signed_in
from tests.console.pages import HOSTILE, PAGES_TO_CHECK, ConsolePage

pytestmark = pytest.mark.sweep

MOST_BYTES = 200_000
STATIC = PROJECT / "app" / "static" / "console"
ASSETS = sum(path.stat().st_size for path in STATIC.rglob("*") if path.suffix in (".css", ".js", ".svg"))
"""What a browser that was never here before loads along with each page."""
SMALLEST_TARGET = 24
FOREIGN_CODE = r"""() => [
    ...[...document.scripts].filter(e => !e.src.startsWith(location.origin)).map(e => e.outerHTML.slice(0, 120)),
    ...[...document.querySelectorAll("*")].flatMap(e => [...e.attributes])
        .filter(a => a.name.startsWith("on") || /^\s*javascript:/i.test(a.value)).map(a => a.name + "=" + a.value),
]"""

by_name = pytest.mark.parametrize("shown", PAGES_TO_CHECK, ids=lambda shown: shown.name)


class Office:
    """Everything that the pages show, made once, and a window for each role."""

    def __init__(self, service: Service, url: str, browser: Browser, windows: ExitStack) -> None:
        self.service, self._url, self._browser, self._windows = service, url, browser, windows
        made = {prepare: prepare(service) for prepare in dict.fromkeys(shown.prepare for shown in PAGES_TO_CHECK)}
        self._paths = {shown.name: shown.path.format(**made[shown.prepare]) for shown in PAGES_TO_CHECK}
        self._open: dict[Role, Browsing] = {}

    def path(self, shown: ConsolePage) -> str:
        """Where the page is."""
        return self._paths[shown.name]

    def window(self, role: Role) -> Browsing:
        """The window of somebody with the role."""
        if role not in self._open:
            window = signed_in(self._browser, self._url, self.service, role)
            self._open[role] = self._windows.enter_context(window)
        return self._open[role]


@pytest.fixture(scope="module")
def office(session_service: Service, live_url: str, chromium: Browser) -> Iterator[Office]:
    """Made once for all pages: that takes longer than to look at them."""
    session_service.empty()
    with ExitStack() as windows:
        yield Office(session_service, live_url, chromium, windows)
    session_service.sandbox.reset()


@by_name
def test_a_page_is_accessible_small_and_free_of_what_strangers_wrote(office: Office, shown: ConsolePage) -> None:
    with watched(office.window(shown.role)) as seen:
        page = office.window(shown.role).goto(office.path(shown))
        page.wait_for_load_state("networkidle")

    assert {urlsplit(answer.url).netloc for answer in seen.answers} == {urlsplit(page.url).netloc}
    assert len(seen.answers[0].body()) + ASSETS < MOST_BYTES
    assert seen.dialogs == []
    assert page.evaluate(FOREIGN_CODE) == []
    for (width, height), check in ((DESKTOP, axe), (PHONE, axe_layout)):
        page.set_viewport_size({"width": width, "height": height})
        check(page)
        assert sticks_out(page) == [], f"wider than {width} px"
        assert too_small(page) == []
    assert office.window(shown.role).faults == []


@dataclass
class Seen:
    """What a window loaded, and what popped up in it."""

    answers: list[Response] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@contextmanager
def watched(window: Browsing) -> Iterator[Seen]:
    """Notes what happens in the window during the block."""
    seen = Seen()
    window.faults.clear()

    def note(answer: Response) -> None:
        seen.answers.append(answer)

    def dismiss(dialog: Dialog) -> None:
        seen.dialogs.append(dialog.message)
        dialog.dismiss()

    window.page.on("response", note)
    window.page.on("dialog", dismiss)
    yield seen
    window.page.remove_listener("response", note)
    window.page.remove_listener("dialog", dismiss)


def sticks_out(page: Page) -> list[str]:
    """What makes the page as a whole scroll sideways."""
    return page.evaluate(  # type: ignore[no-any-return]
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => e.outerHTML.slice(0, 120)).slice(-3)"""
    )


def too_small(page: Page) -> list[str]:
    """Buttons and fields that a finger would miss (WCAG 2.5.8); links within text are excepted there."""
    return page.evaluate(  # type: ignore[no-any-return]
        """least => [...document.querySelectorAll("main button, main select, main input:not([type=hidden])")]
        .map(e => [e, e.getBoundingClientRect()]).filter(([e, r]) => r.width && (r.height < least || r.width < least))
        .filter(([e, r]) => !(["checkbox", "radio"].includes(e.type) && e.closest("label")))
        .map(([e, r]) => e.outerHTML.slice(0, 120))""",
        SMALLEST_TARGET,
    )


@by_name
def test_a_page_works_without_javascript(office: Office, shown: ConsolePage) -> None:
    window = office.window(shown.role)
    page = window.page.context.request.get(window.url + office.path(shown))
    text = page.text()

    assert page.status == 200
    assert len(re.findall(r"<h1\b", text)) == 1
    ids = re.findall(r"<[^>]*\sid=[\"']([^\"']+)", text)
    assert [each for each in set(ids) if ids.count(each) > 1] == [], "a label or a link finds the first one only"
    outside_of_forms = re.sub(r"<form\b.*?</form>", "", text, flags=re.DOTALL)
    assert re.findall(r"<button\b(?![^>]*\bform=)[^>]*>", outside_of_forms) == []
    assert re.findall(r"<(?:a|form)\b[^>]*\b(?:href|action)=[\"'](?:#|javascript:)?[\"']", text) == []


def test_the_sign_in_is_accessible_on_a_desk_and_a_phone(service: Service, live_url: str, chromium: Browser) -> None:
    for size in (DESKTOP, PHONE):
        with browsing(chromium, live_url, size=size) as person:
            axe(person.goto("/login"))
            person.page.get_by_label("Name").fill(HOSTILE)
            person.page.get_by_label("Password").fill("not this one")
            person.page.get_by_role("button", name="Sign in").click()
            person.page.get_by_role("alert").wait_for()
            axe(person.page)


def test_a_fault_s_page_is_accessible(service: Service, live_url: str, chromium: Browser) -> None:
    with signed_in(chromium, live_url, service, Role.READ_ONLY) as person:
        axe(person.goto("/console/nothing-here"))
        axe(person.goto("/console/people"))


def test_the_checks_of_these_pages_find_what_they_should(live_url: str, chromium: Browser) -> None:
    with browsing(chromium, live_url, size=PHONE) as person:
        page = person.goto("/login")
        page.locator("main").evaluate(
            "e => { e.innerHTML = '<img src=data:,><h1>A</h1><button id=b>x</button><p id=p>wide</p>';"
            " e.querySelector('#b').style.cssText = 'width:9px;height:9px;padding:0';"
            " e.querySelector('#p').style.width = '900px' }"
        )
        with pytest.raises(AssertionError, match="image-alt"):
            axe(page)
        assert [found[:7] for found in too_small(page)] == ["<button"]
        assert any("wide" in found for found in sticks_out(page))
