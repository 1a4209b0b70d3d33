"""`make demo`: the real service at work against the sandbox, told in plain text on one screen.

Everything that it writes is in `.demo/`, which only its user can read and each start makes anew. A `.env` is ignored:
every setting is given explicitly, so that the demo can't reach a real system.
"""

import fcntl
import os
import shutil
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from config import PROJECT
from sandbox import Sandbox
from sandbox.demo import report
from sandbox.demo.seed import HAPPY_ORDER, UNKNOWN_PLAN_ORDER, seed_demo
from sandbox.demo.service import DemoService, demo_settings, port_is_free
from sandbox.mailbox import Mail

FOLDER = PROJECT / ".demo"
STAYS_EVERY_SECONDS = 0.3
MAIL_PATIENCE = 600
"""Tenths of a second; a mail takes a few on an idle machine."""


class InTheWay(Exception):
    """The demo can't begin; the text says why and what to do."""


class DemoFailed(Exception):
    """A result was not as expected; the text says which."""


def main() -> int:
    """Show the demo; 0 when everything came out as it should, 1 with a line on stderr when not."""
    os.umask(0o077)
    asked_to_end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked_to_end.set())
    once = os.environ.get("ONCE", "0") not in ("", "0")
    try:
        with ExitStack() as stack:
            show(stack, asked_to_end, once=once)
    except InTheWay as obstacle:
        print(f"The demo can't begin: {obstacle}", file=sys.stderr)
        return 1
    except (DemoFailed, RuntimeError, OSError) as failure:
        print(f"The demo failed: {failure}", *_end_of_log(), sep="\n", file=sys.stderr)
        return 1
    return 0


def _end_of_log() -> list[str]:
    """The last lines that the service wrote; none when it wasn't started."""
    log = FOLDER / "gunicorn.log"
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []


def show(stack: ExitStack, asked_to_end: threading.Event, *, once: bool) -> None:
    """Start everything, tell the story, and stay until somebody asks to end."""
    port = _port()
    stack.enter_context(_fresh_folder())
    sandbox = stack.enter_context(Sandbox())
    seed_demo(sandbox)
    service = stack.enter_context(DemoService(FOLDER, demo_settings(sandbox, FOLDER, port)))
    mails = MailFolder(sandbox, FOLDER / "mails")
    print(report.introduction())
    _first_order(sandbox, service, asked_to_end)
    _repeats(sandbox, service)
    _unknown_plan(sandbox, service, asked_to_end)
    mails.save_new()
    print(report.where_to_look(sandbox, service.url, FOLDER.relative_to(PROJECT), stays=not once), flush=True)
    while not once and not asked_to_end.wait(STAYS_EVERY_SECONDS):
        service.check_alive()
        for path, subject in mails.save_new():
            print(f"   New mail: {subject}\n             {path}", flush=True)


def _port() -> int:
    text = os.environ.get("FLASK_PORT") or "5050"
    port = int(text) if text.isdecimal() else 0
    if not 1 <= port <= 65535:
        raise InTheWay("FLASK_PORT must be a number from 1 to 65535, such as make demo FLASK_PORT=5060")
    if not port_is_free(port):
        raise InTheWay(f"port {port} is taken by another program. Choose another: make demo FLASK_PORT=5060")
    return port


