"""The pages of the texts that customers get."""

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app.models import TicketTextVersion
from app.wording.placeholders import read_template
from config import PROJECT
from tests.conftest import Service
from tests.console.pages import HOSTILE
from tests.console.persons import Person

NAME = "new_desc.txt"
PAGE = f"/console/ticket-texts/{NAME}"
NEW = "Dear {first_name},\n\nyour plan is {plan}.\n"


@pytest.fixture
def folder(service: Service, tmp_path: Path) -> Iterator[Path]:
    """A folder of texts of the test's own."""
    folder = tmp_path / "texts"
    shutil.copytree(PROJECT / "ticket_descriptions", folder, ignore=shutil.ignore_patterns(".*"))
    with service.changed(ticket_template_dir=folder):
        yield folder


def fingerprint(page: str) -> str:
    return re.search(r'name="fingerprint"[^>]* value="([^"]*)"', page)[1]


def save(person: Person, text: str, mark: str | None = None, button: str = "save") -> TestResponse:
    mark = fingerprint(person.get(PAGE).text) if mark is None else mark
    return person.post(PAGE, {"text": text, "fingerprint": mark, button: "1"})


def versions(service: Service) -> list[TicketTextVersion]:
    with service.services.database.read() as session:
        return session.query(TicketTextVersion).filter_by(file=NAME).order_by(TicketTextVersion.id).all()


def test_the_list_marks_the_active_text_with_a_word_and_names_what_is_wrong(as_read_only: Person, folder: Path) -> None:
    (folder / "old.txt").write_text("Hello {firstname}\n")
    page = as_read_only.get("/console/ticket-texts").text
    assert re.search(rf"{NAME}</a></th>.*?<strong>active</strong>", page, re.S)
    assert "unknown placeholder {firstname} (did you mean {first_name}?)" in page
    assert "not in use (digests go to the webhook)" in page
    assert "it is new_desc.txt now" in page
    assert "TICKET_TEMPLATE" not in page


def test_a_title_from_the_old_scripts_stands_beside_the_name(as_read_only: Person, folder: Path) -> None:
    (folder / f"{NAME}.meta.json").write_text('{"name": "Welcome <b>to</b> fiber", "subject": "x"}')
    (folder / "digest.txt.meta.json").write_text("[" * 100_000)
    for page in ("/console/ticket-texts", PAGE):
        assert "Welcome &lt;b&gt;to&lt;/b&gt; fiber" in as_read_only.get(page).text


def test_an_active_text_that_is_not_there_is_told(as_read_only: Person, folder: Path) -> None:
    (folder / NAME).unlink()
    assert "new orders will wait for a person" in as_read_only.get("/console/ticket-texts").text


def test_a_folder_that_is_not_there_is_told_and_breaks_no_page(as_read_only: Person, folder: Path) -> None:
    shutil.rmtree(folder)
    answer = as_read_only.get("/console/ticket-texts")
    assert answer.status_code == 200
    assert "can&#39;t be read: No such file" in answer.text


@pytest.mark.parametrize("name", ["..%2Fnew_desc.txt", ".hidden.txt", "nothing.txt", "%2Fetc%2Fpasswd", "x.py"])
def test_what_is_no_text_of_the_folder_is_not_found(as_staff: Person, folder: Path, name: str) -> None:
    (folder / ".hidden.txt").write_text("x")
    assert as_staff.get(f"/console/ticket-texts/{name}").status_code == 404


def test_the_preview_is_what_the_ticket_becomes_with_the_newest_orders_data(
    service: Service, as_staff: Person, folder: Path
) -> None:
    order = service.take("UIA202411-000001", firstname=HOSTILE)
    assert order["state"] == "completed"
    page = as_staff.get(PAGE).text
    (sent,) = service.sandbox.powercode.tickets.values()
    assert sent.fields["description"] in page
    assert HOSTILE not in page
    assert "With the data of order UIA202411-000001" in page


def test_without_an_order_the_preview_says_that_its_data_is_made_up(as_staff: Person, folder: Path) -> None:
    page = as_staff.get(PAGE).text
    assert "made-up data" in page
    assert "Hello Ada," in page


