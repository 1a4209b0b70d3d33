"""What a person can do with an order, as the table says it: pages, commands and mails have no words of their own."""

import pkgutil
import re

import pytest
from sqlalchemy import select

from app.cli.orders import orders as commands
from app.models import Order, OrderState, Role
from app.provisioning.actions import ACTIONS, ANSWERS, RESUME, SUBMIT, Action
from app.provisioning.offers import offers_for
from app.provisioning.problems import PROBLEMS, Problem
from config import PROJECT
from tests.conftest import Service
from tests.tools.command_runs import run

REF = "UIA202411-001186"
LABELS = {action.label for action in ACTIONS.values()} - {RESUME.label, SUBMIT.label}
"""Those that are no words of everyday use."""
CODES = [action.code for action in ACTIONS.values() if "_" in action.code]


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.code)
def test_an_action_names_a_function_and_a_command_that_there_are(action: Action) -> None:
    assert callable(pkgutil.resolve_name(f"app.{action.does}"))
    group, name = [*action.command.split(), "", ""][:2]
    assert group != "orders" or name in commands.commands


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda problem: problem.code)
def test_a_problem_offers_what_is_in_the_table_and_fits_the_column(problem: Problem) -> None:
    offered = [*problem.actions, *([problem.cure] if problem.cure else [])]

    assert offered
    assert {action.code for action in offered} <= set(ACTIONS)
    assert len(problem.code) <= 40


def test_a_label_and_a_code_of_an_action_stand_once() -> None:
    table = PROJECT / "app" / "provisioning" / "actions.py"
    others = [
        path for ending in ("py", "html", "txt") for path in (PROJECT / "app").rglob(f"*.{ending}") if path != table
    ]
    texts = {path: path.read_text(encoding="utf-8") for path in others}

    assert [(path.name, label) for path, text in texts.items() for label in LABELS if label in text] == []
    codes = re.compile(rf"""["'](?:{"|".join(CODES)})["']""")
    assert [path.name for path, text in texts.items() if codes.search(text)] == []


def test_orders_resume_has_an_option_for_each_answer() -> None:
    options = {option for parameter in commands.commands["resume"].params for option in parameter.opts}

    assert {action.option for action in ANSWERS} <= options


def test_showing_an_order_names_the_command_for_each_thing_that_can_be_done(service: Service) -> None:
    service.take(plan="10 Gbps 'fast'")

    shown = run(service, "orders", "show", REF).stdout

    assert "What is this? unknown_plan: docs/runbook.md#this-plan-is-unknown" in shown
    assert (
        f"""What you can do:
  Say what it is sold as, and go on
    utopia-handler plans map '10 Gbps '"'"'fast'"'"'' SERVICE
  Try again
    utopia-handler orders resume {REF}
  Correct what UTOPIA's contract says
    on the order's page in the console
  Close the order, with a note
    utopia-handler orders dismiss {REF} --note TEXT
"""
        in shown
    )


def test_an_order_that_an_earlier_version_stopped_still_offers_what_it_offered_then(service: Service) -> None:
    earlier = [
        {"action": "customer", "customer_id": "1001", "label": "It is customer 1001: go on with it"},
        {"action": "new_customer", "label": "It is somebody else: open a new account"},
        {"action": "dismiss", "label": "Close the order, with a note"},
    ]
    stopped = {"state": OrderState.NEEDS_REVIEW, "problem": "a_problem_of_then", "actions": earlier}
    service.add(Order(orderref="UIA-OLD", **stopped))

    with service.services.database.read() as session:
        offered = offers_for(session, session.scalars(select(Order).filter_by(orderref="UIA-OLD")).one())

    assert [(offer.action.code, offer.customer_id, offer.title) for offer in offered] == [
        ("customer", "1001", "It is customer 1001: go on with it"),
        ("new_customer", None, "It is somebody else: open a new account"),
        ("customer", None, "Go on with another customer"),
        ("dismiss", None, "Close the order, with a note"),
    ]
    assert offered[0].commands == ["orders resume UIA-OLD --customer-id 1001"]
    assert {offer.action.role for offer in offered} == {Role.STAFF}
