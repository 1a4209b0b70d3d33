"""How alike two people's names are."""

import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from app.provisioning.matching.spelling import distance, folded

_WORD = re.compile(r"[^\W_]+")


class Identity(StrEnum):
    """Whether two names are one person's."""

    SAME = "same"
    MAY_BE = "may_be"
    SOMEBODY_ELSE = "somebody_else"


def compare_names(first: str, second: str) -> Identity:
    """Whether two full names are one person's, accents, case, punctuation and `Lind, Ada` for `Ada Lind` aside.

    May be: a letter or two differ (in a name of four or five letters, one), a word more (`Ada M Lind`, `Ada Lind Jr`),
    an initial for a name (`A Lind`), another sequence of the words, or a name is missing.
    """
    one, two = _words(first), _words(second)
    if not one or not two:
        return Identity.MAY_BE
    if one == two:
        return Identity.SAME
    similar = _has_words_more(one, two) or _has_initials(one, two) or _is_misspelt(one, two)
    return Identity.MAY_BE if similar else Identity.SOMEBODY_ELSE


def is_name(text: str) -> bool:
    """Whether there is a name in the text."""
    return bool(_words(text))


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
