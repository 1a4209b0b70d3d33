"""The pages name nothing that doesn't exist, and leave out nothing that people need."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Command, Group

from app import create_app
from app.models import OrderState
from app.provisioning.problems import PROBLEMS
from app.version import VERSION
from config import PROJECT, REQUIRED, Settings, load_settings
from sandbox.demo.service import as_text
from tests.project.test_architecture import LAYERS

DOCS = PROJECT / "docs"
FILES = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
TEXTS = {path: path.read_text(encoding="utf-8") for path in FILES}
TOLD_ONCE = {PROJECT / "CHANGELOG.md", DOCS / "decisions.md"}  # what they say was true on its day
PAGES = "\n".join(text for path, text in TEXTS.items() if path not in TOLD_ONCE)
OUR_FILES = re.compile(
    r"`((?:app|benchmarks|deploy|migrations|powercode|sandbox|tests|ticket_descriptions|utopia)/[^`\s]+)`"
)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FIRST_TWO_CELLS = re.compile(r"^\| (.+?) \| (.+?) \|", re.MULTILINE)
OUTSIDE_ENV = re.compile("WEB_CONCURRENCY|POSTGRES_PASSWORD|(?:AWS|DEPLOY)_.*")
WORDS_IN_CAPITALS = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`")


def commands(group: Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Command]]:
    for name, command in group.commands.items():
        if isinstance(command, Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Command]:
    required = {
        "utopia_url_endpoint": "https://api.example.com",
        "pc_url": "https://powercode.example.com",
        "service_plan_mapping": "{}",
        "additional_service_plan_mapping": "{}",
        "mail_server": "smtp.example.com",
        "email_sender": "fiber@example.com",
        "email_recipients": "office@example.com",
        "database_url": f"sqlite:///{tmp_path_factory.mktemp('documents')}/handler.db",
    }
    secrets = dict.fromkeys(("utopia_api_key", "pc_api_key", "secret_key"), "x")
    app = create_app(load_settings(**required, **secrets))
    return dict(commands(app.cli))


def rows(name: str) -> list[tuple[str, str]]:
    """The first two cells of each row of a page's tables, without their headings."""
    return [row for row in FIRST_TWO_CELLS.findall(TEXTS[DOCS / name]) if row[0].startswith("`")]


def options_of(command: Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


def test_the_page_of_the_commands_has_each_with_its_options_and_no_other(cli: dict[str, Command]) -> None:
    told = {
        re.match(r"`([a-z -]+?)(?= [A-Z\[-]|`)", name)[1]: set(re.findall(r"--[a-z-]+", name))
        for name, _ in rows("commands.md")
    }
    built_in = {"overview"}  # what `utopia-handler --help` calls
    assert told == {name: options_of(command) for name, command in cli.items() if name not in built_in}


def test_every_command_and_option_in_the_pages_exists(cli: dict[str, Command]) -> None:
    groups = "accounts|config|db|digest|import|orders|plans|templates|users"
    told = re.findall(rf"(?:(?<!/)utopia-handler |`)((?:{groups}) [a-z-]+)([^`\n|]*)", PAGES)
    assert len(told) > 20
    for name, rest in told:
        assert name in cli, name
        assert set(re.findall(r"--[a-z-]+", rest.partition("#")[0])) <= options_of(cli[name]), (name, rest)


def test_the_page_of_the_settings_has_each_once_and_no_other() -> None:
    told = [name.strip("`") for name, _ in rows("settings.md")]
    assert sorted(told) == sorted(name.upper() for name in Settings.model_fields)


def test_the_page_of_the_settings_says_which_are_required_and_the_others_real_defaults() -> None:
    for name, told in rows("settings.md"):
        field = name.strip("`").lower()
        default = as_text(Settings.model_fields[field].default)
        if field in REQUIRED:
            assert told == "required", field
        elif default:
            assert told == f"`{default}`", field
        else:
            assert told != "required", field


def test_every_setting_that_the_pages_name_exists() -> None:
    named = {name for name in WORDS_IN_CAPITALS.findall(PAGES) if not OUTSIDE_ENV.fullmatch(name)}
    assert len(named) > 15
    assert {name for name in named if name.lower() not in Settings.model_fields} == set()


def test_the_page_of_the_orders_says_what_to_do_for_every_problem_and_explains_every_state() -> None:
    assert len(PROBLEMS) > 15
    assert {name for name in (*PROBLEMS, *OrderState) if f"`{name}`" not in TEXTS[DOCS / "orders.md"]} == set()


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert TEXTS[PROJECT / "README.md"].count("\n") <= 150


def test_the_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\((\w+\.md)\)", TEXTS[DOCS / "README.md"]))
    assert linked == {path.name for path in DOCS.glob("*.md")} - {"README.md"}


def anchors(text: str) -> set[str]:
    """What a link may name behind `#`: each heading, small, without marks, with - for blanks."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_link_leads_to_a_file_and_a_heading_that_there_are(path: Path) -> None:
    for name, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", FENCED.sub("", TEXTS[path])):
        place = path.parent / name if name else path
        assert place.exists(), name
        assert not anchor or anchor in anchors(place.read_text(encoding="utf-8")), (name, anchor)


def test_every_file_of_ours_that_the_pages_name_exists() -> None:
    for name in OUR_FILES.findall(PAGES):
        assert (PROJECT / name).exists(), name


def test_the_picture_of_the_rooms_is_that_of_the_layers() -> None:
    picture = re.search(r"```text\n(.*?)```", TEXTS[DOCS / "architecture.md"], re.DOTALL)[1]
    assert [set(line.split()) for line in picture.splitlines()] == LAYERS


def test_every_room_has_a_line_that_says_what_it_is_for() -> None:
    rooms = TEXTS[DOCS / "architecture.md"].partition("| room |")[2].partition("\n\n")[0]
    told = [name for cell, _ in FIRST_TWO_CELLS.findall(rooms) for name in re.findall(r"`([\w.]+)`", cell)]
    assert sorted(told) == sorted(room for layer in LAYERS for room in layer)


def test_a_word_of_the_glossary_has_one_line() -> None:
    words = [word for word, _ in FIRST_TWO_CELLS.findall(TEXTS[DOCS / "glossary.md"]) if word not in ("word", "---")]
    assert len(words) > 50
    assert len(words) == len(set(words))


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert project["version"] == VERSION
    assert re.search(r"^## (\S+?),? ", changes, re.MULTILINE)[1] == VERSION


def test_systemd_waits_longer_for_a_stop_than_gunicorn() -> None:
    unit = (PROJECT / "deploy" / "utopia-handler.service").read_text(encoding="utf-8")
    patience = int(re.search(r"^graceful_timeout = (\d+)", (PROJECT / "gunicorn.conf.py").read_text(), re.MULTILINE)[1])
    assert int(re.search(r"^TimeoutStopSec=(\d+)", unit, re.MULTILINE)[1]) > patience
