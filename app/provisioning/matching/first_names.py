"""First names that can be one person's: short forms, initials, spellings that sound alike. None is the same name."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from nicknames import NickNamer

from app.wording.spelling import distance

_SOUNDS = tuple(
    (re.compile(letters), sound)
    for letters, sound in (
        (r"x", "ks"),
        (r"ph", "f"),
        (r"eigh", "i"),
        (r"a[iy](?=[^aeiou])", "a"),
        (r"^mc(?=[^aeiou])", "mak"),
        (r"ck|q|k|ch(?=r|ae)|c(?![eiyh])", "k"),
        (r"g(?=e)|dg", "j"),
        (r"c(?=[eiy])|z", "s"),
        (r"(ll|nn|tt)e$", r"\1a"),
        (r"[ey]y|ie|ee|ea|y", "i"),
        (r"eo", "e"),
        (r"v", "f"),
        (r"(?<=.)h", ""),
        (r"(.)\1+", r"\1"),
        (r"(?<=..)e$", ""),
        (r"(?<=.)e(?=r)", ""),
    )
)
"""How letters sound, roughly. The ending of Danielle is heard, that of Catherine is not."""

_ENDEARMENT = re.compile(r"(?<=...)(?:ie|ey|ee|y|i)$")
_VOWELS_WITHIN = re.compile(r"[aeiou](?=.)")
LEAST_FRAME = 2
"""Shorter frames tell nothing: Dan and Dean, Leo and Lia."""

_FURTHER = (
    ("francisco", "paco", "pancho", "frank"),
    ("gabriela", "gaby", "gabby"),
    ("guadalupe", "lupe", "lupita"),
    ("jesus", "chuy"),
    ("jose", "pepe", "joe"),
    ("guillermo", "memo"),
    ("ignacio", "nacho"),
    ("enrique", "quique", "kike", "henry"),
    ("roberto", "beto", "robert"),
    ("alberto", "beto", "albert"),
    ("eduardo", "lalo", "edward"),
    ("salvador", "chava"),
    ("graciela", "chela"),
    ("dolores", "lola"),
    ("rosario", "chayo"),
    ("juan", "john"),
    ("sean", "shawn", "shaun", "shane"),
    ("olivia", "liv"),
    ("alexandra", "lexi", "lexie", "lexa"),
)
"""What the list lacks: the first name with its short forms."""


@cache
def _short_forms() -> Mapping[str, frozenset[str]]:
    """Each name of the list, with every name that stands for the same full name."""
    names = NickNamer()
    alike: dict[str, set[str]] = {}
    known = {name: set(forms) for name, forms in names.nickname_lookup.items()}
    for name, *forms in _FURTHER:
        known.setdefault(name, set()).update(forms)
    for name, short_forms in known.items():
        for one in short_forms:
            alike.setdefault(one, set()).add(name)
            # A short form that has short forms of its own stands for several names: Bill is William, in the list Robert
            alike[one].update(() if names.canonicals_of(name) else short_forms)
        alike.setdefault(name, set()).update(short_forms)
    return {name: frozenset(others) for name, others in alike.items()}


def is_known(name: str) -> bool:
    """Whether the list has this name."""
    return name in _short_forms()


def are_alike(one: str, two: str) -> bool:
    """Whether two first names in lower case may be one person's: `bob`, `b` and `robert`, `kathryn` and `catherine`."""
    if one == two or two in _short_forms().get(one, ()):
        return True
    if _are_initials(one) or _are_initials(two):
        letters, name = sorted((one, two), key=len)
        return any(other.startswith(letters[0]) for other in (name, *_short_forms().get(name, ())))
    if _sound(one) in _sounds_of_family(two) or _sound(two) in _sounds_of_family(one) or _have_one_frame(one, two):
        return True
    return _are_misspelt(one, two) or _is_contained(one, two)


def _is_contained(one: str, two: str) -> bool:
    """Whether one is the other's beginning or end, and no name of the list: `trev` and `trevor`, `xander`, `madi`."""
    short, long = sorted((one, two), key=len)
    if len(long) - len(short) < 2 or is_known(short):
        return False
    stem = _ENDEARMENT.sub("", short)
    return (len(stem) > 2 and long.startswith(stem)) or (len(short) > 3 and long.endswith(short))


def _are_misspelt(one: str, two: str) -> bool:
    """One letter differs; in a long name that is no other name of the list, two."""
    shorter = min(len(one), len(two))
    letters = 0 if shorter < 3 else 2 if shorter > 5 and not (is_known(one) and is_known(two)) else 1
    return abs(len(one) - len(two)) <= letters and distance(one, two) <= letters


def _are_initials(name: str) -> bool:
    """`T` and `TJ`, not `Al` and `Ty`."""
    return len(name) == 1 or (len(name) == 2 and not set(name) & set("aeiouy"))


def _have_one_frame(one: str, two: str) -> bool:
    """Whether only the inner vowels differ, in names with enough consonants: `caitlin` and `katelyn`."""
    frame = _frame(one)
    return frame == _frame(two) and len(frame) > LEAST_FRAME


@lru_cache(maxsize=2000)
def _frame(name: str) -> str:
    sound = _sound(name)
    return sound[:1] + _VOWELS_WITHIN.sub("", sound[1:])


@lru_cache(maxsize=2000)
def _sounds_of_family(name: str) -> frozenset[str]:
    """How the name, its full names and its short forms sound: Katie is Kathryn."""
    return frozenset(map(_sound, (name, *_short_forms().get(name, ()))))


@lru_cache(maxsize=2000)
def _sound(name: str) -> str:
    for letters, sound in _SOUNDS:
        name = letters.sub(sound, name)
    return name
