"""Every change that an administrator makes by hand (reference: UTOPIA's service-provider calls; PowerCode's UAPI)."""

from typing import Any

from app.lookups.affected_customers import (
    customer_and_product,
    customer_and_tag,
    customer_at_site,
    order_item,
    service_item,
)
from app.lookups.changes import Change
from app.lookups.entry_fields import Field, Given
from app.lookups.look_up_catalogue import CUSTOMER_ID, ORDERREF, SITE
from app.models import System

CID = Field("cid", "Customer number (cid)", required=True)
NEEDED_SITE = Field("siteid", SITE.label, required=True)
ISSUE_DATE = Field(
    "issuedate", "Date", "The day it takes effect, as UTOPIA wants it; passed on as it is", required=True
)
OUR_IDS = tuple(Field(f"spsubid{number}", f"Our id {number} (spsubid{number})") for number in (1, 2, 3))
TAG = Field("tag_id", "Tag id", required=True, number=True, longest=18)
NEEDED_CUSTOMER = Field("customer_id", CUSTOMER_ID.label, required=True, number=True, longest=18)

CHANGES = (
    Change(
        "suspend",
        "Suspend service",
        "UTOPIA stops the service of this customer at site {siteid}. They have no internet until you unsuspend it.",
        (CID, NEEDED_SITE),
        customer_at_site,
        lambda services, given: services.utopia.suspend(given["cid"], given["siteid"]).content,
        "cid",
    ),
    Change(
        "unsuspend",
        "Unsuspend service",
        "UTOPIA starts the stopped service of this customer at site {siteid} again.",
        (CID, NEEDED_SITE),
        customer_at_site,
        lambda services, given: services.utopia.unsuspend(given["cid"], given["siteid"]).content,
        "cid",
    ),
    Change(
        "change-speed",
        "Change speed",
        "UTOPIA changes the plan of this customer at site {siteid} to product {product} on {issuedate}. PowerCode is "
        "not told: change the plan there, too.",
        (
            CID,
            NEEDED_SITE,
            Field("uiaid", "UIA id (uiaid)", "The id of the order at UTOPIA", required=True),
            Field("product", "Product", "Its number; the look-up “Products” lists them", required=True),
            ISSUE_DATE,
        ),
        customer_and_product,
        lambda services, given: services.utopia.change_speed(**given).content,
        "cid",
    ),
    Change(
        "cancel",
        "Cancel service",
        "UTOPIA cancels the service of this customer at site {siteid} on {issuedate}. This can't be taken back here. "
        "PowerCode is not told: end the billing there, too.",
        (CID, NEEDED_SITE, ISSUE_DATE, Field("singleservice", "Single service", "Blank: all services at the site")),
        customer_at_site,
        lambda services, given: services.utopia.cancel_service(**given).content,
        "cid",
        always_retyped=True,
    ),
    Change(
        "edit-order-item",
        "Edit order item",
        "UTOPIA changes item {itemid} of this order: {entries}.",
        (
            Field("itemid", "Order item", required=True),
            Field("orderref", ORDERREF.label, "Finds the customer's name; not sent", required=True, names_only=True),
            Field("handoff", "Handoff"),
            Field("vlan", "VLAN"),
            Field("vlanservice", "VLAN service"),
            Field("nnivlan", "NNI VLAN"),
            Field("nnivlanservice", "NNI VLAN service"),
            *OUR_IDS,
        ),
        order_item,
        lambda services, given: services.utopia.edit_order_item(**_without(given, "orderref")).content,
        "itemid",
        one_of=("handoff", "vlan", "vlanservice", "nnivlan", "nnivlanservice", "spsubid1", "spsubid2", "spsubid3"),
    ),
    Change(
        "edit-service-item",
        "Edit service item",
        "UTOPIA sets our own ids on service item {servid}: {entries}.",
        (
            Field("servid", "Service item (servid)", required=True),
            Field("siteid", SITE.label, "Finds the customer's name; not sent", required=True, names_only=True),
            *OUR_IDS,
        ),
        service_item,
        lambda services, given: services.utopia.edit_service_item(**_without(given, "siteid")).content,
        "servid",
        one_of=("spsubid1", "spsubid2", "spsubid3"),
    ),
    Change(
        "add-tag",
        "Add a tag",
        "PowerCode marks this customer with tag {tag_id}.",
        (NEEDED_CUSTOMER, TAG),
        lambda services, given: customer_and_tag(services, given, adds=True),
        lambda services, given: _tags(services.powercode.add_customer_tag(given["customer_id"], given["tag_id"])),
        "customer_id",
        system=System.POWERCODE,
    ),
    Change(
        "remove-tag",
        "Remove a tag",
        "PowerCode takes tag {tag_id} from this customer.",
        (NEEDED_CUSTOMER, TAG),
        lambda services, given: customer_and_tag(services, given, adds=False),
        lambda services, given: _tags(services.powercode.remove_customer_tag(given["customer_id"], given["tag_id"])),
        "customer_id",
        system=System.POWERCODE,
    ),
)

BY_NAME = {change.name: change for change in CHANGES}


def _without(given: Given, name: str) -> dict[str, str]:
    return {key: value for key, value in given.items() if key != name}


def _tags(tags: Any) -> Any:
    return {"tags now": [tag.model_dump() for tag in tags]}
