"""Requests of pages to remote systems: a few at a time, so that threads stay free for callbacks; errors in words."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import powercode
import utopia

T = TypeVar("T")

AT_A_TIME = 3
"""Requests that may wait for an answer in one process; the other threads are for callbacks and pages."""

REMOTE_ERRORS = (utopia.UtopiaError, powercode.PowerCodeError)

_free = threading.BoundedSemaphore(AT_A_TIME)


class NotAnswered(Exception):
    """There is no answer; the text says why and what to do, fit for a page.

    `no_such_record`: the system answered that it has no such record.
    """

    def __init__(self, words: str, *, no_such_record: bool = False) -> None:
        super().__init__(words)
        self.no_such_record = no_such_record


@contextmanager
def a_turn() -> Iterator[None]:
    """Hold one of the few places for requests; raises `NotAnswered` at once when all are taken."""
    if not _free.acquire(blocking=False):
        raise NotAnswered(
            "Other questions are still waiting for their answers. Nothing was sent; try again in a minute."
        )
    try:
        yield
    finally:
        _free.release()


def answer(ask: Callable[[], T]) -> T:
    """What `ask` returns; raises `NotAnswered` for every error of a remote system."""
    with a_turn():
        try:
            return ask()
        except REMOTE_ERRORS as error:
            raise NotAnswered(in_words(error), no_such_record=_says_no_such_record(error)) from None


def in_words(error: Exception) -> str:
    """An error of a look-up as a sentence or two for staff."""
    name = "UTOPIA" if isinstance(error, utopia.UtopiaError) else "PowerCode"
    detail = str(getattr(error, "detail", "")).rstrip(". ")
    if isinstance(error, utopia.AuthenticationFailed):
        return "UTOPIA does not accept the key. An administrator corrects UTOPIA_API_KEY."
    if isinstance(error, (utopia.Throttled, powercode.Throttled)):
        return f"{name} was asked too often. Try again in a few minutes."
    if isinstance(error, (utopia.NeverArrived, powercode.NeverArrived)):
        return f"{name} can't be reached: {detail}. Try again in a minute."
    if _says_no_such_record(error):
        return f"{name} has no such record: {detail}."
    if isinstance(error, (utopia.Refused, powercode.Refused)):
        return f"{name} refused: {detail}. Check what you entered."
    return f"{name} gave no usable answer: {detail}. Try again in a minute."


def _says_no_such_record(error: Exception) -> bool:
    return isinstance(error, utopia.NotOurs) or (isinstance(error, utopia.Refused) and error.status == 404)
