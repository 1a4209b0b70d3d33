"""Made-up doors in the ways in which offices of the region write them, and doors that differ in one thing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

DIRECTIONS: Mapping[str, Sequence[str]] = {
    "N": ("N", "N.", "North", "NORTH", "No.", "no"),
    "S": ("S", "S.", "South", "SOUTH", "So.", "so"),
    "E": ("E", "E.", "East", "EAST", "Ea", "e"),
    "W": ("W", "W.", "West", "WEST", "We", "w"),
}
KINDS: Mapping[str, Sequence[str]] = {
    "ST": ("St", "Street", "ST.", "Str"),
    "AVE": ("Ave", "Avenue", "AV", "Ave."),
    "DR": ("Dr", "Drive", "DR.", "Drv"),
    "LN": ("Ln", "Lane", "LN.", "lane"),
    "CT": ("Ct", "Court", "CT.", "Crt"),
    "CIR": ("Cir", "Circle", "CIR.", "Circ"),
    "WAY": ("Way", "WY", "way"),
    "BLVD": ("Blvd", "Boulevard", "BLVD."),
    "RD": ("Rd", "Road", "RD."),
    "PL": ("Pl", "Place"),
}
NAMES: Sequence[Sequence[str]] = (
    ("Main", "MAIN"),
    ("Jordan River", "JORDAN RVR"),
    ("Eagle Mountain", "Eagle Mtn", "EAGLE MNTN"),
    ("Saint Andrews", "St. Andrews", "ST ANDREWS"),
    ("Fort Union", "Ft Union", "FT. UNION"),
    ("Mill Creek", "Millcreek", "MILL CRK"),
    ("O'Hara", "OHARA", "O’Hara"),
    ("Pheasant Ridge", "Pheasant Rdg"),
    ("Via Christina", "VIA CHRISTINA"),
    ("Old Orchard", "OLD ORCHARD", "Old Orchrd"),
    ("Redwood", "REDWOOD"),
    ("Seventh", "7th", "7TH"),
    ("Twenty-First", "21st", "21ST"),
)
HIGHWAYS: Mapping[str, Sequence[str]] = {
    "US 89": ("US 89", "US-89", "U.S. Highway 89", "US Hwy 89", "Hwy 89", "Highway 89"),
    "US 40": ("US 40", "US40", "US HWY 40", "Highway 40", "Hwy. 40"),
    "SR 32": ("SR 32", "S.R. 32", "State Route 32", "State Road 32", "State Hwy 32"),
    "SR 73": ("SR-73", "State Rd 73", "State Rte 73"),
    "CR 4": ("CR 4", "Co Rd 4", "CO RD 4", "County Road 4", "County Rd. 4", "Cnty Rd 4"),
}
UNIT_WORDS = ("Apt ", "APT. ", "#", "Unit ", "Apt #", "# ", "Ste ", "apt")
LOT_WORDS = ("Lot ", "LOT #", "Trlr #", "TRAILER ", "Spc ", "Space #")
TOWNS: Mapping[str, Sequence[str]] = {
    "Salt Lake City": ("Salt Lake City", "SLC", "Salt Lake", "SALT LAKE CITY"),
    "West Valley City": ("West Valley City", "WVC", "West Valley", "W Valley City"),
    "Orem": ("Orem", "OREM, UT", "Orem City", "City of Orem"),
    "Pleasant Grove": ("Pleasant Grove", "PLEASANT GRV"),
    "Saint George": ("St. George", "Saint George"),
    "Idaho Falls": ("Idaho Falls", "IDAHO FALLS, ID"),
}


@dataclass(frozen=True)
class GeneratedDoor:
    """A door on a grid (`coordinate`, `across`), on a highway (a key of `HIGHWAYS`) or on a street of `NAMES`."""

    number: int
    direction: str
    coordinate: int = 0
    across: str = ""
    highway: str = ""
    name: int = -1
    kind: str = ""
    unit: str = ""
    lot: bool = False
    town: str = "Orem"

    def street(self, random: Random) -> str:
        """The street line in one of its spellings."""
        number = f"{self.number}{random.choice(('', '', ' '))}"
        line = f"{number.strip()} {random.choice(DIRECTIONS[self.direction])} {self._street(random)}"
        if self.unit:
            line += f"{random.choice((' ', ', '))}{random.choice(LOT_WORDS if self.lot else UNIT_WORDS)}{self.unit}"
        return random.choice((str, str.upper, str.lower))(line)

    def city(self, random: Random) -> str:
        """The town in one of its spellings."""
        return random.choice(TOWNS[self.town])

    def _street(self, random: Random) -> str:
        if self.highway:
            return random.choice(HIGHWAYS[self.highway])
        if self.coordinate:
            return self._grid(random)
        return f"{random.choice(NAMES[self.name])} {random.choice(KINDS[self.kind])}"

    def _grid(self, random: Random) -> str:
        spellings = [f"{self.coordinate} ", f"{self.coordinate}", f"0{self.coordinate} "]
        if self.coordinate >= 1000:
            spellings.append(f"{self.coordinate // 1000},{self.coordinate % 1000:03} ")
        if self.coordinate % 100 == 0:
            spellings.append(f"{_ordinal(self.coordinate // 100)} ")
        return f"{random.choice(spellings)}{random.choice(DIRECTIONS[self.across])}{random.choice(('', '', ' St'))}"


def a_door(random: Random) -> GeneratedDoor:
    """Any door."""
    unit = random.choice(("", "", str(random.randint(1, 400)), f"{random.randint(1, 40)}B", "C"))
    door = GeneratedDoor(
        number=random.randint(10, 9999),
        direction=random.choice("NSEW"),
        unit=unit,
        lot=unit.isdigit() and random.random() < 0.2,
        town=random.choice(list(TOWNS)),
    )
    match random.randrange(4):
        case 0 | 1:
            across = random.choice("EW" if door.direction in "NS" else "NS")
            return replace(door, coordinate=random.choice((100, 5, 1)) * random.randint(20, 99), across=across)
        case 2:
            return replace(door, name=random.randrange(len(NAMES)), kind=random.choice(list(KINDS)))
    return replace(door, highway=random.choice(list(HIGHWAYS)))


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


OPPOSITE = {"N": "S", "S": "N", "E": "W", "W": "E"}


def changes(door: GeneratedDoor, random: Random) -> Sequence[GeneratedDoor]:
    """Other doors, each of which differs from this one in one thing."""
    made: list[Callable[[], GeneratedDoor]] = [
        lambda: replace(door, number=door.number + random.choice((1, 2, 10, 1000))),
        lambda: replace(door, direction=OPPOSITE[door.direction]),
    ]
    if door.unit:
        made.append(lambda: replace(door, unit="D" if door.unit == "C" else f"1{door.unit}"))
    if door.coordinate:
        made.append(lambda: replace(door, coordinate=door.coordinate + random.choice((5, 100, 1000))))
        made.append(lambda: replace(door, across=OPPOSITE[door.across]))
    elif door.highway:
        made.append(lambda: replace(door, highway="US 40" if door.highway == "US 89" else "US 89"))
    else:
        made.append(lambda: replace(door, kind="LN" if door.kind != "LN" else "DR"))
    return [make() for make in made]
