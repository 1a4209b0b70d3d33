"""The words of a street line, with the numbers, directions and road owners in them written in one way."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from app.provisioning.matching.roads import ends_in_road
from app.provisioning.matching.usps import DESIGNATORS, DIRECTIONALS, KINDS, SUFFIXES
from app.wording.spelling import distance, folded

# 12-34, 12.5 and 1/2 stay one word: without their sign they would be other house numbers.
_WORD = re.compile(r"\d+(?:[./-]\d+)+[^\W_]*|[^\W_]+|#")
_CARE_OF = re.compile(r"(?:\bC/O\b|\bCARE OF\b|\bATTN:?).*?(?=\b\d|$|,)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_RANGE = re.compile(r"^(\s*\d+)\s*(?:\s-\s|&|\bAND\b)\s*(?=\d+\b)")
_SLASH = re.compile(r"(?<=\d)/(?=\d\d)")
_MOBILE_HOME = re.compile(r"\bMOBILE HOME(?=[ #.]*(?:\d|[A-Z]\b))")
_FRACTION = re.compile(r"[¼½¾]")
_HALF = re.compile(r"^(\s*\d+)\.5\b|\bONE[ -]HALF\b")
_BETWEEN_DIRECTIONS = re.compile(r"\b(N(?:ORTH)?|S(?:OUTH)?)-(E(?:AST)?|W(?:EST)?)\b")
_ORDINAL = re.compile(r"(\d+)(?:ST|ND|RD|TH)")
_SPELLED = "|".join(sorted((word for word in DIRECTIONALS if len(word) < 6), key=len, reverse=True))
_NUMBER_AND_DIRECTION = re.compile(rf"(\d{{2,}})({_SPELLED})")
_DIRECTION_AND_NUMBER = re.compile(r"([NSEW]|NORTH|SOUTH|EAST|WEST)(\d{2,})")
_ROAD_AND_NUMBER = re.compile(r"(US|SR|CR|HWY|RTE?|UT)(\d+)")
_TWO_COORDINATES = re.compile(r"([NSEW])(\d+)([NSEW])(\d+)|(\d+)([NSEW])(\d+)([NSEW])")
_DESIGNATOR_AND_VALUE = re.compile(
    r"(?=[ABFLMPRSTU])(?:(APT|UNIT|STE|BLDG)([A-Z]|\d+[A-Z]?)|(SUITE|LOT|TRLR|TRAILER|MH|SPC|SPACE|RM|FL|PH)(\d+[A-Z]?))"
)
_GLUED = (_DESIGNATOR_AND_VALUE, _ROAD_AND_NUMBER, _TWO_COORDINATES)

_ONES = (
    "ONE",
    "TWO",
    "THREE",
    "FOUR",
    "FIVE",
    "SIX",
    "SEVEN",
    "EIGHT",
    "NINE",
    "TEN",
    "ELEVEN",
    "TWELVE",
    "THIRTEEN",
    "FOURTEEN",
    "FIFTEEN",
    "SIXTEEN",
    "SEVENTEEN",
    "EIGHTEEN",
    "NINETEEN",
)
_FIRSTS = (
    "FIRST",
    "SECOND",
    "THIRD",
    "FOURTH",
    "FIFTH",
    "SIXTH",
    "SEVENTH",
    "EIGHTH",
    "NINTH",
    "TENTH",
    "ELEVENTH",
    "TWELFTH",
    "THIRTEENTH",
    "FOURTEENTH",
    "FIFTEENTH",
    "SIXTEENTH",
    "SEVENTEENTH",
    "EIGHTEENTH",
    "NINETEENTH",
)
_TENS = ("TWENTY", "THIRTY", "FORTY", "FIFTY", "SIXTY", "SEVENTY", "EIGHTY", "NINETY")
_CARDINALS = {word: number for number, word in enumerate(_ONES, 1)}
_ORDINALS = {word: number for number, word in enumerate(_FIRSTS, 1)}
_ORDINALS |= {f"{word[:-1]}IETH": number * 10 for number, word in enumerate(_TENS, 2)}
_TENS_NUMBERS = {word: number * 10 for number, word in enumerate(_TENS, 2)}
NUMBERS = frozenset({*_CARDINALS, *_ORDINALS, *_TENS_NUMBERS})
"""The words that are a number or a part of one."""


def words_of(text: str) -> list[str]:
    """The words in capitals, without accents and punctuation: `12 N. O'Hara Ct` -> `12`, `N`, `OHARA`, `CT`.

    Signs within numbers stay, thousands are joined, and `C/O` with its name is left out. Words written together are
    taken apart where they can mean one thing only (`APT4`, `US89`).
    """
    plain = folded(_FRACTION.sub(r" \g<0> ", text)).upper().replace("⁄", "/")
    plain = _HALF.sub(r"\1 1/2 ", _THOUSANDS.sub("", _CARE_OF.sub(" ", plain)))
    plain = _MOBILE_HOME.sub("MH", _SLASH.sub("-", _RANGE.sub(r"\1-", plain)))
    plain = _BETWEEN_DIRECTIONS.sub(lambda found: found[1][0] + found[2][0], plain)
    return [part for word in _WORD.findall(plain) for part in _apart(word)]


def _apart(word: str) -> Sequence[str]:
    if word in DESIGNATORS or word.isdigit():
        return (word,)
    found = next(filter(None, (glued.fullmatch(word) for glued in _GLUED)), None)
    return [part for part in found.groups() if part] if found else (word,)


def ordinal(word: str) -> int | None:
    """The number that an ordinal in figures stands for: `21ST`."""
    found = _ORDINAL.fullmatch(word)
    return int(found[1]) if found else None


@lru_cache(maxsize=1000)
def misspelt_ordinals(word: str) -> tuple[str, ...]:
    """The numbers, in figures, whose ordinal this word can be with a letter or two wrong: `TWELVETH` -> `12`."""
    if len(word) < 5 or not word.endswith(("H", "T", "D")):
        return ()
    letters = 2 if len(word) > 6 else 1
    return tuple(str(number) for name, number in _ORDINALS.items() if distance(word, name) <= letters)


def with_figures(words: Sequence[str]) -> list[str]:
    """Numbers in figures, ordinals with `TH`: `TWENTY FIRST` -> `21TH`, `SEVEN` -> `7`, `7 TH` -> `7TH`, `05` -> `5`.

    All ordinals end in `TH`, also 21 and 22: they are compared, and not shown to people.
    """
    turned: list[str] = []
    waiting = list(reversed(words))
    while waiting:
        turned.append(_figure(waiting.pop(), waiting))
    return turned


def _figure(word: str, following: list[str]) -> str:
    """The word in figures; takes the next word from `following` where both are one number."""
    upcoming = following[-1] if following else ""
    if word in _TENS_NUMBERS and upcoming in {*_FIRSTS[:9], *_ONES[:9]}:
        following.pop()
        ones = _ORDINALS.get(upcoming) or _CARDINALS[upcoming]
        return f"{_TENS_NUMBERS[word] + ones}{'TH' if upcoming in _ORDINALS else ''}"
    if word.isdigit() and upcoming in {"TH", "ND"}:
        following.pop()
        return f"{int(word)}TH"
    if word in _ORDINALS or (number := ordinal(word)) is not None:
        return f"{_ORDINALS.get(word) or number}TH"
    if upcoming == "HUNDRED" and word in _CARDINALS:
        following.pop()
        return f"{_CARDINALS[word]}00"
    if word in _CARDINALS or word in _TENS_NUMBERS:
        return str(_CARDINALS.get(word) or _TENS_NUMBERS[word])
    return word.lstrip("0") or "0" if word.isdigit() else word


def without_glue(words: Sequence[str]) -> list[str]:
    """`900E` -> `900`, `E` and `S900` -> `S`, `900`.

    Not what follows a designator, a whole coordinate (`900 E N302`) or a street's kind (`DR 11E`, but `TWP RD 11E`).
    """
    return [part for i, word in enumerate(words) for part in _coordinate(word, words[:i])]


def _coordinate(word: str, street: Sequence[str]) -> Iterator[str]:
    before = street[-1] if street else ""
    is_unit = before in DESIGNATORS and before not in {"NO", "MAIN"}
    is_unit = is_unit or (len(street) > 1 and street[-2].isdigit() and before in DIRECTIONALS)
    found = _NUMBER_AND_DIRECTION.fullmatch(word) or _DIRECTION_AND_NUMBER.fullmatch(word)
    ends_street = SUFFIXES.get(before) in KINDS and not ends_in_road(street)
    if found is None or is_unit or ends_street:
        yield word
    else:
        yield from found.groups()
