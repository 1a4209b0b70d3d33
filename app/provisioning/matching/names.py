"""Whether two names are one person's, may be, or are surely somebody else's."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import pairwise, product

from app.provisioning.matching import first_names
from app.provisioning.matching.street_words import with_figures
from app.wording.spelling import distance, folded, is_abbreviated, unspoilt


class Identity(StrEnum):
    """Whether two names are one person's."""

    SAME = "same"
    MAY_BE = "may_be"
    SOMEBODY_ELSE = "somebody_else"


_WORD = re.compile(r"[^\W_]+")
_BRACKETS = re.compile(r"\([^()]*\)?|\[[^\[\]]*\]?")
_DOTTED = re.compile(r"(?<=\b[^\W\d_])\.(?=[^\W\d_]\b)")
_BRACKET = re.compile(r"[()\[\]]")
_NUMBER_AT_END = re.compile(r"[\s#-]+\d{1,2}\s*$")
_AND = re.compile(r"\s+and\s+|\s+or\s+|\s+w/\s*|\s*[&+/]\s*")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_TITLES = frozenset(("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev"))
_SEXES = {"mr": "m", "mrs": "f", "ms": "f", "miss": "f"}
_DEGREES = frozenset(
    ("md", "phd", "dds", "dmd", "dvm", "rn", "cpa", "esq", "jd", "mba", "bsn", "lcsw", "pharmd", "edd", "dnp", "aprn")
)
_GENERATIONS = {
    **dict.fromkeys(("jr", "junior"), "jr"),
    **dict.fromkeys(("sr", "senior"), "sr"),
    **dict.fromkeys(("ii", "2nd"), "2"),
    **dict.fromkeys(("iii", "3rd"), "3"),
    **dict.fromkeys(("iv", "4th"), "4"),
    "5th": "5",
}
_ADDITIONS = frozenset(_GENERATIONS) | _DEGREES
_LEGAL_FORMS = {
    **dict.fromkeys(("llc", "lc"), "llc"),
    **dict.fromkeys(("inc", "incorporated"), "inc"),
    **dict.fromkeys(("corp", "corporation"), "corp"),
    **dict.fromkeys(("ltd", "limited"), "ltd"),
    **{form: form for form in ("llp", "lp", "pllc", "pc", "plc")},
    **dict.fromkeys(("co", "company"), "co"),
}
_HOUSEHOLDS = frozenset(
    ("family", "trust", "living", "revocable", "irrevocable", "estate", "household", "residence", "the", "of")
)


@dataclass(frozen=True)
class _Name:
    """A name taken apart. `people` has the words of each person on the account, in lower case, the first name first.

    `core` has a company's words without its legal form, `form` is the legal form. `generation` is "jr", "3" and so on.
    `noted`: what it says besides a name (`(Deceased)`, `- 2`, `Estate of`). `sex` is what `Mr` or `Mrs` tells of it.
    """

    people: tuple[tuple[str, ...], ...]
    core: tuple[str, ...]
    form: str
    generation: str
    noted: str
    sex: str = ""

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(word for person in self.people for word in person)

    @cached_property
    def has_number(self) -> bool:
        """Whether the name has a figure in it: no person's name has one."""
        return any(word[0].isdigit() for word in self.words)


def compare_names(first: str, second: str) -> Identity:
    """Whether two full names are one person's. Accents, case, punctuation, titles and `Lind, Ada` don't matter.

    May be: a letter or two differ, a word more (`Ada M Lind`, `Ada Lind Jr`), an initial or a short form for a first
    name, another sequence of the words, one of two people on an account, or a name is missing or in another script.
    """
    ours, theirs = _readings(first), _readings(second)
    found = {_compared(one, two) for one, two in product(ours, theirs)}
    return next(identity for identity in Identity if identity in found)


def is_name(text: str) -> bool:
    """Whether there is a name in the text."""
    return bool(_WORD.search(folded(text)))


@lru_cache(maxsize=256)  # orders that come in together are compared with one another
def _readings(text: str) -> tuple[_Name, ...]:
    """The ways to read a name. One with umlauts is read in both spellings: `Müller` as `Muller` and `Mueller`.

    What stands in brackets can be another name of the person, and is read as one too: `Ada Lind (née Holm)`. A comma
    can stand between people: `Ada, Bo & Cy Lind`. `A.M.` are initials as well as the name `Am`.
    """
    written = unspoilt(text).casefold()
    readings = [_read(each) for each in dict.fromkeys((written, written.translate(_UMLAUTS)))]
    if _BRACKET.search(written):
        readings.append(replace(_read(_BRACKET.sub(" ", written)), noted="brackets"))
    if _DOTTED.search(written):
        readings.append(_read(_DOTTED.sub(" ", written)))
    if "," in written and _AND.search(written):
        readings.append(replace(_read(written.replace(",", " and ")), noted="commas"))
    return tuple(readings)


