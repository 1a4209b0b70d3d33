"""A client for UTOPIA Fiber's service-provider API: typed answers, and errors that say what to do next."""

from .client import UtopiaClient
from .errors import (
    AuthenticationFailed,
    NeverArrived,
    NotOurs,
    NotReady,
    OutcomeUnknown,
    Refused,
    Throttled,
    TooLarge,
    UtopiaError,
)
from .models import AccessPortal, Address, Answer, Contract, OrderItem, Person, Site
