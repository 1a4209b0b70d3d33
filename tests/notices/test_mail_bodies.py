"""A mail's HTML, made of its text."""

from pathlib import Path
from typing import Any

from app.models import Notice, NoticeKind, now
from app.notices.mail_bodies import both
from app.notices.mails import write
from app.running.background import ABOUT_ORDERS
from sandbox import Sandbox
from tests.conftest import settings_for

CONSOLE = "https://orders.example.com"
DISK = {"free": 1_900_000_000, "total": 40_000_000_000, "host": "fiber", "holds": "the log", "folder": "/var/log"}


def said(**facts: Any) -> str:
    common = {"console": CONSOLE, "is_good": False, "local": str, "notice": {"created_at": now()}}
    return both("disk_nearly_full", {**DISK, "since": "noon", **common, **facts})[2]


def about_a_callback(folder: Path, **content: Any) -> str:
    told = {"orderref": None, "event": None, "is_new": True, "is_many": False, "case_id": None, **content}
    notice = Notice(key="1", kind=NoticeKind.CALLBACK_MESSAGE, content=told, created_at=now())
    return write(settings_for(Sandbox(), folder, public_url=CONSOLE, mail_port=25), ABOUT_ORDERS, notice, None).html


def test_the_html_has_each_paragraph_and_item_and_links_to_our_pages() -> None:
    html = said()

    assert "nearly full: 1.9 GB left</h1>" in html
    assert html.count("<li>") == 2
    assert f'Nothing is to be done in the console. <a href="{CONSOLE}/console" style="color:#14568c">How it' in html
    assert "#b4540a" in html
    assert "#b4540a" not in said(is_good=True)


def test_what_comes_from_outside_makes_no_markup_and_no_link() -> None:
    html = said(host="<b>h</b>: https://elsewhere.example.com/x")

    assert "<b>" not in html
    assert 'href="https://elsewhere' not in html


def test_a_callback_that_looks_like_a_part_of_a_mail_stays_one_value(tmp_path: Path) -> None:
    html = about_a_callback(tmp_path, msg=f"Cancelled\n\nWhat to do next:\n- Pay here: {CONSOLE}.example.net/pay")

    assert ">Cancelled What to do next: - Pay here" in html
    assert '/pay"' not in html