def _read(text: str) -> _Name:
    plain = folded(text)
    bare = _NUMBER_AT_END.sub("", _BRACKETS.sub(" ", plain)) if _WORD.search(_BRACKETS.sub(" ", plain)) else plain
    noted = " ".join((Counter(_WORD.findall(plain)) - Counter(_WORD.findall(bare))).elements())
    parts = [words for part in bare.split(",") if (words := _initials_joined(part))]
    form = next((_LEGAL_FORMS[words[-1]] for words in reversed(parts) if words[-1] in _LEGAL_FORMS), "")
    if form:
        words = _without_end([word for part in parts for word in part], _LEGAL_FORMS)
        return _Name((tuple(words),), _core(words), form, "", noted)
    generations = [_GENERATIONS[word] for words in parts for word in words[1:] or words if word in _GENERATIONS]
    parts = [words for part in parts if (words := _without_additions(part))]
    turned = [*parts[1:], *parts[:1]] if len(parts) > 1 else parts
    words = [word for part in turned for word in part]
    is_household = any(word in _HOUSEHOLDS or (word in _TITLES and "and" in words) for word in words)
    sex = next((_SEXES[word] for word in words if word in _SEXES), "") if "and" not in words else ""
    people = tuple(_people([word for word in words if word not in _HOUSEHOLDS] or words))
    noted += " household" if is_household else ""
    return _Name(people, _core(words), "", next(iter(generations), ""), noted, sex)


def _initials_joined(part: str) -> list[str]:
    """The words of a part of a name, `&` as `and`, a legal form at the end as one word: `L L C`."""
    words = _WORD.findall(_AND.sub(" and ", part.strip()))
    letters = next((i for i, word in enumerate(reversed(words)) if len(word) > 1), 0)
    form = "".join(words[len(words) - letters :])
    return [*words[: len(words) - letters], form] if form in _LEGAL_FORMS else words


def _without_end(words: Sequence[str], endings: Iterable[str]) -> list[str]:
    kept = list(words)
    while len(kept) > 1 and kept[-1] in endings:
        kept.pop()
    return kept


def _core(words: Sequence[str]) -> tuple[str, ...]:
    """A company's words without `The`, its numbers in figures: `First Street Dental` is `1st Street Dental`."""
    named = words[1:] if len(words) > 1 and words[0] == "the" else words
    return tuple(with_figures([word.upper() for word in named]))


def _without_additions(words: Sequence[str]) -> list[str]:
    """The words without degrees and generations. `Jr` alone, after a comma, leaves nothing; in front it is `J. R.`."""
    kept = [word for word in words[1:] if word not in _ADDITIONS]
    return [*words[:1], *kept] if words and (words[0] not in _ADDITIONS or (kept and words[0] == "jr")) else kept


