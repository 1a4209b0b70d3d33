"""Checks the settings: what deserves a second look, and whether each remote system can be used.

`flask config check` and the console's settings page use it. A check changes nothing; only the test mail is really sent.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

import powercode
import utopia
from app import notices
from app.aftercare import cases
from app.digest.report.sources import Limits, SourceUnreadable, read_report
from app.models import now
from app.provisioning.plans import plan_table
from app.remote.mail import Mail, MailFailed, MailOutcomeUnknown, RecipientRefused, SignInRefused
from app.services import Services
from app.setup import database_upgrade
from app.storage import migrate
from config import Settings

REPORT_LIMITS = Limits(connect_seconds=5, read_seconds=15, total_seconds=30)
SHORTEST_SECRET, FEWEST_CHARACTERS = 16, 8
SEARCH = "connection check of the fiber order service"
CERTIFICATE = (
    "Most PowerCode servers signed theirs themselves: save it in a file, and name that in PC_VERIFY_SSL: "
    'docs/alerts.md, "PowerCode\'s certificate", has the commands.'
)


class Unusable(Exception):
    """The database can't be used; the text names it and the cause."""


@dataclass(frozen=True)
class Finding:
    """What a check found: one or two sentences for staff."""

    works: bool
    words: str


@dataclass(frozen=True)
class Check:
    """A check of one remote system. `ask` returns its finding in words, or raises an error that `advice` explains."""

    name: str
    title: str
    ask: Callable[[Services], str]

    def run(self, services: Services) -> Finding:
        """Run the check, and put the result into words. May take as long as the system's timeouts."""
        try:
            return Finding(True, self.ask(services))
        except (utopia.UtopiaError, powercode.PowerCodeError, MailFailed, SourceUnreadable, Unusable) as error:
            return Finding(False, f"{str(error).rstrip('.')}. {advice(error)}".rstrip())


def warnings(settings: Settings) -> Iterator[str]:
    """Settings that are allowed but seldom intended."""
    if settings.pc_verify_ssl is False:
        yield "PC_VERIFY_SSL is false: anybody on the way to PowerCode can read and change orders"
    if settings.pc_url.startswith("http:"):
        yield "PC_URL is not https: keys and customers' data travel in the clear"
    if (settings.events_url or "").startswith("http:"):
        yield "EVENTS_URL is not https: events travel in the clear, signed but for anybody to read"
    if not settings.callback_token:
        yield open_to_anybody(settings)
    if not settings.ticket_template.is_file():
        yield f"there is no ticket template {settings.ticket_template}"
    if not settings.service_plan_mapping:
        yield "SERVICE_PLAN_MAPPING is {}: until plans are mapped in the console, every order needs a person"
    if is_guessable(settings.secret_key.get_secret_value()):
        yield (
            "SECRET_KEY is short or simple, and it signs the cookies of who is signed in: take a long random text. "
            "`python3 -c 'import secrets; print(secrets.token_hex(32))'` makes one; everybody then signs in anew"
        )
    if settings.customer_portal_password:
        yield "CUSTOMER_PORTAL_PASSWORD is set: all new customers get the same portal password"


def is_guessable(key: str) -> bool:
    """Whether a key is shorter than generated keys are, or consists of a few repeated characters."""
    return len(key) < SHORTEST_SECRET or len(set(key)) < FEWEST_CHARACTERS


def open_to_anybody(settings: Settings) -> str:
    """What follows when no token is set."""
    who = "whoever is in CALLBACK_ALLOWED_NETWORKS" if settings.callback_allowed_networks else "anybody"
    return (
        f"CALLBACK_TOKEN is not set: {who} can send callbacks, real ones and forged ones alike. "
        "`python3 -c 'import secrets; print(secrets.token_urlsafe(24))'` makes one; "
        "UTOPIA needs it, too, behind ?token= in the callback's address"
    )


def notes(services: Services) -> list[str]:
    """All that deserves a second look, in the settings and in what the database has for them."""
    return [*warnings(services.settings), *_beside_the_database(services)]


def _beside_the_database(services: Services) -> list[str]:
    """What the settings mean for what is there; nothing before the tables exist."""
    if services.database.is_sqlite and not services.database.path.exists():
        return []
    try:
        if not migrate.is_current(services.database):
            return []
        with services.database.read() as session:
            differences = plan_table.differences(session, services.settings)
            return [*differences, *_put_away(cases.put_away(session, services.settings))]
    except SQLAlchemyError:
        return []


def _put_away(count: int) -> list[str]:
    if not count:
        return []
    if count == 1:
        return ["CASES=off, and 1 open case waits unseen: close it first, or do what it says elsewhere"]
    return [f"CASES=off, and {count} open cases wait unseen: close them first, or do what they say elsewhere"]


