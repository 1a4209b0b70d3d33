"""The words that an order is found by, and what a search looks for among them. Pure text.

The words of an order stand in one line, each between blanks, without case, accents and punctuation. A part of an
address is there as it was written and in the short form of the post, so that `Street`, `St.` and `ST` are one word.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from app.provisioning.matching.usps import DESIGNATORS, DIRECTIONALS, STATES, SUFFIXES
from app.wording.fact_labels import LABELS
from app.wording.spelling import folded

LONGEST_TEXT = 200
"""Characters of a search, and of each part of an order that is kept for it."""
MOST_TERMS = 20
WORD = re.compile(r"[^\W_]+")
PHONE = re.compile(r"(?<![\w-])(?:\+?1[\s.-]*)?(\(?\d{3}\)?[\s./-]*\d{3}[\s./-]*\d{4})(?![\w-])")
REFERENCE = re.compile(r"(?<=\d{6})-(?=\d{6}(?!\d))")
"""The hyphen within UTOPIA's references: without it, a reference is one word, and a rare one."""
LOCAL_PHONE = re.compile(r"(?<![\w-])\d{3}[.-]\d{4}(?![\w-])")
FOREIGN_PHONE = re.compile(r"\+[2-9][\d\s()./-]{6,}")
SHORT_FORMS = {
    spelling.lower(): short.lower()
    for table in (STATES, DESIGNATORS, SUFFIXES, DIRECTIONALS)
    for spelling, short in table.items()
}
"""`street` and `st` to `st`. A spelling with several meanings does no harm: both sides read it the same way."""
IN_A_LINE = re.compile(r"[^\W_]*\d{6}-\d{6}(?!\d)")
"""One of UTOPIA's references within any text: a subject, a title, the address of the order's page."""
CUSTOMER_PAGE = re.compile(r"\S*[?&]customerid=(\d+)\S*")
SOLD_AS = re.compile(r"\((?:PowerCode service \d+|unknown)\).*")
"""What our pages and mails write behind a plan."""
LABEL = re.compile(
    rf"^[\s-]*\b(?:{'|'.join(sorted({*LABELS.values(), 'customer'}, reverse=True))})(?:\s*[:\t]|\s+#?(?=\d))",
    re.IGNORECASE,
)
"""A label at the beginning of a line; without a colon, before a number only: `customer 1002`."""
SHORT_NUMBER, SHORT_WORD = 3, 2
PIECES = 4
"""How many 64-bit numbers hold an order's bits: some 80 of the 256 bits are set."""

Term = tuple[str, ...]
"""One word of a search: an order has it when any of these is in its line of words."""


def casefolded(text: str) -> str:
    """A text in the form for comparison: case and the composition of its letters (Unicode) don't matter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def line_of(*, texts: Iterable[str], address: str = "", references: Iterable[str] = (), mail: str = "") -> str:
    """The line of words that an order is found by. It also has each reference with its parts joined."""
    words = [word for reference in references for word in (*_words(reference), "".join(_words(reference)))]
    words += [word for text in texts for word in _words(text)]
    words += [form for word in _words(address) for form in (word, SHORT_FORMS.get(word, word))]
    words += casefolded(mail).split()
    return f" {' '.join(dict.fromkeys(words))} "


def note_line(text: str) -> str:
    """The words of a person's note, for the end of such a line; phone numbers in the form that a search uses."""
    words = dict.fromkeys(_asked(text))
    return "".join(f"{word} " for word in words)


def terms_of(text: str) -> list[Term]:
    """What a search looks for, what is rarest first."""
    terms = dict.fromkeys(_term(word) for word in _asked(_telling(text[:LONGEST_TEXT])))
    return sorted(terms, key=_how_common)[:MOST_TERMS]


def pieces_of(line: str) -> tuple[int, ...]:
    """A bit for each three letters in a row of a line, in `PIECES` numbers as databases keep them.

    A line that contains a text has all the text's bits; a few other lines have them, too.
    """
    bits = 0
    for piece in {line[first : first + 3] for first in range(len(line) - 2)}:
        bits |= _bit_of(piece)
    numbers = (bits >> 64 * number & 0xFFFF_FFFF_FFFF_FFFF for number in range(PIECES))
    return tuple(number - (number >> 63 << 64) for number in numbers)


@lru_cache(maxsize=20_000)
def _bit_of(piece: str) -> int:
    first, second, third = map(ord, piece)
    number = (first << 16 ^ second << 8 ^ third) * 0x9E3779B1 & 0xFFFF_FFFF
    return 1 << ((number ^ number >> 15) * 0x85EBCA77 >> 24 & 0xFF)


def is_reference(text: str, orderref: str) -> bool:
    """Whether a text is this reference, whatever its case, its hyphens and the punctuation around it."""
    return bool(text) and "".join(_words(text)) == "".join(_words(orderref))


def _words(text: str) -> list[str]:
    return WORD.findall(folded(folded(text)))  # folding a letter can leave an apostrophe, so fold twice


def _asked(text: str) -> Iterator[str]:
    """The words of a search. A phone number is one word, a mail address as well."""
    if FOREIGN_PHONE.fullmatch(text.strip()):
        yield re.sub(r"\D", "", text)
        return
    text = LOCAL_PHONE.sub(_digits, PHONE.sub(lambda found: _digits(found, 1), REFERENCE.sub("", text)))
    for word in text.split():
        if "@" in word:
            yield casefolded(word).strip("<>()[]{},;:.\"'")
        else:
            yield from _words(word)


def _telling(line: str) -> str:
    """The part of a line copied from a mail or a page that names the order: its reference, or what follows a label."""
    references = IN_A_LINE.findall(line)
    if references:
        return " ".join(references)
    left = CUSTOMER_PAGE.sub(r"\1", SOLD_AS.sub("", LABEL.sub("", line.replace("’", "'"), count=1)))
    return left if WORD.search(left) else line


def _digits(found: re.Match[str], group: int = 0) -> str:
    return f" {re.sub(r'[^0-9]', '', found[group])} "


def _term(word: str) -> Term:
    """A term matches a part of a word; a short number only a whole word, and two letters only a word's beginning."""
    short = SHORT_FORMS.get(word, word)
    forms = (word,) if short == word else (word, f" {short} ")
    if word.isascii() and word.isdecimal() and len(word) <= SHORT_NUMBER:
        return (f" {word} ",)
    if word.isascii() and len(word) <= SHORT_WORD:
        return (f" {word}", *forms[1:])
    return forms


def _how_common(term: Term) -> tuple[bool, bool, bool, int]:
    """A sort key: rare terms come first, because the first term decides how long a search takes."""
    word = term[0].strip()
    return word in SHORT_FORMS, len(term[0]) > len(word), not word.isdecimal(), -len(word)
