import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.matching import STREET_LINE, Aspect, Door, Mark
from app.provisioning.matching.doors import Marks, Place, compare_doors
from benchmarks.generated_doors import a_door, changes

SEEDS = st.integers(0, 2**32)


def compared(
    ours: str, theirs: str, *, city: str = "Orem", zip_code: str = "84057", same_site: bool = False
) -> tuple[Door, Marks]:
    return compare_doors(Place.read(ours, city, zip_code), Place.read(theirs, city, zip_code), same_site=same_site)


def door(ours: str, theirs: str, **known: Any) -> Door:
    found, _ = compared(ours, theirs, **known)
    assert compared(theirs, ours, **known)[0] is found
    return found


def where(ours: tuple[str, str], theirs: tuple[str, str]) -> Door:
    places = [Place.read("18 Oak St", *each) for each in (ours, theirs)]
    return compare_doors(*places, same_site=False)[0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("12 N EXAMPLE AVENUE APT 4", "12 north example av. #4"),
        ("12 N EXAMPLE AVE 4 B", "12 N EXAMPLE AVE #4-b"),
        ("12 N EXAMPLE AVE, Bldg. 2, #4", "12 N EXAMPLE AVE APT 4 BUILDING 2"),
        ("Apt 4, 12 N Example Ave", "12 N Example Ave 4"),
        ("1234 S 500 W", "1234 South 500West"),
        ("1234 S. 500 W. #4", "1234 S 500W APT 4"),
        ("12 St. George Blvd", "12 Saint George Boulevard"),
        ("12 Northeast Example Pkwy", "12 N.E. Example Parkway"),
        ("12 N Seventh Ave", "12 N 7th Ave"),
        ("12 U.S. Highway 89", "12 US Hwy 89"),
        ("12 County Road #4", "12 COUNTY RD 4"),
        ("12½ Example Loop", "12 1/2 Example Lp"),
        ("12 O'Neill Trail", "12 ONeill Trl"),
        ("12 Cañon Terrace", "12 Canon Ter"),
        ("P.O. Box 12", "PO BOX 12"),
        ("12E Example Ave", "12 E Example Ave"),
        ("12 Oak St, Orem, Utah 84057-1234, USA", "12 Oak St"),
    ],
)
def test_one_door_written_in_two_ways_is_the_same(first: str, second: str) -> None:
    assert door(first, second) is Door.SAME


@pytest.mark.parametrize(
    ("first", "second", "differs"),
    [
        ("12 N EXAMPLE AVE", "12 S EXAMPLE AVE", Aspect.DIRECTION),
        ("12 N EXAMPLE AVE", "12 NE EXAMPLE AVE", Aspect.DIRECTION),
        ("12 N EXAMPLE AVE", "14 N EXAMPLE AVE", Aspect.HOUSE_NUMBER),
        ("12 EXAMPLE AVE", "12 EXAMPLE ST", Aspect.STREET_KIND),
        ("12 ASPEN HOLLOW", "12 ASPEN RIDGE", Aspect.STREET_NAME),
        ("12 OAK ST", "12 ASH ST", Aspect.STREET_NAME),
        ("12 N EXAMPLE AVE 4", "12 N EXAMPLE AVE 5", Aspect.UNIT),
        ("12 N EXAMPLE AVE 4-1", "12 N EXAMPLE AVE 41", Aspect.UNIT),
        ("12 N EXAMPLE AVE BLDG 4", "12 N EXAMPLE AVE APT 4", Aspect.UNIT),
        ("12 N EXAMPLE AVE UPSTAIRS", "12 N EXAMPLE AVE BSMT", Aspect.UNIT),
        ("12 N EXAMPLE AVE FRONT", "12 N EXAMPLE AVE REAR", Aspect.UNIT),
        ("1234 S 500 W", "1234 W 500 S", Aspect.DIRECTION),
        ("1234 S 500 W", "1234 S 600 W", Aspect.NUMBERS),
        ("12 N 7TH AVE", "12 N 8TH AVE", Aspect.NUMBERS),
        ("12 COUNTY RD 4", "12 COUNTY RD 5", Aspect.NUMBERS),
        ("12 COUNTY RD 4", "12 STATE RD 4", Aspect.STREET_NAME),
        ("12-34 EXAMPLE AVE", "1234 EXAMPLE AVE", Aspect.HOUSE_NUMBER),
        ("170 S WEST TEMPLE", "170 W SOUTH TEMPLE", Aspect.DIRECTION),
        ("PO BOX 12", "PO BOX 13", Aspect.NUMBERS),
    ],
)
def test_a_contradiction_is_surely_another_door_and_marked(first: str, second: str, differs: Aspect) -> None:
    assert door(first, second) is Door.ANOTHER
    assert compared(first, second)[1][differs] is Mark.DIFFERS


