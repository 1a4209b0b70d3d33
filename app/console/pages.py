"""The console's pages, a blueprint for each area."""

from app.console.aftercare import aftercare
from app.console.cases import cases
from app.console.changes import changes
from app.console.customers import customers
from app.console.desk import causes, orders
from app.console.digests import digests
from app.console.events import events
from app.console.inactive import inactive
from app.console.log import log
from app.console.lookups import lookups
from app.console.messages import messages
from app.console.missing_orders import missing_orders
from app.console.new_order import new_order
from app.console.passkeys import passkeys
from app.console.people import people
from app.console.plans import plans
from app.console.settings import settings
from app.console.signing_in import signing_in
from app.console.ticket_texts import ticket_texts
from app.console.ticking import ticking
from app.console.today import today

PAGES = (
    signing_in,
    passkeys,
    today,
    orders,
    causes,
    ticking,
    people,
    new_order,
    plans,
    aftercare,
    inactive,
    missing_orders,
    messages,
    cases,
    customers,
    lookups,
    changes,
    settings,
    events,
    log,
    ticket_texts,
    digests,
)
