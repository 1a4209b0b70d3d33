"""README, changelog and the example files name nothing that doesn't exist, and leave out nothing that people need."""

import re
import tomllib

import pytest
from click import Group

from app import create_app
from app.models import OrderState
from app.provisioning.matching import Problem
from app.version import VERSION
from config import PROJECT, Settings, load_settings

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = "\n".join(page.read_text(encoding="utf-8") for page in sorted((PROJECT / "docs").glob("*.md")))
OUTSIDE_ENV = {"WEB_CONCURRENCY", "EXECUTOR_ID"}
WORDS_IN_CAPITALS = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`")


def commands(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


@pytest.fixture(scope="module")
def cli(tmp_path_factory):
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


def test_every_command_is_in_the_readme(cli):
    ours = {name for name in cli if " " in name}
    assert {name for name in ours if name not in README} == set()


def test_every_command_and_option_in_the_readme_exists(cli):
    groups = "config|db|digest|import|orders|plans|templates|users"
    told = re.findall(rf"(?:(?<!/)utopia-handler |`)((?:{groups}) [a-z-]+)([^`\n|]*)", README + PAGES)
    assert len(told) > 20
    for name, rest in told:
        assert name in cli, name
        options = {option for parameter in cli[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest.partition("#")[0])) <= options, (name, rest)


def test_every_setting_that_the_readme_names_exists():
    named = set(WORDS_IN_CAPITALS.findall(README)) - OUTSIDE_ENV
    assert len(named) > 15
    assert {name for name in named if name.lower() not in Settings.model_fields} == set()


def test_the_readme_says_what_to_do_for_every_problem_and_explains_every_state():
    sources = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "app" / "provisioning").glob("*.py"))
    problems = {*re.findall(r'NeedsReview\(\s*"([a-z_]+)"', sources), *Problem}
    assert len(problems) > 15
    assert {name for name in (*problems, *OrderState) if f"`{name}`" not in README} == set()


def test_every_file_that_the_readme_links_to_exists():
    for name in re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(
        r"`((?:deploy|ticket_descriptions)/[^`]+\.\w+)`", README
    ):
        assert (PROJECT / name).exists(), name


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert project["version"] == VERSION
    assert re.search(r"^## (\S+?),? ", changes, re.MULTILINE)[1] == VERSION


def test_systemd_waits_longer_for_a_stop_than_gunicorn():
    unit = (PROJECT / "deploy" / "utopia-handler.service").read_text(encoding="utf-8")
    patience = int(re.search(r"^graceful_timeout = (\d+)", (PROJECT / "gunicorn.conf.py").read_text(), re.MULTILINE)[1])
    assert int(re.search(r"^TimeoutStopSec=(\d+)", unit, re.MULTILINE)[1]) > patience
