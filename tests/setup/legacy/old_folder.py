"""The folder of an installation of the scripts in use before, as they left it (reference: the old scripts)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt

OPEN = "UIA202411-001186"
SETTLED = "UIA202411-000007"
INVENTED = "UNKNOWN_20261101_100000_ab12cd34"
PASSWORD = "olga's pass"
TEXT = """<p>Hello {customer_name},</p>
<p>your order {order_ref} for site {site_id} has arrived. We call you at {phone} or write to {email}.</p>
<p>{address}, {city}, {state} {zip}</p>
"""
OTHER_TEXT = "<p>Hello {customer_name}, your appointment has moved.</p>\n"
DAY_OF_THE_LAST_RUN = "14/11/2026"


def hashed(password: str) -> str:
    """As their settings page and `users.json` have it."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def make(folder: Path, env: Mapping[str, str], **files: Any) -> Path:
    """The order script's folder with the ticket script's files; `files` replaces one by its name without `.json`."""
    folder.mkdir(parents=True)
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in env.items()))
    contents = {"users": USERS, "failed_orders": FAILED_ORDERS, "last_run_date": LAST_RUN_DATE} | files
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2))
    _leave_texts(folder / "ticket_descriptions")
    _leave_the_rest(folder)
    return folder


def environment(**changed: str) -> dict[str, str]:
    """The old `.env`, without what the office's systems are called."""
    values = {
        "ADMIN_USER": "boss",
        "ADMIN_PASS_HASH": hashed("the boss's pass"),
        "SECRET_KEY": "the-old-secret-key",
        "FLASK_HOST": "127.0.0.1",
        "FLASK_PORT": "5050",
        "PC_VERIFY_SSL": "false",
        "PC_CUST_TAGS": "5,9",
        "PC_ADDRESS_RANGE_V4": "10228",
        "SERVICE_PLAN_1GBPS_ID": "201",
        "SERVICE_PLAN_250MBPS_ID": "202",
        "SERVICE_PLAN_BOND_FEE_ID": "203",
        "TICKET_TEMPLATE_DIR": "ticket_descriptions",
        "TICKET_TEMPLATE_FILE": "new_desc.txt",
        "TICKET_TEMPLATE_META_FILE": "new_desc.txt.meta.json",
        "EMAIL_SENDER": "fiber@example.com",
        "EMAIL_RECIPIENTS": "office@example.com",
    }
    return {**values, **changed}


USERS = [
    {"username": "olga", "password": hashed(PASSWORD), "can_view_config": True},
    {"username": "bo", "password": hashed("bo's pass"), "can_view_config": False},
]


def _failed(orderref: str, *, resolved: bool = False, **more: str) -> dict[str, Any]:
    return {
        "orderref": orderref,
        "error_message": "HTTPSConnectionPool: Read timed out.",
        "failure_type": "customer_creation",
        "timestamp": "2026-11-01T10:00:00",
        "first_failure": "2026-11-01T09:00:00",
        "customer_data": {"firstname": "Ada", "lastname": "Lind", "email": "ada.lind@example.com"},
        "retry_count": 0,
        "resolved": resolved,
        **more,
    }


FAILED_ORDERS = {
    OPEN: _failed(OPEN),
    SETTLED: _failed(SETTLED, resolved=True, resolution_notes="made by hand"),
    INVENTED: _failed(INVENTED),
}
LAST_RUN_DATE = {"last_run_date": DAY_OF_THE_LAST_RUN}


def _leave_texts(folder: Path) -> None:
    folder.mkdir()
    for name, title, text in (
        ("new_desc.txt", "Welcome to fiber", TEXT),
        ("moved.txt", "Appointment moved", OTHER_TEXT),
    ):
        (folder / name).write_text(text)
        about = {"name": title, "subject": "Your fiber order", "last_modified": "2026-10-01T08:00:00"}
        (folder / f"{name}.meta.json").write_text(json.dumps(about))


def _leave_the_rest(folder: Path) -> None:
    (folder / "api_callback.ini").write_text("[uwsgi]\nmodule = wsgi:app\nsocket = /run/api_callback.sock\n")
    (folder / "api_class.log").write_text("2026-11-01 10:00:00 INFO started\n")
    (folder / "token.json").write_text('{"refresh_token": "a-google-token"}')
    (folder / "credentials.json").write_text('{"installed": {"client_secret": "a-google-secret"}}')
    (folder / "raw_data.csv").write_text("Ada,Lind,ada.lind@example.com,TM-1,Closed,14/11/2026\n")
    (folder / "run_util.bat").write_text("python process_ticket.py\n")
    (folder / "api_class.py").write_text("print('the old script')\n")
    (folder / "__pycache__").mkdir()
