"""Texts with `{placeholders}`: filled in one pass from an allow-list, with every fault named by its line.

`{{` and `}}` stand for a brace itself. No format strings and no Jinja: the texts are filled with customers' data, and
neither the data nor the template's writer may run code.
"""

import difflib
import html
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# `{{first_name}}` is the syntax of other template languages; taken literally, the customer would see braces.
_TOKEN = re.compile(r"(?P<doubled>\{\{\s*\w+\s*\}\}(?!\}))|\{\{|\}\}|\{(?P<name>[^{}\n]*)\}|(?P<stray>[{}])")

OTHER_WORDS: Mapping[str, Collection[str]] = {
    "first_name": ("givenname", "forename", "fname"),
    "last_name": ("surname", "familyname", "lname"),
    "full_name": ("name", "customername", "customerfullname"),
    "email": ("mail", "emailaddress", "mailaddress", "customeremail"),
    "phone": ("phonenumber", "telephone", "customerphone"),
    "address": ("street", "streetaddress", "streetline"),
    "city": ("town",),
    "zip": ("zipcode", "postcode", "postalcode"),
    "plan": ("planname", "serviceplan"),
    "orderref": ("orderreference", "ordernumber", "orderno", "orderid"),
    "siteid": ("sitenumber", "siteno"),
    "customer_id": ("customernumber", "customerno", "accountnumber"),
    "ticket": ("ticketnumber", "ticketno", "ticketid"),
    "closed_on": ("closedate", "dateclosed", "closingdate"),
}
"""Other words that people write for a placeholder; only letters and digits, in lower case."""
SHORTEST_MISTYPED = 5
MISTYPED_RATIO = 0.9


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A fault in a template, and its line (from 1; 0: the file as a whole)."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class TemplateFault(Exception):
    """A template can't be used. `faults` has each reason."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(str(fault) for fault in faults))


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


def fill(text: str, values: Mapping[str, str], *, escape: bool) -> str:
    """`text` with each `{placeholder}` replaced from `values`, in one pass: braces in a value stay as they are.

    Values become one line: control characters and line breaks turn into blanks. `escape`: values are escaped for HTML.
    Raises TemplateFault with every brace that is no placeholder of `values`.
    """
    faults = list(brace_faults(text, values))
    if faults:
        raise TemplateFault(*faults)

    def replaced(token: re.Match[str]) -> str:
        name = token["name"]
        if name is None:
            return token[0][0]
        value = _one_line(values[name.strip()])
        return html.escape(value) if escape else value

    return _TOKEN.sub(replaced, text)


def brace_faults(text: str, allowed: Collection[str]) -> Iterator[Fault]:
    """Every brace that is no placeholder of `allowed`."""
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
    meant = _meant(token["name"], allowed)
    return f"unknown placeholder {token[0]}" + (f" (did you mean {{{meant}}}?)" if meant else "")


def _meant(written: str, allowed: Collection[str]) -> str:
    """The placeholder that means the same, or "": one that only looks alike would tell customers something else."""
    key = _key(written)
    same = [name for name in allowed if _key(name) == key or key in OTHER_WORDS.get(name, ())]
    mistyped = [name for name in allowed if _is_mistyped(key, _key(name))]
    if same:
        return same[0]
    return mistyped[0] if len(mistyped) == 1 else ""


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _is_mistyped(written: str, meant: str) -> bool:
    """Whether a long enough word has a letter more, less or elsewhere. A digit is no slip: {phone2} is another one."""
    if len(meant) < SHORTEST_MISTYPED or any(letter.isdecimal() for letter in written):
        return False
    alike = difflib.SequenceMatcher(None, written, meant, autojunk=False).ratio() >= MISTYPED_RATIO
    return alike or sorted(written) == sorted(meant)


def _one_line(value: str) -> str:
    if not value.isprintable():  # as few values
        value = "".join(" " if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} else each for each in value)
    return " ".join(value.split())
