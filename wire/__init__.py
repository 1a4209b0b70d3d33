"""The one door out: HTTP requests with limits, whose failures tell whether the request may have arrived."""

from requests import Request

from .observation import Call, Observation, Observer
from .transport import FILE_LIMIT, JSON_LIMIT, Failure, Limits, Reply, TooLong, Transport, checked_url
