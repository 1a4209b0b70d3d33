"""Values in the JSON of remote systems, which send numbers as texts, and one object where a list is meant."""

from typing import Any


def scalar(value: object) -> str:
    """A string or a number as a string, 65.0 as "65"; "" for null and anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def records(value: object) -> list[dict[str, Any]]:
    """The objects in `value`: a list of them, a single one, or numbered ones ({"0": {...}, "1": {...}})."""
    if isinstance(value, dict):
        inner = list(value.values())
        numbered = bool(inner) and all(isinstance(each, dict) for each in inner)
        return inner if numbered else [value] if value else []
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