def advice(error: Exception) -> str:
    """What to do about an error of a check; "" where the error's own text says so."""
    if isinstance(error, powercode.NeverArrived) and "certificate" in error.detail:
        return CERTIFICATE
    words: list[tuple[tuple[type[Exception], ...], str]] = [
        ((utopia.AuthenticationFailed,), "Correct UTOPIA_API_KEY and reload the service."),
        ((utopia.Throttled, powercode.Throttled), "Try again in a few minutes."),
        ((utopia.NeverArrived,), "Check UTOPIA_URL_ENDPOINT, and whether this machine reaches the internet."),
        ((utopia.UtopiaError,), "Try again in a few minutes; if it stays, ask UTOPIA."),
        ((powercode.NeverArrived,), "Check PC_URL and PC_VERIFY_SSL, and whether PowerCode runs."),
        ((powercode.Refused,), "Check PC_API_KEY, and that PowerCode knows this machine's IP address for it."),
        ((powercode.PowerCodeError,), "Try again in a few minutes; if it stays, look at the PowerCode server."),
        ((RecipientRefused,), "Check EMAIL_SENDER and EMAIL_RECIPIENTS."),
        ((MailOutcomeUnknown,), "The mail may have arrived all the same: look before you try again."),
        ((Unusable,), "Check DATABASE_URL, and whether the database runs and lets this machine in."),
        ((SignInRefused,), "Check MAIL_USERNAME and MAIL_PASSWORD."),
        ((MailFailed,), "Check MAIL_SERVER, MAIL_PORT and the other settings of the mail."),
    ]
    return next((text for kinds, text in words if isinstance(error, kinds)), "")


def _ask_database(services: Services) -> str:
    database = services.database
    if database.is_sqlite and not database.path.exists():
        return f"There is no database {database.path} yet: the first start makes it."
    try:
        is_current = migrate.is_current(database)
    except SQLAlchemyError as error:
        raise Unusable(database_upgrade.why_unusable(database, error)) from None
    return "The database answers." if is_current else "The database answers. The next start brings it up to date."


def _ask_utopia(services: Services) -> str:
    products = services.utopia.products().rows
    return f"UTOPIA answers and accepts the key. It names {_counted(len(products), 'product')} of yours."


def _ask_powercode(services: Services) -> str:
    services.powercode.search_customers(SEARCH)
    return "PowerCode answers and accepts the key."


def _connect_mail(services: Services) -> str:
    with services.mailer.connection() as post:
        post.open()
        return "The mail server answers, and accepts the connection."


def _send_mail(services: Services) -> str:
    mail, refused = test_mail(services.settings), []
    with services.mailer.connection() as post:
        for recipient in services.settings.email_recipients:
            try:
                post.send(mail, recipient)
            except RecipientRefused as why:
                refused.append(f"{recipient}: {why.detail}")
    if refused:
        raise RecipientRefused("; ".join(refused))
    return f"The mail server took a test mail for {', '.join(services.settings.email_recipients)}. Look for it there."


def test_mail(settings: Settings) -> Mail:
    """The mail that shows the office that notices arrive; nobody has to act on it."""
    moment = now()
    facts = {
        "notice": {"created_at": moment},
        "is_good": True,
        "console": settings.public_address,
        "local": lambda when: when.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M %Z"),
    }
    subject, text, html = notices.both("test_mail", facts)
    return Mail(f"test mail {uuid.uuid4()}", subject, text, html)


def _read_report(services: Services) -> str:
    settings = services.settings
    if settings.report_source is None:
        raise SourceUnreadable("There is no report: set REPORT_SOURCE. Until then no weekly mail goes out.")
    rows = read_report(
        settings.report_source,
        google_credentials_file=settings.google_service_account_file,
        sheets_endpoint=settings.google_sheets_endpoint,
        limits=REPORT_LIMITS,
    )
    count = sum(len(some.numbers) for some in rows)
    return f"The report can be read. It has all headings, and {_counted(count, 'row')} below them."


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


DATABASE = Check("database", "Database", _ask_database)
UTOPIA = Check("utopia", "UTOPIA", _ask_utopia)
POWERCODE = Check("powercode", "PowerCode", _ask_powercode)
MAIL_SERVER = Check("mail-server", "Mail server", _connect_mail)
TEST_MAIL = Check("mail", "Mail", _send_mail)
REPORT = Check("report", "Report of closed tickets", _read_report)

CONNECTIONS = (DATABASE, UTOPIA, POWERCODE, MAIL_SERVER)
"""The checks of `flask config check --connect`: they send nothing to people."""

BUTTONS = (TEST_MAIL, UTOPIA, POWERCODE, REPORT)
"""The checks that the settings page offers."""
