"""Folders of the old scripts, and what the import says of them."""

import json
from pathlib import Path
from typing import Any

import bcrypt
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app.models import User
from tests.conftest import Service
from tests.tools.command_runs import run

OTHER = "UIA202411-000002"
INVENTED = "UNKNOWN_20261101_100000_ab12cd34"
HASH = generate_password_hash("fiber to every door", method="scrypt:1024:8:1")
BCRYPT = bcrypt.hashpw(b"fiber to every door", bcrypt.gensalt(4)).decode()
PBKDF2 = generate_password_hash("fiber to every door", method="pbkdf2:sha256:1000")


def leave(folder: Path, **files: Any) -> Path:
    """A folder with what the scripts left: `failed_orders`, `users`, `last_run_date` as JSON or text, `env` as text."""
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / (".env" if name == "env" else f"{name}.json")).write_text(text)
    return folder


def imported(service: Service, folder: Path, *options: str) -> Any:
    return run(service, "import", "legacy", str(folder), "--no-wait", *options)


def report(service: Service, folder: Path, *options: str) -> dict[str, list[tuple[str, str]]]:
    """Each file's entries: what it is, and what became of it. Also of a run that left something out."""
    said = json.loads(imported(service, folder, "--json", *options).stdout)
    return {file["file"]: [(one["subject"], one["became"]) for one in file["entries"]] for file in said["files"]}


def why(service: Service, folder: Path, name: str) -> str:
    said = json.loads(imported(service, folder, "--json").stdout)
    (file,) = (file for file in said["files"] if file["file"] == name)
    return "; ".join(entry["why"] for entry in file["entries"])


def users(service: Service) -> dict[str, str]:
    with service.services.database.read() as session:
        return {row.name: row.role for row in session.execute(select(User.name, User.role))}
