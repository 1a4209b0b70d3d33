"""The welcome ticket's text: a template with `{placeholders}`, its faults, and the text for one customer.

A template is plain text or HTML. Plain text (no tag in it) becomes HTML: a blank line begins a paragraph, a line break
stays one. A template with tags is left as it is written. `{{` and `}}` stand for a brace itself.
"""

import difflib
import html
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nh3

from app.provisioning.markup import ALLOWED_ATTRIBUTES, ALLOWED_SCHEMES, ALLOWED_TAGS, forbidden_markup, has_markup

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

# `{{first_name}}` is what other template languages write; taken literally, the customer would read a brace.
_TOKEN = re.compile(r"(?P<doubled>\{\{\s*\w+\s*\}\}(?!\}))|\{\{|\}\}|\{(?P<name>[^{}\n]*)\}|(?P<stray>[{}])")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong with a template, and in which line (from 1; 0: the file as a whole)."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class TemplateFault(Exception):
    """A template can't be used. `faults` has each reason."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(str(fault) for fault in faults))


def values_from(
    *,
    first_name: str,
    last_name: str,
    email: str,
    phone: str,
    address: str,
    city: str,
    state: str,
    zip_code: str,
    plan: str,
    orderref: str,
    siteid: str,
    customer_id: str,
    terms_agreed_on: str = "",
) -> dict[str, str]:
    """A value for each of PLACEHOLDERS. `address` is the street line with its unit, `state` the USPS code."""
    city_line = " ".join(filter(None, [state, zip_code]))
    return {
        "first_name": first_name,
        "last_name": last_name,
        "full_name": f"{first_name} {last_name}".strip(),
        "email": email,
        "phone": phone,
        "address": address,
        "city": city,
        "state": state,
        "zip": zip_code,
        "full_address": ", ".join(filter(None, [address, city, city_line])),
        "plan": plan,
        "orderref": orderref,
        "siteid": siteid,
        "customer_id": customer_id,
        "terms_agreed_on": terms_agreed_on,
    }


def read_template(path: str | Path) -> str:
    """The template's text. Raises TemplateFault when the file is missing, can't be read, or is not UTF-8."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise TemplateFault(Fault(line, f"{path} is not UTF-8 text")) from None
    except FileNotFoundError:
        raise TemplateFault(Fault(0, f"{path} does not exist")) from None
    except OSError as error:
        raise TemplateFault(Fault(0, f"{path} can't be read: {error.strerror}")) from None


def check_template(text: str) -> list[Fault]:
    """All faults of a ticket's template in the order of their lines; empty when it can be used."""
    if not text.strip():
        return [Fault(0, "the template is empty")]
    faults = [*_brace_faults(text, PLACEHOLDERS), *(Fault(*found) for found in forbidden_markup(text))]
    return [*_length_fault(text), *sorted(faults)]


def render(template_text: str, values: Mapping[str, str]) -> str:
    """The ticket's description as safe HTML: values escaped, only harmless tags, links to http, https, mailto and tel.

    Raises TemplateFault as check_template finds it, or when a placeholder has no value.
    """
    faults = check_template(template_text) or list(_brace_faults(template_text, values))
    if faults:
        raise TemplateFault(*faults)
    body = template_text if has_markup(template_text) else _paragraphs(template_text)
    description = nh3.clean(
        fill(body, values, escape=True),
        tags=set(ALLOWED_TAGS),
        attributes={tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()},
        url_schemes=set(ALLOWED_SCHEMES),
    )
    long = list(_length_fault(description))
    if long:
        raise TemplateFault(*long)
    return description


def fill(text: str, values: Mapping[str, str], *, escape: bool) -> str:
    """`text` with each `{placeholder}` replaced from `values`, in one pass: braces in a value stay as they are.

    Values become one line: control characters and line breaks turn into blanks. `escape`: values are escaped for HTML.
    Raises TemplateFault with every brace that is no placeholder of `values`.
    """
    faults = list(_brace_faults(text, values))
    if faults:
        raise TemplateFault(*faults)

    def replaced(token: re.Match[str]) -> str:
        name = token["name"]
        if name is None:
            return token[0][0]
        value = _one_line(values[name.strip()])
        return html.escape(value) if escape else value

    return _TOKEN.sub(replaced, text)


def _one_line(value: str) -> str:
    kept = (" " if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} else letter for letter in value)
    return " ".join("".join(kept).split())


def _brace_faults(text: str, allowed: Collection[str]) -> Iterator[Fault]:
    for token in _TOKEN.finditer(text):
        message = _brace_fault(token, allowed)
        if message:
            yield Fault(text.count("\n", 0, token.start()) + 1, message)


def _brace_fault(token: re.Match[str], allowed: Collection[str]) -> str:
    """What is wrong with this brace; empty when nothing is."""
    if token["stray"]:
        return f"a brace that is not a placeholder: {token[0]} (write {token[0] * 2} for the brace itself)"
    if token["doubled"]:
        return f"two braces around a placeholder: {token[0]} (write one)"
    if token["name"] is None or token["name"].strip() in allowed:
        return ""
    if not token["name"].strip():
        return "a brace that is not a placeholder: {} (write {{}} for the braces themselves)"
    near = difflib.get_close_matches(token["name"].strip().casefold(), allowed, n=1)
    return f"unknown placeholder {token[0]}" + (f" (did you mean {{{near[0]}}}?)" if near else "")


def _length_fault(text: str) -> Iterator[Fault]:
    if len(text) > MAX_CHARACTERS:
        yield Fault(0, f"the text has {len(text):,} characters, more than the {MAX_CHARACTERS:,} that a ticket takes")


def _paragraphs(text: str) -> str:
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return "\n".join("<p>" + "<br>".join(block.strip().split("\n")) + "</p>" for block in blocks)
