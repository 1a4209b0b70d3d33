"""Fields of a row as plain JSON."""

from datetime import datetime
from typing import Any


def json_fields(row: object, *names: str) -> dict[str, Any]:
    """These attributes of a row by name; moments in ISO 8601 with a zone."""
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
