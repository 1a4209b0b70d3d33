import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.matching.addresses import (
    nearly_same_street,
    normalised_address,
    normalised_city,
    street_line,
    usps_state,
)
from app.provisioning.matching.usps import DESIGNATORS, SUFFIXES

HOUSES = st.integers(1, 99_999).map(str) | st.sampled_from(["12-34", "12.5", "12A", "12E"])
STREETS = st.sampled_from(
    [
        "N EXAMPLE AVENUE",
        "Example Street",
        "S 500 W",
        "South 500 West",
        "St George Blvd",
        "Highway 89",
        "County Road 12",
        "N 7th Ave",
        "Old Mill Rd",
        "O'Neill Court",
    ]
)
UNITS = st.from_regex(r"[0-9]{1,4}[A-Z]?|[A-Z]|[A-Z][0-9]{1,3}|[0-9]-[0-9]", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Montana", "MT"),
        ("UTAH", "UT"),
        ("Utah ", "UT"),
        ("ut", "UT"),
        ("Idaho", "ID"),
        (" new  mexico", "NM"),
        ("N.M.", "NM"),
        ("West Virginia", "WV"),
        ("D.C.", "DC"),
        ("Washington, D.C.", "DC"),
        ("District of Columbia", "DC"),
        ("Puerto Rico", "PR"),
        ("Guam", "GU"),
        ("U.S. Virgin Islands", "VI"),
        ("AP", "AP"),
    ],
)
def test_a_state_is_known_by_name_and_by_code(text, code):
    assert usps_state(text) == code


@pytest.mark.parametrize("text", ["", " ", "Montan", "Mexico", "XX", "59715", "None"])
def test_an_unknown_state_is_not_guessed(text):
    assert usps_state(text) is None


