"""A new installation is led to its first account, and each step is ticked by looking."""

from pathlib import Path

from sqlalchemy import insert

from app.models import AuditEntry, Callback, CallbackOutcome, Order, OrderState
from app.people.audit import CONNECTION_TESTED
from app.provisioning.plans import plan_table
from app.setup.first_steps import FirstStep, first_steps, is_new
from tests.conftest import Service


def done(service: Service) -> dict[str, bool]:
    with service.services.database.read() as session:
        return {step.title: step.done for step in first_steps(service.services, session)}


def told(service: Service, title: str, **settings: object) -> FirstStep:
    with service.changed(**settings), service.services.database.read() as session:
        return next(step for step in first_steps(service.services, session) if step.title == title)


def test_the_callbacks_step_gives_the_address_for_utopia_without_its_secret(service: Service) -> None:
    title, place = "A callback of UTOPIA's arrived", {"public_url": "https://orders.example.com"}

    step = told(service, title, callback_token="a-long-word-of-ours", **place)
    assert "https://orders.example.com/api-callback?token=TOKEN " in step.words
    assert "a-long-word" not in step.words
    assert step.settings == ("CALLBACK_TOKEN",)

    step = told(service, title, callback_token=None, **place)
    assert "https://orders.example.com/api-callback " in step.words
    assert "anybody can send callbacks" in step.words


def test_the_callbacks_step_does_not_send_utopia_to_this_machine(service: Service) -> None:
    step = told(service, "A callback of UTOPIA's arrived", public_url=None)
    assert "127.0.0.1" not in step.words
    assert "PUBLIC_URL" in step.settings


def test_the_steps_say_what_else_depends_on_this_office(service: Service) -> None:
    assert "from this server's IP address only" in told(service, "PowerCode answers").words
    first = told(service, "The first order became an account")
    assert "tax zone" in first.words
    assert set(first.settings) == {"PC_TAX_ZONE_ID", "PC_TICKET_CATEGORY"}


def test_with_nothing_set_up_every_step_but_the_text_is_open(service: Service) -> None:
    with service.services.database.write() as session:
        for name in list(plan_table.plan_table(session).plans):
            plan_table.unmap_plan(session, name)
    assert service.read(is_new)

    assert done(service) == {
        "UTOPIA answers": False,
        "PowerCode answers": False,
        "The mail server answers": False,
        "UTOPIA's plans are mapped to PowerCode's services": False,
        "The text that welcomes customers is written": True,
        "A callback of UTOPIA's arrived": False,
        "The first order became an account": False,
    }


def test_each_step_is_ticked_by_looking(service: Service, tmp_path: Path) -> None:
    tested = {"made_by": "Ada", "action": CONNECTION_TESTED}
    with service.services.database.write() as session:
        session.execute(
            insert(AuditEntry),
            [
                {**tested, "subject": "UTOPIA", "outcome": "refused"},
                {**tested, "subject": "UTOPIA", "outcome": "done"},
                {**tested, "subject": "PowerCode", "outcome": "done"},
                {**tested, "subject": "PowerCode", "outcome": "refused"},
            ],
        )
        session.add(Callback(outcome=CallbackOutcome.TEST, status=200, body="", msg="test"))
        session.add(Order(orderref="UIA-1", state=OrderState.COMPLETED))
    with service.changed(ticket_template_dir=tmp_path):
        seen = done(service)

    assert (seen["UTOPIA answers"], seen["PowerCode answers"]) == (True, False)
    assert seen["A callback of UTOPIA's arrived"]
    assert seen["The first order became an account"]
    assert seen["UTOPIA's plans are mapped to PowerCode's services"]
    assert not seen["The text that welcomes customers is written"]
    assert not service.read(is_new)