@pytest.mark.parametrize(
    ("first", "second", "unknown"),
    [
        ("12 N EXAMPLE AVE", "12 EXAMPLE AVE", Aspect.DIRECTION),
        ("12 N EXAMPLE AVE", "12 N EXAMPLE", Aspect.STREET_KIND),
        ("12 N EXAMPLE AVE", "12 N EXAMPEL AVE", Aspect.STREET_NAME),
        ("12 N EXAMPLE AVE", "12 N EXAMPLE VALLEY AVE", Aspect.STREET_NAME),
        ("12 N EXAMPLE AVE 4", "12 N EXAMPLE AVE", Aspect.UNIT),
        ("12 N EXAMPLE AVE BSMT", "12 N EXAMPLE AVE 1", Aspect.UNIT),
        ("12 N EXAMPLE AVE FL 3", "12 N EXAMPLE AVE 308", Aspect.UNIT),
        ("12 N EXAMPLE AVE (the blue one)", "12 N EXAMPLE AVE", Aspect.UNIT),
        ("12 1/2 EXAMPLE AVE", "12 EXAMPLE AVE", Aspect.HOUSE_NUMBER),
        ("12-16 EXAMPLE AVE", "14 EXAMPLE AVE", Aspect.HOUSE_NUMBER),
        ("EXAMPLE AVE", "14 EXAMPLE AVE", Aspect.HOUSE_NUMBER),
        ("1234 S 500 W", "500 W 1234 S", Aspect.NUMBERS),
        ("1234 S 9 W", "1234 S 900 W", Aspect.NUMBERS),
        ("450 S STATE ST", "450 S 200 E", Aspect.STREET_NAME),
        ("450 S MAIN ST", "450 S HWY 89", Aspect.STREET_NAME),
        ("450 S HWY 89", "450 S OLD HWY 89", Aspect.STREET_NAME),
        ("PO BOX 12", "12 EXAMPLE AVE", Aspect.STREET_NAME),
        ("", "12 EXAMPLE AVE", Aspect.STREET_NAME),
    ],
)
def test_what_is_missing_or_beyond_the_rules_is_not_certain(first: str, second: str, unknown: Aspect) -> None:
    assert door(first, second) is Door.NOT_CERTAIN
    assert compared(first, second)[1][unknown] is Mark.UNKNOWN


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (("Orem", "84057"), ("OREM CITY, UT", "84057-1234"), Door.SAME),
        (("Orem", "84057"), ("Orem", ""), Door.SAME),
        (("Orem", "84057"), ("", "84057"), Door.SAME),
        (("Millcreek", "84106"), ("Salt Lake City", "84106"), Door.SAME),
        (("Millcreek", "84106"), ("Salt Lake City", "84101"), Door.NOT_CERTAIN),
        (("Millcreek", ""), ("Salt Lake City", "84101"), Door.NOT_CERTAIN),
        (("Idaho Falls", "83401"), ("Ammon", "83406"), Door.NOT_CERTAIN),
        (("Orem", "84057"), ("Orem", "84097"), Door.NOT_CERTAIN),
        (("Orem", "84057"), ("", ""), Door.NOT_CERTAIN),
        (("Orem", "84057"), ("Oerm", "84057"), Door.NOT_CERTAIN),
        (("Orem", "84057"), ("Somewhere", ""), Door.NOT_CERTAIN),
        (("Orem", "84057"), ("Somewhere", "84057"), Door.NOT_CERTAIN),
        (("Bozeman", "59718"), ("Belgrade", ""), Door.NOT_CERTAIN),
        (("Bozeman", "59718"), ("Belgrade", "59718"), Door.NOT_CERTAIN),
        (("Bozeman", "59715"), ("Belgrade", "59714"), Door.ANOTHER),
        (("Orem", "84057"), ("Provo", "84601"), Door.ANOTHER),
        (("Orem", ""), ("Provo", ""), Door.ANOTHER),
        (("Orem", "99999"), ("Provo", "99999"), Door.ANOTHER),
        (("Orem", "84057"), ("Somewhere", "10001"), Door.ANOTHER),
    ],
)
def test_town_and_zip_together_tell_the_place(ours: tuple[str, str], theirs: tuple[str, str], found: Door) -> None:
    assert where(ours, theirs) is found
    assert where(theirs, ours) is found


def test_the_same_site_makes_up_for_a_missing_address_and_makes_a_contradiction_uncertain() -> None:
    assert door("", "12 EXAMPLE AVE", same_site=True) is Door.SAME
    assert door("12 EXAMPLE AVE", "98 OTHER ST", same_site=True) is Door.NOT_CERTAIN
    assert door("12 EXAMPLE AVE 4", "12 EXAMPLE AVE 5", same_site=True) is Door.ANOTHER


def test_an_address_does_not_show_itself_in_a_log() -> None:
    assert "EXAMPLE" not in repr(Place.read("12 N EXAMPLE AVE APT 4", "Orem", "84057"))


@given(SEEDS)
def test_a_door_in_another_spelling_is_never_another_door(seed: int) -> None:
    dice = random.Random(seed)
    one = a_door(dice)
    assert door(one.street(dice), one.street(dice)) is not Door.ANOTHER
    assert where((one.city(dice), ""), (one.city(dice), "")) is Door.SAME


@given(SEEDS)
def test_another_number_direction_unit_or_kind_of_street_is_always_another_door(seed: int) -> None:
    dice = random.Random(seed)
    one = a_door(dice)
    for other in changes(one, dice):
        assert door(one.street(dice), other.street(dice)) is Door.ANOTHER


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_can_be_compared(first: str, second: str) -> None:
    found, marks = compared(first, second)
    assert compared(second, first)[0] is found
    assert set(marks) == {*STREET_LINE, Aspect.TOWN, Aspect.ZIP}
    assert compared(first, first)[0] is not Door.ANOTHER


@given(st.text("12 NSEWAPT#ab.,-/()", max_size=18), st.text("12 NSEWAPT#ab.,-/()", max_size=18))
def test_any_street_line_can_be_compared(first: str, second: str) -> None:
    assert compared(first, second)[0] is compared(second, first)[0]
    assert compared(first, first.lower())[0] is not Door.ANOTHER