def _people(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """`ada and bo lind` -> `ada lind`, `bo lind`; titles left out, Saint and St alike.

    Of `lind ada and bo` either word of the first can be Bo's surname. `mr and mrs bo lind` are Bo and another Lind,
    `ada and bo` have any.
    """
    people: list[list[str]] = [[]]
    nameless = any(word in _TITLES and following in {"and", words[-1]} for word, following in pairwise(words))
    if nameless and "and" in words:
        yield (words[-1],)
    for word in [word for word in words if word not in _TITLES] or words:
        if word == "and":
            people.append([])
        else:
            people[-1].append("st" if word == "saint" else word)
    named = [person for person in people if person]
    if len(named) == 2 and max(map(len, named)) == 1:
        yield from map(tuple, named)
    ends = named[-1][-1:] if named and len(named[-1]) > 1 else [word for person in named[:1] for word in person]
    for person in named:
        if len(person) > 1 or len(named) == 1:
            yield tuple(person)
        else:
            yield from ((*person, surname) for surname in dict.fromkeys((*ends[:1], *ends[-1:])))


def _compared(one: _Name, two: _Name) -> Identity:
    if not one.words or not two.words or one.words[0].isascii() != two.words[0].isascii():
        return Identity.MAY_BE
    if one.form or two.form or one.has_number or two.has_number:
        return _companies(one, two)
    if one.generation and two.generation and one.generation != two.generation:
        return Identity.MAY_BE if {one.generation, two.generation} == {"jr", "2"} else Identity.SOMEBODY_ELSE
    found = {_person(ours, theirs) for ours, theirs in product(one.people, two.people)}
    best = next(identity for identity in Identity if identity in found)
    if best is Identity.SAME and not _is_all(one, two):
        return Identity.MAY_BE
    return best


def _is_all(one: _Name, two: _Name) -> bool:
    """Whether both names say the same, and neither says more than the other."""
    more = one.noted != two.noted or one.generation != two.generation or {one.sex, two.sex} == {"m", "f"}
    return (len(one.people) == len(two.people) == 1 or set(one.people) == set(two.people)) and not more


def _companies(one: _Name, two: _Name) -> Identity:
    ours, theirs = Counter(one.core), Counter(two.core)
    if "".join(one.core) == "".join(two.core):
        both = one.form and two.form
        certain = one.form == two.form if both else not any(_can_be_a_person(name.core) for name in (one, two))
        return Identity.SAME if certain and one.noted == two.noted else Identity.MAY_BE
    letters = 2 if min(len("".join(one.core)), len("".join(two.core))) > 7 else 1
    misspelt = distance("".join(one.core), "".join(two.core)) <= letters or _are_abbreviated(one.core, two.core)
    alike = misspelt or ours <= theirs or theirs <= ours or _is_named_after(one, two) or _is_named_after(two, one)
    return Identity.MAY_BE if alike else Identity.SOMEBODY_ELSE


def _is_named_after(company: _Name, person: _Name) -> bool:
    """Whether a company has a person's surname: `Lind Plumbing LLC`, `Lind's Bakery Inc`."""
    if not company.form or person.form or person.has_number:
        return False
    surnames = {words[-1].upper() for words in person.people if len(words) > 1 and first_names.is_known(words[0])}
    return bool((surnames | {f"{surname}S" for surname in surnames}) & set(company.core))


def _are_abbreviated(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether each word is the same as the other's, or its short form: `SMITH BROS`, `SMITH BROTHERS`."""
    return len(one) == len(two) and all(a == b or is_abbreviated(a, b) for a, b in zip(one, two, strict=True))


def _can_be_a_person(words: Sequence[str]) -> bool:
    """`Ada Lind LLC` is not Ada Lind, `Acme Plumbing LLC` is Acme Plumbing."""
    return len(words) == 2 and first_names.is_known(words[0].lower())


def _person(one: Sequence[str], two: Sequence[str]) -> Identity:
    if one == two or _differ_in_blanks(one, two):
        return Identity.SAME
    ours, theirs = Counter(one), Counter(two)
    if ours <= theirs or theirs <= ours or _are_turned("".join(one), "".join(two)) or _is_family(one, two):
        return Identity.MAY_BE
    similar = _are_similar(one, two) or _are_similar(one, _turned(two)) or _are_similar(_turned(one), two)
    similar = similar or _run_together(one, two) or (len(one) > 2 and _are_abbreviated(one, two))
    return Identity.MAY_BE if similar else Identity.SOMEBODY_ELSE


def _is_family(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether one is the family of the other: `the linds` and `ada lind`."""
    family, person = sorted((one, two), key=len)
    return len(family) == 1 and family[0] == f"{person[-1]}s"


def _are_turned(one: str, two: str) -> bool:
    """`kimminjun` and `minjunkim`: the family's name in front, and other blanks."""
    return len(one) == len(two) and one in two + two


def _turned(words: Sequence[str]) -> Sequence[str]:
    """`zhang wei` -> `wei zhang`."""
    return (*words[1:], *words[:1])


def _differ_in_blanks(one: Sequence[str], two: Sequence[str]) -> bool:
    """`maria de la cruz` and `maria delacruz`: all blanks of one are in the other. Not `ann alee` and `anna lee`."""
    if "".join(one) != "".join(two):
        return False
    ours, theirs = _ends(one), _ends(two)
    return ours <= theirs or theirs <= ours


def _ends(words: Sequence[str]) -> set[int]:
    return {sum(map(len, words[:count])) for count in range(1, len(words))}


def _run_together(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether the number of words differs, and only one letter: somebody typed a letter instead of the blank."""
    return len(one) != len(two) and distance("".join(one), "".join(two)) <= 1


def _are_similar(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether first name and surname may be the same; the names between them don't matter."""
    if len(one) < 2 or len(two) < 2:
        return len(one) == len(two) and _are_surnames_alike(one[0], two[0])
    if not _are_first_names_alike(one, two):
        return False
    pairs = [(one[-1], other) for other in two[1:]] + [(other, two[-1]) for other in one[1:]]
    return any(_are_surnames_alike(*pair) for pair in pairs)


def _are_first_names_alike(one: Sequence[str], two: Sequence[str]) -> bool:
    """Also initials run together: `am lind` and `ada marie lind`."""
    if first_names.are_alike(one[0], two[0]):
        return True
    return any(len(more) > 2 and first[0] == more[0][0] + more[1][0] for first, more in ((one, two), (two, one)))


def _are_surnames_alike(one: str, two: str) -> bool:
    """The same, an initial, `Mac` for `Mc`, or a letter differs, in a long name two."""
    shorter = min(len(one), len(two))
    if shorter == 1:
        return one[0] == two[0]
    one, two = (re.sub(r"^mac(?=..)", "mc", name) for name in (one, two))
    longer = shorter > 3 and (one.startswith(two) or two.startswith(one))
    return abs(len(one) - len(two)) < 3 and distance(one, two) <= (2 if shorter > 5 or longer else 1)
