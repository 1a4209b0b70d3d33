"""The log: each event is one line, cleaned, with the order that it belongs to, in a rotated file and on stderr.

Cleaning happens in the formatter, on the finished texts, so lines of libraries are cleaned as well.
"""

import fcntl
import json
import logging
import os
import re
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, TextIO

from concurrent_log_handler import ConcurrentRotatingFileHandler

from app.storage import ownership
from wire.masking import LINE_LIMIT, MARK, Redactor, is_sensitive

LOG_FILE_BYTES = 10_000_000
LOG_FILE_COPIES = 10
LOG_FILE_MODE = 0o640

_QUIET_LIBRARIES = (
    "alembic",
    "apscheduler",
    "asyncio",
    "boto3",
    "botocore",
    "charset_normalizer",
    "concurrent_log_handler",
    "dbos",
    "flask_mail",
    "google",
    "mail.log",
    "s3transfer",
    "sqlalchemy",
    "urllib3",
    "werkzeug",
)
_WARN_EVERY_SECONDS = 60.0
_LINE = "_line"
"""Where a record keeps the line that it became."""
_RECORD_FIELDS = {*logging.LogRecord("", 0, "", 0, "", (), None).__dict__, "message", "asctime", "taskName", _LINE}

# Everything that can end a line, move a terminal's cursor or turn the reading direction.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_IN_ORDERREF = re.compile(r"[^\w.:-]", re.ASCII)

_orderref: ContextVar[str] = ContextVar("orderref", default="")


@contextmanager
def order_context(orderref: str) -> Iterator[None]:
    """While active in this thread or context, every log line carries `orderref`, so that grep finds the order."""
    token = _orderref.set(orderref)
    try:
        yield
    finally:
        _orderref.reset(token)


@dataclass(frozen=True)
class _Event:
    """A log record as cleaned texts; `message`, `exception` and the values of `extras` may hold line breaks."""

    time: str
    level: str
    logger: str
    orderref: str
    message: str
    exception: str
    extras: dict[str, str | int | float | bool | None]


class _CleaningFormatter(logging.Formatter, ABC):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line. Never raises: what can't be shown is named, not lost."""
        if _LINE not in record.__dict__:  # the other handler writes the same line
            record.__dict__[_LINE] = self._cleaned(record)
        return str(record.__dict__[_LINE])

    def _cleaned(self, record: logging.LogRecord) -> str:
        try:
            return self._line(self._event(record))
        except Exception as problem:
            where = f"{record.filename}:{record.lineno}"
            return self._line(_plain_event(record, f"a line of {where} could not be shown: {type(problem).__name__}"))

    @abstractmethod
    def _line(self, event: _Event) -> str:
        """The event as it is written."""

    def _event(self, record: logging.LogRecord) -> _Event:
        errors = _errors_of(record)
        extras = {key: value for key, value in record.__dict__.items() if key not in _RECORD_FIELDS}
        return _Event(
            time=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            level=record.levelname,
            logger=record.name,
            orderref=_NOT_IN_ORDERREF.sub("?", _orderref.get() or str(extras.pop("orderref", "")))[:64],
            message=self._redactor.clean(_message_of(record), *errors),
            exception=self._exception(record, errors),
            extras={
                self._redactor.clean(key, *errors): self._extra(key, value, errors) for key, value in extras.items()
            },
        )

    def _exception(self, record: logging.LogRecord, errors: list[BaseException]) -> str:
        """The traceback and the stack; if they have to be cut, the exception's own lines come first."""
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text or ""
        last_line = trace.rsplit("\n", 1)[-1] if len(trace) > LINE_LIMIT else ""
        stack = self.formatStack(record.stack_info) if record.stack_info else ""
        return "\n".join(self._redactor.clean(text, *errors) for text in (last_line, trace, stack) if text)

    def _extra(self, key: str, value: object, errors: list[BaseException]) -> str | int | float | bool | None:
        if value is None or isinstance(value, bool):
            return value
        if is_sensitive(key):
            return MARK
        shown = value if isinstance(value, str) else _repr_of(value)
        cleaned = self._redactor.clean(shown, *errors)
        return value if isinstance(value, int | float) and cleaned == shown else cleaned


class _TextFormatter(_CleaningFormatter):
    def _line(self, event: _Event) -> str:
        extras = "".join(f" {key}={value}" for key, value in event.extras.items())
        exception = f"\n{event.exception}" if event.exception else ""
        start = f"{event.time} {event.level:<5} [{event.orderref or '-'}] {event.logger}: "
        return _on_one_line(f"{start}{event.message}{extras}{exception}")


class _JsonFormatter(_CleaningFormatter):
    def _line(self, event: _Event) -> str:
        fields: dict[str, object] = {
            "time": event.time,
            "level": event.level,
            "logger": event.logger,
            "orderref": event.orderref or None,
            "message": event.message,
            "exception": event.exception or None,
        }
        extras = {f"extra_{key}" if key in fields else key: value for key, value in event.extras.items()}
        return json.dumps(fields | extras)


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as problem:
        return f"{record.msg!s} (arguments don't fit: {type(problem).__name__})"


def _repr_of(value: object) -> str:
    try:
        return repr(value)
    except Exception as problem:
        return f"{type(value).__name__} without a repr ({type(problem).__name__})"


