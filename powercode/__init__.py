"""A client for PowerCode's form API and UAPI: typed answers, and errors that say what to do next."""

from .answers import CANNOT_GEOCODE
from .certificates import Presented
from .client import PowerCodeClient
from .errors import NeverArrived, OutcomeUnknown, PowerCodeError, Refused, Throttled
from .models import Answer, Customer, NewCustomer, NewTicket, Tag, customer_page, order_notes
