"""What staff read: sentences that end, times as people say them, and nothing of how the server is set."""

import re

import pytest

from app.console.rendering import dialled, duration, sentence, sentences
from config import Settings
from tests.conftest import Service
from tests.console.persons import Person

SETTINGS = re.compile(rf"\b({'|'.join(name.upper() for name in Settings.model_fields)})\b")
CRON = re.compile(r"(?:[\d*/,-]+ ){2}\* \* [\w*,-]+")
FILES = re.compile(r"\.env\b|docs/\w+\.md|systemctl")
PAGES = (
    "",
    "/orders",
    "/orders/new",
    "/plans",
    "/aftercare",
    "/aftercare/inactive",
    "/aftercare/missing",
    "/aftercare/cases",
    "/aftercare/messages",
    "/ticket-texts",
    "/digest",
    "/look-up",
)


def test_staff_read_no_names_of_settings_cron_lines_or_files_of_the_server(service: Service, as_staff: Person) -> None:
    service.take(plan="10 Gbps")

    for path in PAGES:
        page = as_staff.get(f"/console{path}").text
        for kind in (SETTINGS, CRON, FILES):
            assert kind.findall(page) == [], (path, kind)


def test_whoever_can_change_a_setting_is_led_to_it(as_administrator: Person) -> None:
    assert 'href="/console/settings#DIGEST_SCHEDULE"' in as_administrator.get("/console/digest").text
    assert 'id="DIGEST_SCHEDULE"' in as_administrator.get("/console/settings").text


@pytest.mark.parametrize(
    ("said", "told"),
    [("It broke", "It broke."), ("It broke.", "It broke."), ("Was it there?", "Was it there?"), ("", ""), (None, "")],
)
def test_another_sentence_can_follow(said: object, told: str) -> None:
    assert sentence(said) == told


def test_several_faults_are_several_sentences() -> None:
    assert sentences(["Write a name", "Write at most 80 characters."]) == "Write a name. Write at most 80 characters."


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("(406) 555-0143", "+14065550143"),
        ("+47 22 55 01 43", "+4722550143"),
        ("call Ada", ""),
        ("1;ext=2", ""),
        (None, ""),
    ],
)
def test_a_number_is_dialled_only_where_it_is_one(number: str | None, told: str) -> None:
    assert dialled(number) == told


@pytest.mark.parametrize(("seconds", "told"), [(0.02, "less than 0.1 s"), (0.6, "0.6 s"), (2, "2 s"), (45.4, "45 s")])
def test_a_duration_is_told_as_exactly_as_it_matters(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize("path", ["/console/people", "/console/orders", "/console/digest"])
def test_a_role_that_may_not_see_it_gets_no_link_to_a_setting(as_read_only: Person, path: str) -> None:
    assert "/console/settings" not in as_read_only.get(path).text
