"""The flask commands: what they print, how they end, and that ordinary faults are one line and no traceback."""

import re
from pathlib import Path

import pytest
import trustme
from flask.cli import ScriptInfo
from flask.cli import cli as cli_of_flask
from pydantic import SecretStr
from sqlalchemy import select, text

from app import create_app
from app.models import AuditEntry
from app.setup import settings_checks
from app.version import VERSION
from sandbox import Sandbox
from tests.conftest import Service, settings_for
from tests.tools.command_runs import commands, failed, idle, printed, run

# what it says of itself


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_the_help_says_what_the_commands_are_in_our_words(service: Service, arguments: tuple[str, ...]) -> None:
    result = run(service, "overview", *arguments)

    assert result.stdout.startswith("Usage: utopia-handler [OPTIONS] COMMAND [ARGS]...\n\n  The commands of Utopia API")
    assert "orders     Fiber orders." in result.stdout
    assert not {word for word in ("flask", "Flask", "overview", "shell", "routes") if word in result.stdout}


def test_the_version_is_the_services_own(service: Service) -> None:
    assert run(service, "overview", "--version").stdout.startswith(f"utopia-handler {VERSION}, commit ")


def test_an_option_without_a_command_is_told_of_in_one_line(service: Service) -> None:
    fault = failed(run(service, "overview", "--nonsense"))
    assert fault == "There is no option --nonsense. See utopia-handler --help"


def test_the_librarys_own_commands_are_not_offered(service: Service) -> None:
    with service.app.app_context():
        said = service.app.test_cli_runner().invoke(
            cli_of_flask, ["--help"], obj=ScriptInfo(create_app=lambda: service.app)
        )
    assert {"routes", "run", "shell"}.isdisjoint(re.findall(r"^  (\w+)", said.stdout, re.MULTILINE))


# config


def test_settings_that_are_complete_pass_and_notes_say_what_to_look_at_twice(service: Service) -> None:
    result = run(service, "config", "check")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "The settings are complete."
    assert "Note: PC_URL is not https" in result.stdout
    assert "Note: CALLBACK_TOKEN is not set: anybody can send callbacks" in result.stdout


def test_a_missing_token_is_told_loudly(service: Service) -> None:
    assert run(service, "config", "check").stderr.startswith("WARNING: CALLBACK_TOKEN is not set")
    with service.changed(callback_token=SecretStr("x")):
        assert "CALLBACK_TOKEN" not in run(service, "config", "check").output


@pytest.mark.parametrize(("key", "is_told"), [("abc", True), ("a" * 64, True), ("4c1f09e2b7d35a86" * 2, False)])
def test_a_secret_key_that_can_be_guessed_is_noted(service: Service, key: str, is_told: bool) -> None:
    settings = service.services.settings.model_copy(update={"secret_key": SecretStr(key)})

    assert any("SECRET_KEY" in note for note in settings_checks.warnings(settings)) == is_told


def test_switched_off_certificate_checks_are_a_loud_warning(service: Service) -> None:
    with service.changed(pc_verify_ssl=False):
        assert "Note: PC_VERIFY_SSL is false" in run(service, "config", "check").stdout


@pytest.mark.long
def test_every_fault_of_the_settings_is_printed_at_once_without_a_traceback(tmp_path: Path) -> None:
    with commands(tmp_path) as (_sandbox, process):
        process.environment |= {"PC_API_KEY": "", "MAIL_PORT": "smtp", "CALLBACK_TOKEN": "tok-1", "LOG_LEVEL": "LOUD"}
        process.environment.pop("UTOPIA_URL_ENDPOINT")
        process.environment |= {"MAIL_USE_TLS": "1", "MAIL_USE_SSL": "1"}
        result = process.run("config", "check")

    assert result.returncode == 1
    named = [line.split()[0].rstrip(":") for line in result.stderr.splitlines()[1:]]
    assert named == ["UTOPIA_URL_ENDPOINT", "PC_API_KEY", "MAIL_PORT", "LOG_LEVEL", "MAIL_USE_TLS"]
    assert "tok-1" not in result.stderr
    assert "Traceback" not in result.stderr


def test_the_connection_check_asks_each_system_and_changes_nothing(service: Service) -> None:
    result = run(service, "config", "check", "--connect")

    assert result.exit_code == 0, result.stderr
    assert [line for line in result.stdout.splitlines() if line.endswith(": answers")] == [
        "Database: answers",
        "UTOPIA: answers",
        "PowerCode: answers",
        "Mail server: answers",
    ]
    assert service.sandbox.mailbox.messages == []
    assert service.sandbox.powercode.customers == {}