@pytest.mark.parametrize(
    ("street", "unit", "line"),
    [
        ("12 N EXAMPLE AVENUE", "", "12 N EXAMPLE AVENUE"),
        ("12 N EXAMPLE AVENUE", "4", "12 N EXAMPLE AVENUE APT 4"),
        ("  12 N  Example Avenue ", " 4 ", "12 N Example Avenue APT 4"),
        ("12 N EXAMPLE AVENUE", "#4", "12 N EXAMPLE AVENUE APT 4"),
        ("12 N EXAMPLE AVENUE", "No. 4", "12 N EXAMPLE AVENUE APT 4"),
        ("12 N EXAMPLE AVENUE", "APT 4", "12 N EXAMPLE AVENUE APT 4"),
        ("12 N EXAMPLE AVENUE", "Apt. 4-b", "12 N EXAMPLE AVENUE APT 4B"),
        ("12 N EXAMPLE AVENUE", "Unit 4B", "12 N EXAMPLE AVENUE UNIT 4B"),
        ("12 N EXAMPLE AVENUE", "Suite 200", "12 N EXAMPLE AVENUE STE 200"),
        ("12 N EXAMPLE AVENUE", "Building 2 Apt 4", "12 N EXAMPLE AVENUE BLDG 2 APT 4"),
        ("12 N EXAMPLE AVENUE", "2nd Floor", "12 N EXAMPLE AVENUE FL 2"),
        ("12 N EXAMPLE AVENUE", "Basement", "12 N EXAMPLE AVENUE BSMT"),
        ("12 N EXAMPLE AVENUE", "Apt", "12 N EXAMPLE AVENUE"),
        ("12 N EXAMPLE AVENUE APT 4", "4", "12 N EXAMPLE AVENUE APT 4"),
        ("12 N EXAMPLE AVENUE #4", "Apt 4", "12 N EXAMPLE AVENUE #4"),
        ("12 N EXAMPLE AVENUE 4", "4", "12 N EXAMPLE AVENUE 4"),
        ("12 N EXAMPLE AVENUE BLDG 2", "4", "12 N EXAMPLE AVENUE BLDG 2 APT 4"),
        ("12 HIGHWAY 4", "4", "12 HIGHWAY 4 APT 4"),
        ("1234 S 500 W", "4", "1234 S 500 W APT 4"),
        ("1234 S 500 W 4", "4", "1234 S 500 W 4"),
        ("", "", ""),
    ],
)
def test_a_unit_is_part_of_the_street_line_once(street, unit, line):
    assert street_line(street, unit) == line


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("12 N EXAMPLE AVENUE", "4"), ("12 north example av. apt 4", "")),
        (("12 N EXAMPLE AVE", "APT 4"), ("12 N EXAMPLE AVE", "Apt. 4")),
        (("12 N EXAMPLE AVE", "#4"), ("12 N EXAMPLE AVE", "UNIT 4")),
        (("12 N EXAMPLE AVE", "4 B"), ("12 N EXAMPLE AVE", "#4-b")),
        (("12 N EXAMPLE AVE 4", ""), ("12 N EXAMPLE AVE", "4")),
        (("12 N EXAMPLE AVE 4", "4"), ("12 N EXAMPLE AVE", "4")),
        (("12 N EXAMPLE AVE 4 APT B", ""), ("12 N EXAMPLE AVE 4", "B")),
        (("12 N EXAMPLE AVE, Bldg. 2, #4", ""), ("12 N EXAMPLE AVE", "APT 4 BUILDING 2")),
        (("12 N EXAMPLE AVE 2nd floor", ""), ("12 N EXAMPLE AVE", "FL 2")),
        (("Apt 4, 12 N Example Ave", ""), ("12 N Example Ave", "4")),
        (("12 Example Ave Rear", ""), ("12 Example Ave", "rear")),
        (("1234 S 500 W", ""), ("1234 South 500 West", "")),
        (("1234 S. 500 W. #4", ""), ("1234 S 500W APT 4", "")),
        (("12 St. George Blvd", ""), ("12 Saint George Boulevard", "")),
        (("12 Northeast Example Pkwy", ""), ("12 N.E. Example Parkway", "")),
        (("12 N Seventh Ave", ""), ("12 N 7th Ave", "")),
        (("12 U.S. Highway 89", ""), ("12 US Hwy 89", "")),
        (("12 County Road #4", ""), ("12 COUNTY RD 4", "")),
        (("12½ Example Loop", ""), ("12 1/2 Example Lp", "")),
        (("12 O'Neill Trail", ""), ("12 ONeill Trl", "")),
        (("12 Cañon Terrace", ""), ("12 Canon Ter", "")),
        (("P.O. Box 12", ""), ("PO BOX 12", "")),
    ],
)
def test_one_door_written_in_two_ways_is_one_address(first, second):
    assert normalised_address(*first) == normalised_address(*second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("12 N EXAMPLE AVE", ""), ("12 S EXAMPLE AVE", "")),
        (("12 N EXAMPLE AVE", ""), ("14 N EXAMPLE AVE", "")),
        (("12 EXAMPLE AVE", ""), ("12 EXAMPLE ST", "")),
        (("12 N EXAMPLE AVE", "4"), ("12 N EXAMPLE AVE", "5")),
        (("12 N EXAMPLE AVE", "4"), ("12 N EXAMPLE AVE", "")),
        (("12 N EXAMPLE AVE", "4-1"), ("12 N EXAMPLE AVE", "41")),
        (("12 N EXAMPLE AVE", "BLDG 4"), ("12 N EXAMPLE AVE", "APT 4")),
        (("1234 S 500 W", ""), ("1234 W 500 S", "")),
        (("12 HIGHWAY 4", ""), ("12 HIGHWAY", "4")),
        (("12 COUNTY RD 4", ""), ("12 COUNTY RD", "4")),
        (("12 N FRONT", ""), ("12 N", "FRONT")),
        (("12-34 EXAMPLE AVE", ""), ("1234 EXAMPLE AVE", "")),
        (("12E EXAMPLE AVE", ""), ("12 E EXAMPLE AVE", "")),
        (("12 N E ST", ""), ("12 NE ST", "")),
    ],
)
def test_two_doors_are_never_one_address(first, second):
    assert normalised_address(*first) != normalised_address(*second)


