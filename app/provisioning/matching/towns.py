"""Towns and ZIPs: whether two places can be one, and the town that a street line ends in.

The table knows the towns of UTOPIA's networks and around them, and which of them share a post office's name: mail for
Millcreek says Salt Lake City.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from app.provisioning.matching.comparison_marks import Mark
from app.provisioning.matching.street_words import NUMBERS
from app.provisioning.matching.usps import DIRECTIONALS, KINDS, STATES, SUFFIXES
from app.wording.spelling import distance, folded

_ALIASES = {
    "SLC": "SALT LAKE",
    "SL": "SALT LAKE",
    "WVC": "WEST VALLEY",
    "NSL": "NORTH SALT LAKE",
    "SSL": "SOUTH SALT LAKE",
    "SOUTH SALT LAKE": "SOUTH SALT LAKE",
    "EM": "EAGLE MOUNTAIN",
    "PG": "PLEASANT GROVE",
    "AF": "AMERICAN FORK",
    "IF": "IDAHO FALLS",
}
_FULL_DIRECTIONS = {"N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST"}
_LONG = {"MT": "MOUNT", "FT": "FORT", "ST": "SAINT", "SNT": "SAINT", "FK": "FORK", "HGTS": "HEIGHTS"} | {
    SUFFIXES[word]: word
    for word in (
        "GROVE",
        "FORK",
        "HEIGHTS",
        "HILLS",
        "SPRINGS",
        "MOUNTAIN",
        "CREEK",
        "VALLEY",
        "POINT",
        "LAKE",
        "CANYON",
        "PARK",
        "VIEW",
        "RIDGE",
        "CROSSING",
        "TERRACE",
        "JUNCTION",
        "CORNERS",
        "FALLS",
    )
}
_REGION = frozenset({"UT", "ID", "MT", "UTAH", "IDAHO", "MONTANA"})
_AROUND = re.compile(r"\b(?:TOWNSHIP|MUNICIPALITY) OF\b|\bMETRO TOWNSHIP\b|\bTOWNSHIP\b|\bMETRO\b")
_ZIP = re.compile(r"\d{5}(?:-?\d{4})?")

_POST_TOWNS = """
SALT LAKE: MILLCREEK, HOLLADAY, MURRAY, COTTONWOOD HEIGHTS, TAYLORSVILLE, SOUTH SALT LAKE, WEST VALLEY, KEARNS, MAGNA,
  MIDVALE, EMIGRATION CANYON, COTTONWOOD, EAST MILLCREEK, SUGAR HOUSE, SANDY, NORTH SALT LAKE
SANDY: WHITE, ALTA, COTTONWOOD HEIGHTS, DRAPER, MIDVALE
MURRAY: MIDVALE, MILLCREEK, TAYLORSVILLE, HOLLADAY
HOLLADAY: MILLCREEK, COTTONWOOD HEIGHTS
COTTONWOOD HEIGHTS: MIDVALE, HOLLADAY
WEST VALLEY: KEARNS, TAYLORSVILLE, MAGNA
WEST JORDAN: KEARNS, COPPERTON, TAYLORSVILLE
RIVERTON: HERRIMAN, BLUFFDALE
SOUTH JORDAN: DAYBREAK, WEST JORDAN
LEHI: SARATOGA SPRINGS, EAGLE MOUNTAIN, CEDAR FORT, FAIRFIELD
AMERICAN FORK: HIGHLAND, CEDAR HILLS
PLEASANT GROVE: LINDON, CEDAR HILLS
OREM: VINEYARD, LINDON
SPANISH FORK: WOODLAND HILLS, PALMYRA, BENJAMIN, LAKE SHORE
SPRINGVILLE: MAPLETON
PAYSON: ELK RIDGE, BENJAMIN
PARK: SNYDERVILLE, KIMBALL JUNCTION
HEBER: DANIEL, CHARLESTON
BOUNTIFUL: WEST BOUNTIFUL, WOODS CROSS, NORTH SALT LAKE, CENTERVILLE
WOODS CROSS: WEST BOUNTIFUL
CLEARFIELD: CLINTON, SUNSET, WEST POINT, SYRACUSE
KAYSVILLE: FRUIT HEIGHTS
OGDEN: SOUTH OGDEN, NORTH OGDEN, WASHINGTON TERRACE, RIVERDALE, ROY, WEST HAVEN, HARRISVILLE, PLEASANT VIEW,
  FARR WEST, MARRIOTT SLATERVILLE, PLAIN, UINTAH
