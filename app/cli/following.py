"""Follows work to its end, with progress on stderr."""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from app.running.background import Background
from app.services import Services

LOOK_EVERY_SECONDS = 0.2

Found = TypeVar("Found")


def follow(
    ready: Services,
    look: Callable[[], Found],
    *,
    says: Callable[[Found], Iterable[str]],
    rests: Callable[[Found], bool],
) -> Found:
    """Look until the work rests, and return what was found then; executes the work here when no service does.

    Each line that `says` has about what was found is shown once.
    """
    background, said = Background(ready), set[str]()
    background.start()
    try:
        while True:
            found = look()
            for line in says(found):
                if line not in said:
                    click.echo(f"  {line}", err=True)
                    said.add(line)
            if rests(found):
                return found
            time.sleep(LOOK_EVERY_SECONDS)
    finally:
        background.stop()
