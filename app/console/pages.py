"""The console's pages, a blueprint for each area."""

from app.console.aftercare import aftercare
from app.console.callback_messages import callback_messages
from app.console.cases import cases
from app.console.changes import changes
from app.console.customers import customers
from app.console.digests import digests
from app.console.events import events
from app.console.inactive_customers import inactive_customers
from app.console.log import log
from app.console.lookups import lookups
from app.console.missing_orders import missing_orders
from app.console.new_order import new_order
from app.console.passkeys import passkeys
from app.console.people import people
from app.console.plans import plans
from app.console.settings import settings
from app.console.sign_ins import sign_ins
from app.console.teamwork import causes, orders
from app.console.ticked_orders import ticked_orders
from app.console.ticket_texts import ticket_texts
from app.console.today import today

PAGES = (
    sign_ins,
    passkeys,
    today,
    orders,
    causes,
    ticked_orders,
    people,
    new_order,
    plans,
    aftercare,
    inactive_customers,
    missing_orders,
    callback_messages,
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