@pytest.mark.parametrize(
    ("server", "name"), [("utopia", "UTOPIA"), ("powercode", "PowerCode"), ("mailbox", "Mail server")]
)
def test_the_connection_check_names_the_system_that_is_down(service: Service, server: str, name: str) -> None:
    service.sandbox.servers[server].down()

    result = run(service, "config", "check", "--connect")

    assert failed(result) == f"Not usable: {name}"
    assert f"{name}: " in result.stdout
    assert result.stdout.count(": answers") == 3


def test_the_connection_check_names_the_database_its_host_and_the_cause(sandbox: Sandbox, tmp_path: Path) -> None:
    url = "postgresql://ada:very-secret@127.0.0.1:1/orders"
    app = create_app(settings_for(sandbox, tmp_path, database_url=url))

    result = app.test_cli_runner().invoke(args=["config", "check", "--connect"])

    assert failed(result).endswith("Not usable: Database")
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("Database: ")]
    assert line.startswith("Database: The database orders on 127.0.0.1:1, as ada: ")
    assert "refused" in line
    assert "very-secret" not in result.output


def test_the_connection_check_tells_of_a_wrong_key(service: Service) -> None:
    right = service.sandbox.utopia.api_key
    service.sandbox.utopia.api_key = "another"
    try:
        result = run(service, "config", "check", "--connect")
    finally:
        service.sandbox.utopia.api_key = right

    assert failed(result) == "Not usable: UTOPIA"
    assert right not in result.output


def test_the_connection_check_tells_of_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    with Sandbox(powercode_tls=(str(certificate), str(key))) as sandbox:
        service = Service(sandbox, settings_for(sandbox, tmp_path))
        result = run(service, "config", "check", "--connect")
        service.services.database.dispose()

    assert failed(result) == "Not usable: PowerCode"
    assert "certificate" in result.stdout


# db


def test_the_database_is_created_and_upgrading_again_changes_nothing(tmp_path: Path) -> None:
    with idle(tmp_path, database_url=f"sqlite:///{tmp_path}/below/handler.db") as app:
        runner = app.test_cli_runner()
        before = runner.invoke(args=["orders", "list"])
        upgrades = [runner.invoke(args=["db", "upgrade"]) for _ in range(2)]
        after = runner.invoke(args=["orders", "list"])

    assert failed(before) == "The database is not up to date. Run: utopia-handler db upgrade"
    assert [(each.exit_code, each.output) for each in upgrades] == [(0, "The database is up to date.\n")] * 2
    assert (after.exit_code, after.output) == (0, "No orders.\n")


@pytest.mark.parametrize("command", ["db upgrade", "orders list", "orders submit UIA-1", "plans list"])
def test_a_database_that_cannot_be_used_is_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "occupied").write_text("no folder")
    with idle(tmp_path, database_url=f"sqlite:///{tmp_path}/occupied/handler.db") as app:
        error = failed(app.test_cli_runner().invoke(args=command.split()))

    assert error.startswith("The database can't be ")
    assert error.endswith("See DATABASE_URL")


@pytest.mark.parametrize("command", ["db upgrade", "orders list"])
def test_a_database_server_that_is_down_is_one_line_without_its_password(
    sandbox: Sandbox, tmp_path: Path, command: str
) -> None:
    sandbox.webhook.down()  # a port where nothing listens
    url = f"postgresql://ada:db-pw-1@127.0.0.1:{sandbox.webhook.port}/handler"
    app = create_app(settings_for(sandbox, tmp_path, database_url=url))
    result = app.test_cli_runner().invoke(args=command.split())

    assert failed(result).startswith("The database can't be ")
    assert "db-pw-1" not in result.output


def test_a_database_that_breaks_in_the_middle_is_one_line(service: Service) -> None:
    service.execute(text("ALTER TABLE service_plan_mappings RENAME TO elsewhere"))
    try:
        assert failed(run(service, "plans", "map", "2 Gbps", "165")).startswith("The database can't be used")
    finally:
        service.execute(text("ALTER TABLE elsewhere RENAME TO service_plan_mappings"))


# plans


