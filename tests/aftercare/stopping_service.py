"""A service that is being stopped, for as long as a block lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.durable import engine


@contextmanager
def stopping() -> Iterator[None]:
    """During the block, what takes long is to end as soon as it can."""
    engine._stopping.set()
    try:
        yield
    finally:
        engine._stopping.clear()
