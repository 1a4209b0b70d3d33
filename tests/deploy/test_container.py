"""Dockerfile and compose.yaml, where no builder is at hand: what they must keep is read from them."""

import re
from typing import Any

import yaml

from config import PROJECT, Settings
from tests.deploy.test_units import keys

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LAST_STAGE = DOCKERFILE.rpartition("\nFROM ")[2]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_an_image_holds_no_keys_and_no_customers() -> None:
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert {".env", ".git", "instance", ".venv*", "**/*.db", "**/*.pem"} <= set(ignored)


def test_the_service_is_not_root_and_serves_from_its_locked_packages() -> None:
    assert re.search(r"^USER 5050:5050$", LAST_STAGE, re.MULTILINE)
    assert "groupadd --system --gid 5050" in LAST_STAGE, "a group without a name can't be given to what is backed up"
    assert LAST_STAGE.index("USER 5050") > LAST_STAGE.rindex("\nRUN ")
    assert "--require-hashes -r requirements.txt" in DOCKERFILE
    assert '"gunicorn.conf.py", "wsgi:app"]' in LAST_STAGE.splitlines()[-1]
    assert re.search(r"^HEALTHCHECK .*healthz", LAST_STAGE, re.MULTILINE)


def test_every_base_image_names_its_version() -> None:
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images += [service["image"] for service in compose()["services"].values() if service["image"] != "utopia-handler"]

    assert images
    assert [image for image in images if not re.search(r":\d", image)] == []


def test_our_containers_have_no_rights_a_read_only_root_and_volumes_where_they_write() -> None:
    for name in ("handler", "backup"):
        service = compose()["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        writable = {volume.split(":")[1] for volume in service["volumes"] if not volume.endswith(":ro")}
        assert writable == set(re.findall(r'"(/[^"]+)"', re.search(r"^VOLUME (.*)$", LAST_STAGE, re.MULTILINE)[1]))  # type: ignore[index]
        assert {key.lower() for key in service["environment"]} <= set(Settings.model_fields)


def test_a_stop_drains_as_systemd_lets_it() -> None:
    unit = keys(PROJECT / "deploy" / "utopia-handler.service")

    assert compose()["services"]["handler"]["stop_grace_period"] == f"{unit['TimeoutStopSec']}s"
    assert "STOPSIGNAL SIGTERM" in LAST_STAGE


def test_the_programs_for_the_backup_are_as_new_as_the_database() -> None:
    version = compose()["services"]["database"]["image"].partition(":")[2]

    assert f"postgresql-client-{version}" in LAST_STAGE


def test_only_caddy_is_reached_from_outside_and_it_finds_the_service() -> None:
    services = compose()["services"]

    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    assert services["caddy"]["environment"]["HANDLER"] == "handler:5050"
    assert "reverse_proxy {$HANDLER:127.0.0.1:5050}" in (PROJECT / "deploy" / "Caddyfile").read_text(encoding="utf-8")


def test_the_page_says_what_was_tried_and_what_was_not() -> None:
    page = " ".join((PROJECT / "docs" / "container.md").read_text().split())

    assert "was built by buildah" in page
    assert "never started with its PostgreSQL and Caddy" in page