def _fresh_folder() -> ExitStack:
    """Empty the demo's folder, and lock it until the end; fails while another demo runs."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    stack = ExitStack()
    lock = stack.enter_context((FOLDER / "lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise InTheWay(f"another demo is running in {FOLDER}; end it first, with Ctrl-C") from None
    for entry in FOLDER.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != "lock":
            entry.unlink()
    return stack


def _first_order(sandbox: Sandbox, service: DemoService, asked_to_end: threading.Event) -> None:
    answer = service.send_callback(HAPPY_ORDER)
    print(report.callback(service.url, HAPPY_ORDER, answer), flush=True)
    seconds = service.wait_for("completed", 1, asked_to_end)
    mail = _mail_about(sandbox, HAPPY_ORDER, asked_to_end, attachments=1)
    order = service.order(HAPPY_ORDER)
    customer = sandbox.powercode.customers.get(int(order["customer_id"] or 0))
    if order["state"] != "completed" or customer is None or not customer.tickets or not mail.attachments:
        raise DemoFailed(f"the order is not complete. Its log: {FOLDER}/api_class.log")
    print(report.account(sandbox, order, customer, seconds))
    print(report.mail(mail), flush=True)


def _repeats(sandbox: Sandbox, service: DemoService) -> None:
    before = _made(sandbox)
    answers = [service.send_callback(HAPPY_ORDER).status_code for _ in range(2)]
    callbacks = service.order(HAPPY_ORDER)["callbacks"]
    if _made(sandbox) != before or answers != [200, 200] or len(callbacks) != 3:
        raise DemoFailed(f"the repeated callback changed something: {before} became {_made(sandbox)}")
    print(report.repeats(before), flush=True)


def _made(sandbox: Sandbox) -> dict[str, int]:
    """How many things the demo's order made, by kind."""
    made = [one for one in sandbox.powercode.customers.values() if HAPPY_ORDER in one.fields["customerNotes"]]
    return {
        "account": len(made),
        "plan": sum(len(one.services) for one in made),
        "ticket": sum(len(one.tickets) for one in made),
        "mail": len([mail for mail in sandbox.mailbox.messages if HAPPY_ORDER in mail["Subject"]]),
    }


def _unknown_plan(sandbox: Sandbox, service: DemoService, asked_to_end: threading.Event) -> None:
    service.send_callback(UNKNOWN_PLAN_ORDER)
    service.wait_for("needs_review", 1, asked_to_end)
    mail = _mail_about(sandbox, UNKNOWN_PLAN_ORDER, asked_to_end)
    if any(UNKNOWN_PLAN_ORDER in one.fields["customerNotes"] for one in sandbox.powercode.customers.values()):
        raise DemoFailed("an order with an unknown plan was written to PowerCode")
    print(report.needs_you(service.order(UNKNOWN_PLAN_ORDER), mail), flush=True)


def _mail_about(sandbox: Sandbox, orderref: str, asked_to_end: threading.Event, *, attachments: int = 0) -> Mail:
    """The newest mail about an order; waits for it."""
    for _ in range(MAIL_PATIENCE):
        for mail in reversed(sandbox.mailbox.messages):
            if orderref in mail["Subject"] and len(mail.attachments) >= attachments:
                return mail
        if asked_to_end.wait(0.1):
            raise DemoFailed("ended before it was over")
    raise DemoFailed(f"no mail came about {orderref}. The service's log: {FOLDER}/api_class.log")


class MailFolder:
    """Keeps each mail as a file for a mail program (.eml) and one for a browser (.html)."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox, self._folder, self._saved = sandbox, folder, 0
        folder.mkdir(exist_ok=True)

    def save_new(self) -> list[tuple[Path, str]]:
        """Save the mails that came since; returns their pages, below the project, with their subjects."""
        fresh = self._sandbox.mailbox.messages[self._saved :]
        saved = []
        for mail in fresh:
            self._saved += 1
            saved.append((self._save(mail).relative_to(PROJECT), str(mail["Subject"])))
        return saved

    def _save(self, mail: Mail) -> Path:
        page = self._folder / f"{self._saved}.html"
        page.with_suffix(".eml").write_bytes(mail.raw)
        body: Any = mail.get_body(("html",))
        page.write_text(body.get_content() if body else mail.text, encoding="utf-8")
        for name, content in mail.attachments.items():
            (self._folder / f"{self._saved}-{name}").write_bytes(content)
        return page


if __name__ == "__main__":
    sys.exit(main())
