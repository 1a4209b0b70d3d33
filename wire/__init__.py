"""The one door out: HTTP requests with limits, whose failures tell whether the request may have arrived."""

from .observation import Observation, Observer
from .transport import FILE_LIMIT, JSON_LIMIT, Failure, Reply, TooLong, Transport, checked_url

__all__ = [
    "FILE_LIMIT",
    "JSON_LIMIT",
    "Failure",
    "Observation",
    "Observer",
    "Reply",
    "TooLong",
    "Transport",
    "checked_url",
]
