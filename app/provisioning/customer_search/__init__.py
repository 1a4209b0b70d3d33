"""Finding the person of an order in PowerCode, also where somebody typed them in by hand; and both side by side."""

from app.provisioning.customer_search.look_alikes import (
    Row,
    SideBySide,
    elsewhere,
    kept,
    look_alikes,
    of_record,
    plans_given,
)
from app.provisioning.customer_search.searches import LookUpResult, look_for, may_be_one