def test_the_preview_button_shows_without_saving(as_staff: Person, folder: Path) -> None:
    answer = save(as_staff, NEW, button="preview")
    assert "<p>Dear Ada,</p>" in answer.text
    assert NEW in unescape(answer.text).replace("\r\n", "\n")
    assert (folder / NAME).read_text() != NEW


def test_the_live_preview_is_cleaned_and_writes_nothing(service: Service, as_staff: Person, folder: Path) -> None:
    before = (folder / NAME).read_text()
    shown = as_staff.post(f"{PAGE}/preview", {"text": '<p onclick="x()">Hi {first_name}</p>'}).text
    assert "the attribute onclick is not allowed" in shown
    assert "&lt;p onclick=&#34;x()&#34;&gt;Hi" in shown
    assert "<html" not in shown
    assert (folder / NAME).read_text() == before


def test_a_save_replaces_the_file_and_can_be_undone(service: Service, as_staff: Person, folder: Path) -> None:
    before = (folder / NAME).read_text()
    answer = save(as_staff, NEW.replace("\n", "\r\n"))
    assert answer.status_code == 303
    assert (folder / NAME).read_text() == NEW
    assert [version.saved_by for version in versions(service)] == [None, "Stan Staff"]

    page = as_staff.get(PAGE).text
    assert "Undo the last change" in page
    old = versions(service)[0]
    assert as_staff.post(f"{PAGE}/versions/{old.id}", {"fingerprint": fingerprint(page)}).status_code == 303
    assert (folder / NAME).read_text() == before
    assert [version.text for version in versions(service)] == [before, NEW, before]


def test_a_save_is_what_the_next_ticket_reads(service: Service, as_staff: Person, folder: Path) -> None:
    save(as_staff, NEW)
    assert read_template(service.services.settings.ticket_template) == NEW


def test_a_text_with_faults_is_refused_with_each_at_its_line(as_staff: Person, folder: Path) -> None:
    before = (folder / NAME).read_text()
    answer = save(as_staff, "Hello {frist_name}\n\n<script>alert(1)</script>\n")
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert "unknown placeholder {frist_name} (did you mean {first_name}?)" in page
    assert '<strong>Line 3:</strong> <script> is not allowed in this text<code class="quoted">' in page
    assert "<script>alert(1)" not in answer.text
    assert "Your text is still here" in page
    assert (folder / NAME).read_text() == before


def test_a_file_that_changed_meanwhile_is_shown_beside_ones_own_text_and_kept(
    service: Service, as_staff: Person, folder: Path
) -> None:
    mark = fingerprint(as_staff.get(PAGE).text)
    (folder / NAME).write_text("From a deploy, {first_name}\n")

    answer = save(as_staff, NEW, mark)

    assert answer.status_code == 422
    assert "changed meanwhile" in answer.text
    assert "From a deploy" in answer.text
    assert "your plan is {plan}." in answer.text
    assert (folder / NAME).read_text() == "From a deploy, {first_name}\n"
    assert save(as_staff, NEW, fingerprint(answer.text)).status_code == 303
    assert [version.text for version in versions(service)][-2:] == ["From a deploy, {first_name}\n", NEW]


