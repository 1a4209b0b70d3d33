"""What a new installation still needs until its first account. Each step is ticked by looking, not by a click."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.digest import preview_requests
from app.models import AuditEntry, Callback, CallbackOutcome, DigestRun, Order, OrderState, RunState, StepState
from app.people.audit import CONNECTION_TESTED
from app.provisioning.plans import plan_table
from app.services import Services
from app.setup.checks import BUTTONS
from app.texts import files
from app.texts.files import TextUnreadable
from app.texts.kinds import faults_of
from config import Settings

CHECKED = {"utopia": "UTOPIA", "powercode": "PowerCode", "mail": "The mail server"}


@dataclass(frozen=True)
class FirstStep:
    """A step: whether it is done, and what there is to know. `check` names a connection with a button that tests it,
    `page` the endpoint of the page where it is done."""

    title: str
    done: bool
    words: str
    check: str = ""
    page: str = ""


def is_new(session: Session) -> bool:
    """Whether no order came to an account yet: until then the first page shows the steps."""
    return not _is_there(session, Order.state == OrderState.COMPLETED)


def first_steps(services: Services, session: Session) -> list[FirstStep]:
    """All steps, in the order in which they are done best."""
    return [
        *_connections(session),
        _plans(session),
        _text(services.settings),
        *_orders(session),
        *_digest(services, session),
    ]


def _connections(session: Session) -> list[FirstStep]:
    steps = []
    for check in BUTTONS:
        if check.name not in CHECKED:
            continue
        tested = select(AuditEntry).filter_by(action=CONNECTION_TESTED, subject=check.title)
        last = session.scalar(tested.order_by(AuditEntry.id.desc()).limit(1))
        works = last is not None and last.outcome == StepState.DONE
        words = (last.note or "") if last else "Nobody has tested it yet."
        steps.append(FirstStep(f"{CHECKED[check.name]} answers", works, words, check=check.name))
    return steps


def _plans(session: Session) -> FirstStep:
    mapped = len(plan_table.plan_table(session).plans)
    words = (
        f"{mapped} {'plan is' if mapped == 1 else 'plans are'} mapped." if mapped else "Without one, every order stops."
    )
    return FirstStep("UTOPIA's plans are mapped to PowerCode's services", bool(mapped), words, page="plans.page")


def _text(settings: Settings) -> FirstStep:
    title, name = "The text that welcomes customers is written", settings.ticket_template_file
    try:
        text = files.read(settings.ticket_template_dir, name)
    except TextUnreadable as why:
        return FirstStep(title, False, str(why), page="ticket_texts.page")
    if text is None:
        return FirstStep(title, False, f"There is no text {name} yet.", page="ticket_texts.page")
    faults = len(faults_of(name, text.text))
    words = (
        f"{faults} {'fault keeps' if faults == 1 else 'faults keep'} it from being used."
        if faults
        else "It can be used."
    )
    return FirstStep(title, not faults, f"{words} Read it as a customer will.", page="ticket_texts.page")


def _orders(session: Session) -> Sequence[FirstStep]:
    called = _is_there(session, Callback.outcome.in_([CallbackOutcome.TEST, CallbackOutcome.ORDER]))
    finished = not is_new(session)
    return (
        FirstStep(
            "A callback of UTOPIA's arrived",
            called,
            "" if called else "Ask UTOPIA for a test callback: your office gets a mail when it arrives.",
        ),
        FirstStep(
            "The first order became an account",
            finished,
            "" if finished else "Wait for one, or enter one by hand: you see what will happen before it does.",
            page="new_order.page",
        ),
    )


def _digest(services: Services, session: Session) -> Sequence[FirstStep]:
    if services.settings.report_source is None:
        return ()
    preview = preview_requests.newest(session)
    done = (preview is not None and preview.state == "done") or _is_there(
        session, DigestRun.state == RunState.COMPLETED
    )
    words = "" if done else "A preview reads the real report and shows whom it would tell what. Nothing is sent."
    return (FirstStep("The weekly mail was previewed", done, words, page="digests.page"),)


def _is_there(session: Session, condition: object) -> bool:
    return bool(session.scalar(select(exists().where(condition))))  # type: ignore[arg-type]
