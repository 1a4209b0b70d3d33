"""How alike two people's names are."""

import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum

from app.provisioning.matching.spelling import distance, folded

_WORD = re.compile(r"[^\W_]+")


class Likeness(Enum):
    """How alike two names are; NOT_KNOWN when one of them is missing."""

    SAME = "same"
    SIMILAR = "similar"
    OTHER = "other"
    NOT_KNOWN = "not known"


def compare_names(first: str, second: str) -> Likeness:
    """How alike two full names are, accents, case, punctuation and `Lind, Ada` for `Ada Lind` aside.

    Similar: a letter or two differ (in a name of four or five letters, one), a word more (`Ada M Lind`, `Ada Lind Jr`),
    an initial for a name (`A Lind`), or another sequence of the words.
    """
    one, two = _words(first), _words(second)
    if not one or not two:
        return Likeness.NOT_KNOWN
    if one == two:
        return Likeness.SAME
    similar = _has_words_more(one, two) or _has_initials(one, two) or _is_misspelt(one, two)
    return Likeness.SIMILAR if similar else Likeness.OTHER


def _words(name: str) -> list[str]:
    last, comma, first = name.partition(",")
    return _WORD.findall(folded(f"{first} {last}" if comma else name))


def _has_words_more(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether all words of one name are in the other, which includes another sequence."""
    return Counter(one) <= Counter(two) or Counter(two) <= Counter(one)


def _has_initials(one: Sequence[str], two: Sequence[str]) -> bool:
    return len(one) == len(two) and all(
        word == other or (1 in {len(word), len(other)} and word[0] == other[0])
        for word, other in zip(one, two, strict=True)
    )


def _is_misspelt(one: Sequence[str], two: Sequence[str]) -> bool:
    # Two letters of `Al Li` are half of it: `Bo Li` is somebody else.
    letters = min(len("".join(one)), len("".join(two)))
    return distance(" ".join(one), " ".join(two)) <= min(2, max(1, letters // 3))