def test_a_folder_that_can_not_be_written_leaves_the_text_in_the_form(
    as_staff: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("app.texts.text_files._replace", refuse)
    answer = save(as_staff, NEW)
    assert answer.status_code == 422
    assert "Let the user that runs this service write in the folder" in answer.text
    assert "your plan is {plan}." in answer.text


def test_a_version_with_faults_is_not_brought_back(service: Service, as_staff: Person, folder: Path) -> None:
    (folder / NAME).write_text("Hello {nobody}\n")
    as_staff.get(PAGE)
    (folder / NAME).write_text("Hello\n")
    page = as_staff.get(PAGE).text
    broken = versions(service)[0]
    assert "can't be brought back as it is" in as_staff.get(f"{PAGE}/versions/{broken.id}").text
    as_staff.post(f"{PAGE}/versions/{broken.id}", {"fingerprint": fingerprint(page)})
    assert (folder / NAME).read_text() == "Hello\n"


def test_a_version_shows_what_was_changed_in_words(
    service: Service, as_read_only: Person, as_staff: Person, folder: Path
) -> None:
    (folder / NAME).write_text("one\ntwo\n")
    as_staff.get(PAGE)
    save(as_staff, "one\nthree\n")
    page = as_read_only.get(f"{PAGE}/versions/{versions(service)[1].id}").text
    assert re.search(r"<td>removed</td><td class=\"text\">two</td>", page)
    assert re.search(r"<td>added</td><td class=\"text\">three</td>", page)
    assert "Bring this version back" not in page


def test_a_text_that_was_deleted_can_be_brought_back(service: Service, as_staff: Person, folder: Path) -> None:
    before = (folder / NAME).read_text()
    as_staff.get(PAGE)
    (folder / NAME).unlink()
    assert "No longer in the folder" in as_staff.get("/console/ticket-texts").text
    assert "no longer in the folder" in as_staff.get(PAGE).text
    as_staff.post(f"{PAGE}/versions/{versions(service)[0].id}", {"fingerprint": ""})
    assert (folder / NAME).read_text() == before


def test_a_new_text_begins_as_a_copy_and_says_how_it_becomes_active(as_staff: Person, folder: Path) -> None:
    assert "until an administrator has it used" in as_staff.get("/console/ticket-texts/new").text
    answer = as_staff.post("/console/ticket-texts/new", {"name": "winter.txt", "copy_of": NAME})
    assert answer.status_code == 303
    assert (folder / "winter.txt").read_text() == (folder / NAME).read_text()


@pytest.mark.parametrize("name", ["../winter.txt", ".winter.txt", "winter.html", NAME, "", "a/b.txt"])
def test_a_new_text_takes_no_name_that_can_not_be_one(as_staff: Person, folder: Path, name: str) -> None:
    answer = as_staff.post("/console/ticket-texts/new", {"name": name, "copy_of": NAME})
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text
    assert sorted(path.name for path in folder.iterdir()) == ["digest.html", "digest.txt", NAME]
    assert not (folder.parent / "winter.txt").exists()


@pytest.mark.parametrize("name", ["digest.txt", "digest.html"])
def test_the_digests_texts_are_previewed_as_the_mail(as_staff: Person, folder: Path, name: str) -> None:
    page = as_staff.get(f"/console/ticket-texts/{name}").text
    assert "TM-1" in page
    assert "its line is repeated for each ticket" in page
    assert "style=" not in page.replace("&lt;div style=", "")


def test_a_digest_without_a_subject_is_refused(as_staff: Person, folder: Path) -> None:
    mark = fingerprint(as_staff.get("/console/ticket-texts/digest.txt").text)
    form = {"text": "Hello\n{ticket}\n", "fingerprint": mark, "save": "1"}
    assert "the first line must be the subject" in as_staff.post("/console/ticket-texts/digest.txt", form).text


def test_a_text_that_is_no_text_can_be_looked_at_by_its_versions_only(as_staff: Person, folder: Path) -> None:
    (folder / NAME).write_bytes(b"caf\xe9")
    page = as_staff.get(PAGE)
    assert page.status_code == 200
    assert "not UTF-8 text" in page.text
    assert "<textarea" not in page.text


def test_readers_see_the_text_without_a_form(as_read_only: Person, folder: Path) -> None:
    page = as_read_only.get(PAGE).text
    assert "Hello {first_name}" in page
    assert "<textarea" not in page


def test_a_hostile_text_on_disk_is_text_on_the_page(as_staff: Person, folder: Path) -> None:
    (folder / NAME).write_text(f"{HOSTILE}\n</textarea>{HOSTILE}\n" + "x" * 10_000)
    assert HOSTILE not in as_staff.get(PAGE).text
    assert HOSTILE not in as_staff.get("/console/ticket-texts").text


def test_versions_are_told_apart_by_what_each_changed(as_staff: Person, folder: Path) -> None:
    (folder / NAME).write_text("Hello {first_name},\nwelcome.\n")
    as_staff.get(PAGE)
    (folder / NAME).write_text("Hello {first_name},\nwelcome to fiber.\nSee you soon.\n")

    page = as_staff.get(PAGE).text

    assert "2 lines added, 1 line removed: “welcome.”" in page
    assert "The first that is known." in page