def _errors_of(record: logging.LogRecord) -> list[BaseException]:
    arguments = record.args if isinstance(record.args, tuple) else ()
    raised = record.exc_info[1] if record.exc_info else None
    return [error for error in (raised, record.msg, *arguments) if isinstance(error, BaseException)]


def _plain_event(record: logging.LogRecord, message: str) -> _Event:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return _Event(now, str(record.levelname), str(record.name), "", message, "", {})


def _on_one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


class _LogFile(ConcurrentRotatingFileHandler):
    """The file that all workers write. A full disk loses lines of the file (stderr has them), but never stops us."""

    _warned_at = float("-inf")

    def _lock_stream_lock(self, stream_lock: TextIO) -> None:
        """Lock as portalocker does, which takes a fifth of a line's time to look what its flags mean."""
        fcntl.flock(stream_lock, fcntl.LOCK_EX)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's name
        """Say on stderr, at most once a minute, that the file can't be written; the default shows raw arguments."""
        now = time.monotonic()
        if now - self._warned_at >= _WARN_EVERY_SECONDS:
            self._warned_at = now
            _say(f"log file {self.baseFilename} can't be written: {_reason(sys.exc_info()[1])}")


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment; a closed one is ignored."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Do nothing: there is no place left to report an error."""


def configure_logging(
    *, log_file: Path, level: str, format: Literal["text", "json"], secrets: Iterable[str | None], stderr: bool = True
) -> Redactor:
    """Send every log line, cleaned, to `log_file` (rotated, mode 0640) and to stderr; return the redactor in use.

    Several processes may share the file; its lock is `.__NAME.lock` beside it. `stderr=False` (commands, whose stderr
    is for one line) keeps lines off stderr as long as the file can be opened. Libraries log from WARNING on, whatever
    `level` is. If the file can't be opened, a warning goes to stderr, and stderr alone is used. Calling it again
    replaces what the last call set up. Raises ValueError on an unknown level.
    """
    redactor = Redactor(secrets)
    formatter = _JsonFormatter(redactor) if format == "json" else _TextFormatter(redactor)
    root = logging.getLogger()
    root.setLevel(level.upper())
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    _remove_old_handlers(root)
    file_handler = _opened(log_file)
    for handler in (file_handler, _StandardError() if stderr or file_handler is None else None):
        if handler is not None:
            handler.setFormatter(formatter)
            root.addHandler(handler)
    _take_over_libraries(root.level, formatter)
    if stderr:
        _log_uncaught_errors()
    return redactor


def _remove_old_handlers(root: logging.Logger) -> None:
    """Drop our handlers of an earlier call, and plain streams that would show lines uncleaned."""
    for handler in list(root.handlers):
        if isinstance(handler, _LogFile | _StandardError):
            root.removeHandler(handler)
            handler.close()
        elif type(handler) is logging.StreamHandler:
            root.removeHandler(handler)


def _opened(log_file: Path) -> _LogFile | None:
    """The handler for `log_file`, if the file and its lock can be written; else None, and a message on stderr."""
    try:
        ownership.make_folder(log_file.parent)
        ownership.make_file(log_file)
        handler = _LogFile(
            str(log_file),
            maxBytes=LOG_FILE_BYTES,
            backupCount=LOG_FILE_COPIES,
            chmod=LOG_FILE_MODE,
            encoding="utf-8",
            unicode_error_policy="replace",
        )
        ownership.make_file(Path(handler.lockFilename))
        handler.do_open().close()
        os.close(os.open(handler.lockFilename, os.O_CREAT | os.O_RDWR, LOG_FILE_MODE))
        return handler
    except OSError as problem:
        _say(f"log file {log_file} can't be opened ({_reason(problem)}): the log goes to stderr only")
        return None


def _take_over_libraries(level: int, formatter: logging.Formatter) -> None:
    """Make libraries quieter, and send what their own handlers print through our formatter."""
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.getLogger("urllib3.connectionpool").setLevel(max(level, logging.ERROR))  # it warns of each try to connect
    # DBOS adds its own console handler, and stops passing lines on, only where its logger has no handler yet.
    if not logging.getLogger("dbos").handlers:
        logging.getLogger("dbos").addHandler(logging.NullHandler())
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            _take_over(logger, formatter)


def _take_over(logger: logging.Logger, formatter: logging.Formatter) -> None:
    """Replace a logger's plain stream by passing its lines on to us; a file (gunicorn's access log) stays, cleaned."""
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler:
            logger.removeHandler(handler)
            logger.propagate = True
        elif isinstance(handler, logging.FileHandler):
            handler.setFormatter(formatter)


def _log_uncaught_errors() -> None:
    """Log uncaught errors: Python itself would print them uncleaned."""

    def log(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
            logging.getLogger(__name__).critical("an error that nothing caught", exc_info=(kind, error, trace))

    sys.excepthook = log
    threading.excepthook = lambda failed: log(failed.exc_type, failed.exc_value, failed.exc_traceback)


def _reason(problem: BaseException | None) -> str:
    """The system's words for an `OSError`; other exceptions may quote the line, so only their class is named."""
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return type(problem).__name__


def _say(sentence: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # stderr may be closed or missing
        sys.stderr.write(f"WARNING {_on_one_line(sentence)}\n")
        sys.stderr.flush()
