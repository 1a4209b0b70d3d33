"""The dry run: the office's checklist for the day of the switch, and the old settings name by name."""

import json
from pathlib import Path

from app.setup.legacy import environment
from tests.conftest import Service
from tests.setup.legacy import old_folder
from tests.setup.legacy.reports import imported, leave, report
from tests.tools.command_runs import failed


def test_the_dry_run_is_the_checklist_for_the_day(service: Service, tmp_path: Path) -> None:
    folder = old_folder.make(tmp_path / "old", old_folder.environment(CUSTOMER_PORTAL_PASSWORD="the same for all"))

    result = imported(service, folder, "--dry-run")
    words = imported(service, folder, "--dry-run", "--json")

    assert result.exit_code == 0, result.stderr
    checklist = json.loads(words.stdout)
    counts = {file["file"]: file["counts"] for file in checklist["files"]}
    assert counts["failed_orders.json"] == {"entries": 3, "taken": 1, "left out": 2}
    assert all(sum(each.values()) == 2 * each["entries"] for each in counts.values())
    told = {entry["subject"] for file in checklist["files"] for entry in file["entries"]}
    assert {*old_folder.environment(), *(file.name for file in folder.iterdir() if file.suffix != ".json")} <= {
        *(told | {".env", "ticket_descriptions"})
    }
    changes = {each["what"]: each for each in checklist["differences"]}
    assert "203" in changes["Quantity of each plan and of the bond fee"]["to_keep"]
    assert "PC_TICKET_SUMMARY=BZN - Customer" in changes["The ticket's summary"]["to_keep"]
    assert "the same for all" in changes["The portal password of a new customer"]["before"]
    assert "that day itself" in changes["The first digest"]["from_now_on"]
    assert {"Who may do what", "Placeholders in the ticket's text"} <= changes.keys()
    for part in ("systemctl disable --now api_callback.service", "/run/api_callback.sock", "http://127.0.0.1:5050"):
        assert part in result.stdout
    for secret in ("the-old-secret-key", "a-google-token", "a-google-secret", "ada.lind@example.com"):
        assert secret not in result.stdout


def test_the_ticket_scripts_folder_alone_is_taken_over_too(service: Service, tmp_path: Path) -> None:
    leave(tmp_path, last_run_date={"last_run_date": "14/11/2026"})
    (tmp_path / "raw_data.csv").write_text("Ada,Lind,ada.lind@example.com\n")

    said = report(service, tmp_path)

    assert said["last_run_date.json"] == [("the day of the last run", "taken")]
    assert said["the rest of the folder"] == [("raw_data.csv", "left out")]


def test_without_a_last_run_the_first_window_is_told_with_the_old_one(service: Service, tmp_path: Path) -> None:
    folder = leave(tmp_path, env="", users=[])

    changes = json.loads(imported(service, folder, "--dry-run", "--json").stdout)["differences"]

    (first,) = (each for each in changes if each["what"] == "The first digest")
    assert (first["before"], first["from_now_on"]) == (
        "18 months back",
        "the last 7 days (DIGEST_FIRST_WINDOW_DAYS)",
    )
    assert "DIGEST_FIRST_WINDOW_DAYS=548" in first["to_keep"]


def test_the_old_settings_are_compared_and_nothing_of_them_is_written(service: Service, tmp_path: Path) -> None:
    env = (
        "PC_DUE_BY_DAYS=5\n"
        f"UTOPIA_API_KEY={service.sandbox.utopia.api_key}\n"
        "PC_API_KEY='another key 17'\n"
        "MAIL_SERVER=${HOME}\n"
        "GOOGLE_SHEET=hidden-value\n"
        "PC_ADDRESS_RANGE_V4=10228\n"
        "SERVICE_PLAN_1GBPS_ID=201\n"
        "SERVICE_PLAN_250MBPS_ID=163\n"
        "MAIL_PORT=many\n"
        "TIMEZONE=\n"
    )

    result = imported(service, leave(tmp_path, env=env))

    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in result.stdout.splitlines() if line[:2] == "  "}
    anew = {name for name, what in lines.items() if what.startswith("must be set anew it is not in that file")}
    assert {"SECRET_KEY", "EMAIL_SENDER"} <= anew
    lines = {name: what for name, what in lines.items() if name not in anew}
    assert lines == {
        "PC_DUE_BY_DAYS": "taken as it is differs so far: there 5, here 0",
        "UTOPIA_API_KEY": "taken as it is the same value here",
        "PC_API_KEY": "taken as it is differs so far: another value (not shown)",
        "MAIL_SERVER": f"taken as it is differs so far: there ${{HOME}}, here {service.sandbox.mailbox.host}",
        "GOOGLE_SHEET": "not used any more there is no setting of that name (its value is not shown)",
        "PC_ADDRESS_RANGE_V4": "not used any more it had no part in an order",
        "SERVICE_PLAN_1GBPS_ID": "stands for “1 Gbps” in SERVICE_PLAN_MAPPING: there 201, here 164",
        "SERVICE_PLAN_250MBPS_ID": "stands for “250 Mbps” in SERVICE_PLAN_MAPPING: service 163, the same here",
        "MAIL_PORT": "must be set anew its value there can't be used here: must be a whole number",
        "TIMEZONE": "taken as it is it has no value there",
    }
    for secret in ("another key 17", "hidden-value", service.sandbox.utopia.api_key):
        assert secret not in result.output


def test_a_line_that_is_no_setting_is_told_without_showing_it(service: Service, tmp_path: Path) -> None:
    result = imported(
        service, leave(tmp_path, env="PC_DUE_BY_DAYS=0\nsecret password here\n='x\nhunter2\nMIIEvgIBAD\n")
    )

    assert "could not be taken" in failed(result)
    assert "line 4" in result.output
    for secret in ("secret password", "hunter2", "MIIEvgIBAD"):
        assert secret not in result.output


def test_a_database_password_in_the_old_settings_is_not_shown(service: Service) -> None:
    found = list(
        environment.compare("DATABASE_URL=postgresql://me:hunter22@db.example.com/x", service.services.settings)
    )

    assert found[0].why.startswith("differs so far: there postgresql+psycopg://me:***@db.example.com/x")
