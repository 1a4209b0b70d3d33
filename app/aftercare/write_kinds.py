"""Every kind of write after the account, by its code."""

from collections.abc import Mapping

from app.aftercare.activation import ACTIVATE
from app.aftercare.case_halves import UTOPIA_CALLS
from app.aftercare.customer_extras import EXTRAS
from app.aftercare.writes import WriteKind

KINDS: Mapping[str, WriteKind] = {kind.code: kind for kind in (ACTIVATE, *UTOPIA_CALLS.values(), *EXTRAS.values())}