def test_plans_are_listed_mapped_and_unmapped(service: Service) -> None:
    assert printed(run(service, "plans", "list", "--json")) == [
        {"description": "1 Gbps", "service_id": 164, "additional": False},
        {"description": "250 Mbps", "service_id": 163, "additional": False},
        {"description": "Bond fee", "service_id": 172, "additional": True},
    ]

    assert run(service, "plans", "map", " 2  Gbps ", "165").exit_code == 0
    assert run(service, "plans", "map", "1GBPS", "166").exit_code == 0
    assert run(service, "plans", "map", "Router", "180", "--additional").exit_code == 0
    assert run(service, "plans", "unmap", "250 mbps").exit_code == 0
    assert run(service, "plans", "unmap", "bond fee", "--additional").exit_code == 0
    unmapped = select(AuditEntry).filter_by(action="plan unmapped", subject="250 mbps")
    assert service.one(unmapped).note == "service 163 to not mapped"

    assert [line.split("  ")[0] for line in run(service, "plans", "list").stdout.splitlines()] == [
        "1GBPS",
        "2 Gbps",
        "Router",
    ]


def test_a_plan_that_is_not_there_or_has_no_name_or_number_is_refused(service: Service) -> None:
    assert failed(run(service, "plans", "unmap", "3 Gbps")) == "There is no plan 3 Gbps; `plans list` shows all"
    assert failed(run(service, "plans", "map", " ", "165")) == "The description is empty"
    assert run(service, "plans", "map", "3 Gbps", "0").exit_code == 2
    assert run(service, "plans", "map", "3 Gbps", "many").exit_code == 2


def test_a_plan_is_not_sold_as_what_every_new_account_gets_nor_the_other_way_round(service: Service) -> None:
    assert "every new account gets" in failed(run(service, "plans", "map", "10 Gbps", "172"))
    assert "would never be billed" in failed(run(service, "plans", "map", "Router", "164", "--additional"))
    assert run(service, "plans", "map", "bond fee", "172").exit_code == 0, "the same thing, ordered"


WRONG_WORDS = (
    "orders show",
    "orders list --state foo",
    "orders dismiss REF",
    "orders shwo REF",
    "plans map X abc",
    "digest run --since tomorrow",
    "db copy",
    "users add Ada --role king",
    "flob",
    "worker --port 99999",
    "orders --flob",
)


@pytest.mark.parametrize("words", WRONG_WORDS)
def test_words_that_do_not_fit_are_one_line_that_leads_to_the_help(service: Service, words: str) -> None:
    result = run(service, *words.split())

    assert result.exit_code == 2
    assert "See utopia-handler" in failed(result)
    assert "--help" in failed(result)
    assert "integer" not in failed(result)


def test_a_description_longer_than_the_table_holds_is_refused(service: Service) -> None:
    assert "longer than" in failed(run(service, "plans", "map", "x" * 191, "165"))
    assert run(service, "plans", "map", "x" * 190, "165", "--additional").exit_code == 0


# templates


def test_the_ticket_text_that_comes_with_the_service_is_fine(service: Service) -> None:
    result = run(service, "templates", "check")

    assert (result.exit_code, result.stdout) == (0, "new_desc.txt: fine.\n")


def test_faults_of_the_ticket_text_are_named_with_their_lines(service: Service, tmp_path: Path) -> None:
    (tmp_path / "new_desc.txt").write_text("Dear {first_name},\n\nyour {frist_name} and {no_such_thing}\nare } here\n")

    with service.changed(ticket_template_dir=tmp_path):
        result = run(service, "templates", "check")

    assert failed(result) == "Can't be used: new_desc.txt"
    lines = result.stdout.splitlines()
    assert [("line 3" in line, "frist_name" in line) for line in lines][:1] == [(True, True)]
    assert "line 3" in lines[1]
    assert "no_such_thing" in lines[1]
    assert "line 4" in lines[2]


@pytest.mark.parametrize("content", [None, b"", b"caf\xe9 {first_name}"])
def test_a_ticket_text_that_cannot_be_read_is_a_fault(service: Service, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "new_desc.txt").write_bytes(content)

    with service.changed(ticket_template_dir=tmp_path):
        result = run(service, "templates", "check")

    assert failed(result) == "Can't be used: new_desc.txt"
    assert result.stdout.startswith("new_desc.txt: ")


def test_help_names_every_group(service: Service) -> None:
    text = run(service, "--help").stdout

    assert [name for name in ("config", "db", "orders", "plans", "templates") if f"\n  {name} " not in text] == []


def test_a_plan_that_the_settings_sell_otherwise_than_the_table_is_named(service: Service) -> None:
    with service.changed(service_plan_mapping={"1 Gbps": 901, "250 Mbps": 163}, additional_service_plan_mapping={}):
        said = run(service, "config", "check").stdout

    assert '"1 Gbps" is sold as service 164, and SERVICE_PLAN_MAPPING has 901' in said
    assert '"Bond fee" is sold as service 172, and ADDITIONAL_SERVICE_PLAN_MAPPING has no such plan' in said
    assert "250 Mbps" not in said
