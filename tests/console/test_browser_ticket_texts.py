"""A text edited in a real browser: live preview, a fault at its line, saved, undone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from app.models import Role
from config import PROJECT
from tests.conftest import Service
from tests.console.browsers import Browsing, axe, browsing
from tests.console.persons import add_user

PATH = "/console/ticket-texts/new_desc.txt"


@pytest.fixture
def text(service: Service, tmp_path: Path) -> Iterator[Path]:
    """The active text, in a folder of the test's own."""
    folder = tmp_path / "texts"
    shutil.copytree(PROJECT / "ticket_descriptions", folder)
    with service.changed(ticket_template_dir=folder):
        yield folder / "new_desc.txt"


def test_a_text_is_edited_with_a_live_preview_saved_and_undone(service: Service, browse: Browsing, text: Path) -> None:
    before = text.read_text()
    service.take("UIA202411-000001", firstname="Grace")
    page = browse.goto("/console/ticket-texts")
    page.get_by_role("link", name="new_desc.txt", exact=True).click()
    field, preview = page.get_by_label("Text of new_desc.txt"), page.locator("#preview")
    expect(preview).to_contain_text("Hello Grace,")

    field.fill("Dear {first_name},\n\nwelcome to {frist_name}.")
    expect(preview).to_contain_text("1 fault: this text can't be saved yet.")
    expect(preview).to_contain_text("Line 3: unknown placeholder {frist_name} (did you mean {first_name}?)")
    expect(preview.locator("code.quoted")).to_have_text("welcome to {frist_name}.")
    axe(page)
    field.press_sequentially(" More.")
    expect(field).to_be_focused()

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("The text has faults")
    expect(field).to_have_value("Dear {first_name},\n\nwelcome to {frist_name}. More.")
    assert text.read_text() == before

    field.fill("Dear {first_name},\n\nwelcome to {plan}.")
    expect(preview.locator(".letter")).to_have_text("Dear Grace,\nwelcome to 250 Mbps.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("new_desc.txt is saved")
    assert text.read_text() == "Dear {first_name},\n\nwelcome to {plan}."

    page.get_by_role("button", name="Undo the last change").click()
    expect(page.get_by_role("status").first).to_contain_text("again as it was")
    assert text.read_text() == before


def test_two_people_who_edit_at_once_see_each_others_text(browse: Browsing, text: Path) -> None:
    page = browse.goto(PATH)
    field = page.get_by_label("Text of new_desc.txt")
    field.fill("Mine, {first_name}")
    text.write_text("From a deploy, {first_name}\n")

    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_contain_text("changed meanwhile")
    expect(page.get_by_role("table")).to_contain_text("From a deploy, {first_name}")
    expect(field).to_have_value("Mine, {first_name}")
    axe(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("new_desc.txt is saved")
    page.locator("ul li", has_text="found in the folder").first.get_by_role("link").click()
    expect(page.get_by_role("table", name="").first).to_contain_text("From a deploy")
    axe(page)
    page.get_by_role("button", name="Bring this version back").click()
    expect(field).to_have_value("From a deploy, {first_name}\n")


def test_without_javascript_the_preview_has_a_button(
    service: Service, live_url: str, chromium: Browser, text: Path
) -> None:
    name = add_user(service, Role.STAFF)
    with browsing(chromium, live_url, java_script_enabled=False) as person:
        person.sign_in(name)
        page = person.goto(PATH)
        page.get_by_label("Text of new_desc.txt").fill("<b>Dear</b> {first_name}")
        page.get_by_role("button", name="Preview without saving").click()
        expect(page.locator("#preview .letter b")).to_have_text("Dear")
        expect(page.get_by_label("Text of new_desc.txt")).to_have_value("<b>Dear</b> {first_name}")
    assert "<b>" not in text.read_text()