def test_an_address_without_a_street_is_empty():
    assert normalised_address("") == normalised_address(" ., ")
    assert normalised_address("").street == ""


def test_an_address_does_not_show_itself_in_a_log():
    assert "EXAMPLE" not in repr(normalised_address("12 N EXAMPLE AVE", "4"))


def test_each_short_form_stands_for_itself():
    for table in (SUFFIXES, DESIGNATORS):
        assert all(table[short] == short for short in table.values())


@given(HOUSES, STREETS, UNITS)
def test_normalising_twice_changes_nothing(house, street, unit):
    address = normalised_address(f"{house} {street}", unit)
    assert normalised_address(str(address)) == address


@given(st.text(st.sampled_from("12 4aBnw#.-/'é\tST"), max_size=20), st.text(max_size=8))
def test_any_text_can_be_normalised(street, unit):
    address = normalised_address(street, unit)
    assert address == normalised_address(street.swapcase(), unit)
    assert street_line(street_line(street, unit), "") == street_line(street, unit)


@given(HOUSES, STREETS, UNITS, st.sampled_from([str.lower, str.upper, str.title]), st.sampled_from([" ", "  ", "\t"]))
def test_case_and_blanks_make_no_difference(house, street, unit, recase, blank):
    other = recase(f"{house} {street}").replace(" ", blank)
    assert normalised_address(f" {other} ", unit.lower()) == normalised_address(f"{house} {street}", unit)


@given(HOUSES, STREETS, UNITS | st.just(""), st.sampled_from(["", "Apt ", "APT. ", "#", "Unit ", "No. ", "Ste "]))
def test_the_written_line_is_the_address_it_was_made_from(house, street, unit, designator):
    street = f"{house} {street}"
    line = street_line(street, designator + unit)
    assert normalised_address(line) == normalised_address(street, unit)
    assert street_line(line, unit) == line


@given(HOUSES, HOUSES, STREETS, UNITS, UNITS)
def test_other_house_numbers_and_other_units_are_other_addresses(house, other_house, street, unit, other_unit):
    same = normalised_address(f"{house} {street}", unit) == normalised_address(f"{other_house} {street}", other_unit)
    assert same == (house == other_house and unit == other_unit)


@pytest.mark.parametrize(
    ("first", "second", "near"),
    [
        ("12 N EXAMPLE AVE", "12 EXAMPLE AVE", True),
        ("12 N EXAMPLE AVE", "12 N EXAMPLE", True),
        ("12 N EXAMPLE AVE", "12 N EXAMPEL AVE", True),
        ("12 N EXAMPLE AVE", "12 N EXAMPLE AVE", True),
        ("12 N EXAMPLE AVE", "12 S EXAMPLE AVE", False),
        ("12 EXAMPLE AVE", "12 EXAMPLE ST", False),
        ("12 N EXAMPLE AVE", "14 N EXAMPLE AVE", False),
        ("12 N 7TH AVE", "12 N 8TH AVE", False),
        ("1234 S 500 W", "1234 S 600 W", False),
        ("12 OAK ST", "12 ASH ST", False),
        ("12 N EXAMPLE AVE", "12", False),
    ],
)
def test_a_street_is_nearly_the_same_by_a_slip_but_not_by_a_number_or_a_direction(first, second, near):
    one, two = normalised_address(first), normalised_address(second)
    assert nearly_same_street(one, two) is near
    assert nearly_same_street(two, one) is near


@pytest.mark.parametrize(
    ("first", "second"), [("St. George", "SAINT  GEORGE"), ("bozeman", "Bozeman "), ("Mt Pleasant", "Mount Pleasant")]
)
def test_a_city_is_the_same_in_any_spelling(first, second):
    assert normalised_city(first) == normalised_city(second)
