"""Pictures of each page for the manual: `make pictures` draws them."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, Page
from sqlalchemy import select

from app.models import DigestRun, Role
from config import PROJECT
from tests.conftest import Service
from tests.console.browsers import PHONE, signed_in
from tests.console.made_office import BY_HAND, DONE, DOUBTFUL, UNKNOWN_PLAN, morning

FOLDER = PROJECT / "docs" / "pictures"
SIZE = (1100, 700)
LONGEST = 1100

PICTURES = {
    "today": "/console",
    "orders": "/console/orders",
    "order": f"/console/orders/{DOUBTFUL}",
    "order-done": f"/console/orders/{DONE}",
    "new-order": f"/console/orders/new?orderref={BY_HAND}",
    "plans": "/console/plans",
    "ticket-texts": "/console/ticket-texts",
    "ticket-text": "/console/ticket-texts/new_desc.txt",
    "digest": "/console/digest",
    "digest-run": "/console/digest/runs/{run}",
    "look-up": f"/console/look-up/utopia/order?orderref={UNKNOWN_PLAN}",
    "people": "/console/people",
    "settings": "/console/settings",
    "log": "/console/log",
}


def upper_part(page: Page) -> FloatRect:
    """All of a short page, the beginning of a long one."""
    height = page.evaluate("document.documentElement.scrollHeight")
    return {"x": 0, "y": 0, "width": SIZE[0], "height": min(height, LONGEST)}


@pytest.mark.pictures
@pytest.mark.usefixtures("env_file")
@pytest.mark.timeout(300)
def test_each_page_can_be_drawn_for_the_manual(
    service: Service, live_url: str, chromium: Browser, tmp_path: Path
) -> None:
    folder = FOLDER
    folder.mkdir(exist_ok=True)
    with (
        morning(service, tmp_path),
        signed_in(chromium, live_url, service, Role.ADMINISTRATOR, size=SIZE) as person,
    ):
        run = service.one(select(DigestRun.id))
        for name, path in PICTURES.items():
            page = person.goto(path.format(run=run))
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / f"{name}.png", full_page=True, clip=upper_part(page))
        page = person.goto("/console")
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        page.screenshot(path=folder / "today-phone.png", full_page=True)

    assert {path.stem for path in folder.glob("*.png")} >= set(PICTURES)
    assert min(path.stat().st_size for path in folder.glob("*.png")) > 5_000, "a page is blank"
