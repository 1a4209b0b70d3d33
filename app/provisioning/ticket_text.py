"""The welcome ticket's text: a template with `{placeholders}`, its faults, and the text for one customer.

A template is plain text or HTML. Plain text (no tag in it) becomes HTML: a blank line begins a paragraph, a line break
stays one. A template with tags is left as it is written. `{{` and `}}` stand for a brace itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from app.provisioning.applicants import Applicant
from app.wording.allowed_html import clean, forbidden_markup, has_markup
from app.wording.placeholders import Fault, TemplateFault, brace_faults, fill

MAX_CHARACTERS = 20_000

PLACEHOLDERS: Mapping[str, str] = {
    "first_name": "the customer's first name",
    "last_name": "the customer's last name",
    "full_name": "first and last name",
    "email": "the customer's mail address",
    "phone": "the customer's phone number",
    "address": "the street line, with the unit",
    "city": "the city",
    "state": "the state's two-letter code",
    "zip": "the ZIP code",
    "full_address": "street line, city, state and ZIP code in one line",
    "plan": "what was ordered, such as 1 Gbps",
    "orderref": "UTOPIA's number of the order",
    "siteid": "UTOPIA's number of the site",
    "customer_id": "the PowerCode customer number",
    "terms_agreed_on": "when the customer agreed to the terms; empty when UTOPIA did not say",
}
"""Every placeholder of the ticket's template, with what it stands for."""

OLD_NAMES: Mapping[str, str] = {"customer_name": "full_name", "order_ref": "orderref", "site_id": "siteid"}
"""Placeholders of the scripts that were used before, so that their texts still work (reference: the old scripts). The
other names that their editor offered are the same as ours."""


def values_of(orderref: str, customer_id: str, applicant: Applicant, plans: Iterable[str]) -> dict[str, str]:
    """A value for each of PLACEHOLDERS."""
    state_and_zip = " ".join(filter(None, [applicant.state, applicant.zip]))
    return {
        "first_name": applicant.first_name,
        "last_name": applicant.last_name,
        "full_name": applicant.name.strip(),
        "email": applicant.email,
        "phone": applicant.phone,
        "address": applicant.street,
        "city": applicant.city,
        "state": applicant.state,
        "zip": applicant.zip,
        "full_address": ", ".join(filter(None, [applicant.street, applicant.city, state_and_zip])),
        "plan": ", ".join(plans),
        "orderref": orderref,
        "siteid": applicant.site_id,
        "customer_id": customer_id,
        "terms_agreed_on": applicant.terms_agreed_on,
    }


def check_template(text: str) -> list[Fault]:
    """All faults of a ticket's template in the order of their lines; empty when it can be used."""
    return list(_faults_of(text))


@lru_cache(maxsize=8)  # each order asks it twice, of the same text
def _faults_of(text: str) -> tuple[Fault, ...]:
    if not text.strip():
        return (Fault(0, "the template is empty"),)
    faults = [*brace_faults(text, [*PLACEHOLDERS, *OLD_NAMES]), *(Fault(*found) for found in forbidden_markup(text))]
    return (*_length_fault(text), *sorted(faults))


def render(template_text: str, values: Mapping[str, str]) -> str:
    """The ticket's description as safe HTML: values escaped, only harmless tags, links to http, https, mailto and tel.

    Raises TemplateFault as check_template finds it, or when a placeholder has no value.
    """
    values = {**values, **{old: values[name] for old, name in OLD_NAMES.items() if name in values}}
    faults = check_template(template_text) or list(brace_faults(template_text, values))
    if faults:
        raise TemplateFault(*faults)
    body = template_text if has_markup(template_text) else _paragraphs(template_text)
    description = clean(fill(body, values, escape=True))
    long = list(_length_fault(description))
    if long:
        raise TemplateFault(*long)
    return description


def _length_fault(text: str) -> Iterator[Fault]:
    if len(text) > MAX_CHARACTERS:
        yield Fault(0, f"the text has {len(text):,} characters, more than the {MAX_CHARACTERS:,} that a ticket takes")


def _paragraphs(text: str) -> str:
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return "\n".join("<p>" + "<br>".join(block.strip().split("\n")) + "</p>" for block in blocks)
