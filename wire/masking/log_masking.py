"""Takes secrets and customers' data out of any text before it is written into the log.

Three ways of finding them work together: secrets that were registered at start, in every form; shapes such as mail
addresses and `password=...`; and the values of the customer whose order runs, while `customer_data` is active.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from .notations import LONGEST_FORM
from .sensitive_data import MARK, SHAPES
from .spans import Secrets, Values, replaced, spans_of

LINE_LIMIT = 16_000
"""How many characters of a text are kept; a longer text is cut, so that one line never costs seconds."""

SHORTEST_SECRET = 4
_CUT = " [cut]"
_CHAIN_LIMIT = 20

_Given = tuple[Iterable[str | None], ...]
_Known = tuple[Values, ...]

_customers: ContextVar[_Given] = ContextVar("customers_values", default=())


class _Remembered:
    """The customers' values that were active where an exception was raised; they never go into a pickle or a copy."""

    def __init__(self, values: _Known = ()) -> None:
        self.values = values

    def __reduce__(self) -> tuple[type["_Remembered"], tuple[()]]:
        return _Remembered, ()


@contextmanager
def customer_data(values: Iterable[str | None]) -> Iterator[None]:
    """While active in this thread or context, take these values (name, street, mail, phone) out of every log line.

    An exception that leaves the block is remembered with the values, so that a log line about it, written outside,
    is cleaned too. Blocks add up. None and empty values are ignored. `values` are iterated anew for each line, so they
    may grow, and cost nothing as long as no line is written.
    """
    given = (*_customers.get(), values)
    token = _customers.set(given)
    try:
        yield
    except BaseException as error:
        _remember(error, given)
        raise
    finally:
        _customers.reset(token)


def _known(given: _Given) -> _Known:
    return tuple(_looked_for(frozenset(map(str, filter(None, values)))) for values in given)


@lru_cache(maxsize=64)
def _looked_for(values: frozenset[str]) -> Values:
    return Values(values)


def _remember(error: BaseException, given: _Given) -> None:
    with suppress(AttributeError, TypeError):  # a class with slots takes no further attribute
        if not hasattr(error, "_customers_values"):  # an inner block knows more than an outer one
            error._customers_values = _Remembered(_known(given))  # type: ignore[attr-defined]


def _remembered(error: BaseException) -> Iterator[Values]:
    """The values remembered with an exception and those that led to it."""
    waiting, seen = [error], 0
    while waiting and seen < _CHAIN_LIMIT:
        current = waiting.pop()
        seen += 1
        remembered = getattr(current, "_customers_values", None)
        if isinstance(remembered, _Remembered):
            yield from remembered.values
        waiting += [linked for linked in (current.__cause__, current.__context__) if linked is not None]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions


class Redactor:
    """Cleans texts; made once at start with everything that is secret on this server."""

    def __init__(self, secrets: Iterable[str | None] = ()) -> None:
        """Register `secrets`: keys, passwords, tokens; of a URL with a password (`DATABASE_URL`) the password.

        Shorter ones than `SHORTEST_SECRET` are not searched for; they are found only behind `password=` and the like.
        """
        known = {part for secret in secrets if secret for part in _parts_of(secret)}
        self._secrets = Secrets(known, SHORTEST_SECRET)

    def clean(self, text: object, *errors: BaseException) -> str:
        """Return `text` with secrets and customers' data replaced by `MARK`, cut to about `LINE_LIMIT` characters.

        `errors` are exceptions that the text may quote; values remembered with them go too. Never raises: a text
        that can't be cleaned is replaced as a whole.
        """
        try:
            return self._cleaned(str(text), errors)
        except Exception as problem:
            return f"{MARK} (not cleaned: {type(problem).__name__})"

    def _cleaned(self, text: str, errors: tuple[BaseException, ...]) -> str:
        # A value that is cut in half would not be found: so more text is cleaned than is kept.
        looked_at = text[: LINE_LIMIT + LONGEST_FORM]
        remembered = [found for error in errors for found in _remembered(error)]
        customers = dict.fromkeys([*_known(_customers.get()), *remembered])
        # All searches see the original text, so that none is misled by another's mark.
        spans = [*self._secrets.found(looked_at), *spans_of(SHAPES, looked_at)]
        spans += [span for values in customers for span in values.found(looked_at)]
        if len(text) <= LINE_LIMIT:
            return replaced(looked_at, spans, MARK)
        clipped = [(start, min(stop, LINE_LIMIT)) for start, stop in spans]
        return replaced(looked_at[:LINE_LIMIT], clipped, MARK) + _CUT


def _parts_of(secret: str) -> set[str]:
    """The secret itself; of a URL its password, as written and unquoted; of a web address without one, all of it."""
    if "://" not in secret:
        return {secret}
    with suppress(ValueError):
        password = urlsplit(secret).password
        if password:
            return {password, unquote(password)}
    return {secret} if secret.startswith("http") else set()