BRIGHAM: PERRY
TREMONTON: GARLAND
LOGAN: NORTH LOGAN, RIVER HEIGHTS
SAINT GEORGE: SANTA CLARA, WASHINGTON
CEDAR: ENOCH
TOOELE: STANSBURY PARK, ERDA, LAKE POINT
IDAHO FALLS: AMMON, IONA, UCON, LINCOLN
BOZEMAN: FOUR CORNERS
"""
_NEIGHBOURS = (frozenset({"BOZEMAN", "BELGRADE"}),)
"""Towns whose names people confuse near their border, but not where the ZIPs differ."""
_ZIPS = """
SALT LAKE:841 OREM:84057,84058,84059,84097 PROVO:846 BOZEMAN:59715,59717,59718,59719,59771,59772 BELGRADE:59714
IDAHO FALLS:83401,83402,83403,83404,83405,83406,83415 LAYTON:84040,84041 OGDEN:844 LEHI:84005,84043,84045,84048
MURRAY:84107,84117,84121,84123,84157 SANDY:8407,8409 MIDVALE:84047 PARK:84060,84068,84098 TREMONTON:84337
BRIGHAM:84302 SAINT GEORGE:8477,8479 CEDAR:84720,84721 LOGAN:84321,84322,84323,84341 BOUNTIFUL:84010,84011
AMERICAN FORK:84003 PLEASANT GROVE:84062 SPANISH FORK:84660 PAYSON:84651 HEBER:84032 TOOELE:84074
CLEARFIELD:84015,84016,84056 SOUTH JORDAN:84009,84095 WEST JORDAN:8408 RIVERTON:84065,84096 CENTERVILLE:84014
NORTH SALT LAKE:84054 KAYSVILLE:84037
"""
"""The ZIPs of towns, or how they begin."""


def _groups() -> dict[str, frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for line in _POST_TOWNS.replace("\n  ", " ").strip().splitlines():
        post, _, towns = line.partition(": ")
        named = towns.split(", ")
        groups.setdefault(post, set()).update(named)
        for town in named:
            groups.setdefault(town, set()).add(post)
    return {town: frozenset(others) for town, others in groups.items()}


_SHARING = _groups()
_ZIPS_OF = {town.strip(): tuple(zips.split(",")) for town, zips in re.findall(r"([A-Z ]+?):([\d,]+)", _ZIPS)}
_KNOWN = frozenset({*_SHARING, *_ZIPS_OF})


@lru_cache(maxsize=1000)
def normalised_town(text: str) -> str:
    """The town in the form for comparison: `City of St. George, UT 84770` -> `SAINT GEORGE`, `SLC` -> `SALT LAKE`."""
    plain = _AROUND.sub(" ", folded(text).upper())
    return _town(re.findall(r"[^\W_]+", plain))


def normalised_zip(text: str) -> str:
    """The first five digits, "" when there is no ZIP."""
    found = _ZIP.match(text.strip())
    return found[0][:5] if found else ""


def split_town(words: Sequence[str], town: str) -> tuple[list[str], str]:
    """The words without the town, state and ZIP that they end in, and that town ("": none).

    `town` is the town that the record names, which is looked for first: `12 ELM ST S SALT LAKE CITY` can end in another
    one as well. The town stays in the words if nothing of the street would remain.
    """
    rest = _without_state(list(words))
    if not rest or not rest[-1].isalpha() or SUFFIXES.get(rest[-1]) in KINDS:
        return rest, ""
    lengths = range(min(4, len(rest) - 2), 0, -1)
    for towns in ({normalised_town(town)} - {""}, _KNOWN):
        for length in lengths:
            if (found := _town(rest[-length:])) in towns and _is_street(rest[:-length], rest[-length]):
                return rest[:-length], found
    return rest, ""


def compare_towns(one: str, two: str) -> Mark:
    """Whether two normalised towns are one. UNKNOWN: one is missing or misspelt, or mail takes them for each other."""
    if one.replace(" ", "") == two.replace(" ", ""):
        return Mark.AGREES if one else Mark.UNKNOWN
    if not one or not two or two in _SHARING.get(one, ()) or _have_one_post_town(one, two):
        return Mark.UNKNOWN
    both_known = {one, two} <= _KNOWN
    misspelt = distance(one, two) <= min(2, min(len(one), len(two)) // 3) and not both_known
    return Mark.UNKNOWN if misspelt or {one, two} in _NEIGHBOURS else Mark.DIFFERS


def share_post_town(one: str, two: str) -> bool:
    """Whether mail to one of these normalised towns may name the other."""
    return two in _SHARING.get(one, ()) or _have_one_post_town(one, two)


def are_known(*towns: str) -> bool:
    """Whether the table has all of these normalised towns."""
    return _KNOWN.issuperset(towns)


def can_have(town: str, zip_code: str) -> bool:
    """Whether the ZIP can be this town's: True as well for a town whose ZIPs are not known."""
    return zip_code.startswith(_ZIPS_OF.get(town, ("",)))


def _have_one_post_town(one: str, two: str) -> bool:
    valley = _SHARING["SALT LAKE"]
    return one in valley and two in valley


def _town(words: Sequence[str]) -> str:
    plain = _without_state(list(words))
    if plain[:1] in (["CITY"], ["TOWN"]) and plain[1:2] == ["OF"]:
        plain = plain[2:]
    if plain and DIRECTIONALS.get(plain[0]) in _FULL_DIRECTIONS and len(plain) > 1:
        plain[0] = _FULL_DIRECTIONS[DIRECTIONALS[plain[0]]]
    plain = [_LONG.get(word, _LONG.get(SUFFIXES.get(word, ""), word)) for word in plain]
    if len(plain) > 1 and plain[-1] == "CITY":
        plain.pop()
    name = " ".join(plain)
    return _ALIASES.get(name, name)


def _without_state(words: list[str]) -> list[str]:
    """Without a ZIP, a state and a country at the end. A number is a ZIP only after a state, or where it can be one."""
    rest = words[:-1] if words[-1:] in (["USA"], ["US"]) else list(words)
    has_zip = len(rest) > 1 and _ZIP.fullmatch(rest[-1]) is not None
    before = rest[-2] if has_zip else ""
    if has_zip and (before in STATES or (before.isalpha() and rest[-1][:2] in {"83", "84", "59"})):
        rest.pop()
        if before in STATES and len(rest) > 1:
            rest.pop()
    elif len(rest) > 1 and rest[-1] in _REGION - {"MT"}:
        rest.pop()
    return rest


def _is_street(words: Sequence[str], first: str) -> bool:
    """Whether a street remains, and the town doesn't take a coordinate's direction: `5600 S SALT LAKE CITY`."""
    if first in DIRECTIONALS and len(words) > 1 and (words[-1][0].isdigit() or words[-1] in NUMBERS):
        return False
    return len([word for word in words[1:] if word not in DIRECTIONALS]) > 0
