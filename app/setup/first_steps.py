"""The steps of a new installation up to its first account. The service itself finds out which steps are done."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.digest import preview_requests
from app.models import AuditEntry, Callback, CallbackOutcome, DigestRun, Order, OrderState, RunState, StepState
from app.people.audit import CONNECTION_TESTED
from app.provisioning.plans import plan_table
from app.services import Services
from app.setup.settings_checks import BUTTONS
from app.texts import text_files
from app.texts.text_files import TextUnreadable
from app.texts.text_kinds import faults_of
from config import Settings

CHECKED = {"utopia": "UTOPIA", "powercode": "PowerCode", "mail": "The mail server"}
UNTESTED = "Nobody has tested it yet."
BEFORE_THE_TEST = {"powercode": f"{UNTESTED} PowerCode takes its key from this server's IP address only."}


@dataclass(frozen=True)
class FirstStep:
    """A step: whether it is done, and what to know about it. `check` names a connection that a button tests, `page` the
    endpoint of the page where the step is done, `settings` the settings that it depends on."""

    title: str
    done: bool
    words: str
    check: str = ""
    page: str = ""
    settings: tuple[str, ...] = ()


def is_new(session: Session) -> bool:
    """Whether there is no account yet: until then the first page shows the steps."""
    return not _is_there(session, Order.state == OrderState.COMPLETED)


def first_steps(services: Services, session: Session) -> list[FirstStep]:
    """All steps, in the recommended order."""
    return [
        *_connections(session),
        _plans(session),
        _text(services.settings),
        _callback(services.settings, session),
        _account(session),
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
        words = (last.note or "") if last else BEFORE_THE_TEST.get(check.name, UNTESTED)
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
        text = text_files.read(settings.ticket_template_dir, name)
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


def _callback(settings: Settings, session: Session) -> FirstStep:
    title = "A callback of UTOPIA's arrived"
    if _is_there(session, Callback.outcome.in_([CallbackOutcome.TEST, CallbackOutcome.ORDER])):
        return FirstStep(title, True, "")
    address = f"{settings.public_url or 'https://YOUR-SERVER'}/api-callback"
    named = () if settings.public_url else ("PUBLIC_URL",)
    if settings.callback_token:
        give = f"Give UTOPIA the address {address}?token=TOKEN with your own token in place of TOKEN."
    else:
        who = "whoever is in the allowed networks" if settings.callback_allowed_networks else "anybody"
        give = f"Give UTOPIA the address {address} (no token is set: {who} can send callbacks)."
    ask = "Then ask for a test callback: your office gets a mail when it arrives."
    return FirstStep(title, False, f"{give} {ask}", settings=("CALLBACK_TOKEN", *named))


def _account(session: Session) -> FirstStep:
    title, page = "The first order became an account", "new_order.page"
    if not is_new(session):
        return FirstStep(title, True, "", page=page)
    words = (
        "See first that the tax zone, the days of billing and the ticket's numbers are those of your PowerCode. "
        "Then wait for an order, or enter one by hand: you see what will happen before it does."
    )
    return FirstStep(title, False, words, page=page, settings=("PC_TAX_ZONE_ID", "PC_TICKET_CATEGORY"))


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
