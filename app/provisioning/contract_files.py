"""The signed contract as a file: fetched onto the disk, to go with a mail or to whoever asks for it in the console."""

import logging
from typing import BinaryIO

import utopia
from app.models import Order, System
from app.notices import Enclosure, Without
from app.remote import probes
from app.services import Services

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
MOST_FETCHED = 32 * MEGABYTE
LEAST_READ = MEGABYTE // 16
"""We read this much of any answer, so that an answer without a contract can be understood."""


def contract_for_mail(services: Services, order: Order, into: BinaryIO) -> Enclosure:
    """Fetch the contract into an empty file; it also counts as not ready when UTOPIA doesn't answer."""
    try:
        return _fetch(services, order, into)
    except utopia.UtopiaError as error:
        log.info("No contract yet: %s", error)
        if isinstance(error, (utopia.NeverArrived, utopia.OutcomeUnknown)):
            probes.works(services, System.UTOPIA)  # if it doesn't, the others need not try
        return Enclosure(without=Without.NOT_READY)


def _fetch(services: Services, order: Order, into: BinaryIO) -> Enclosure:
    """Fetch the contract; a file that is too large for a mail is not read to its end."""
    most = min(int(services.settings.mail_attachment_mb * MEGABYTE), MOST_FETCHED)
    try:
        size = services.utopia.contract_pdf(order.orderref, into, limit=max(most, LEAST_READ))
    except utopia.TooLarge as large:
        is_fetched = large.size is None or large.size <= MOST_FETCHED
        return Enclosure(without=Without.TOO_LARGE if is_fetched else Without.NOT_FETCHED, size=large.size)
    if size > most:
        return Enclosure(without=Without.TOO_LARGE, size=size)
    return Enclosure(file=into, size=size)
