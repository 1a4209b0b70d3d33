import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.matching.powercode_addresses import mended_zip, street_line, usps_state
from app.provisioning.matching.streets import read_street
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
NOTHING = ["N/A", "n/a", "NA", "none", "None", "House", "-", "--", "#", "null", "Single Family"]


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
def test_a_state_is_known_by_name_and_by_code(text: str, code: str) -> None:
    assert usps_state(text) == code


@pytest.mark.parametrize("text", ["", " ", "Montan", "Mexico", "XX", "59715", "None"])
def test_an_unknown_state_is_not_guessed(text: str) -> None:
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
        ("12 N EXAMPLE AVENUE", "LOT #12", "12 N EXAMPLE AVENUE LOT 12"),
        ("12 N EXAMPLE AVENUE", "TRLR #44", "12 N EXAMPLE AVENUE TRLR 44"),
        ("12 N EXAMPLE AVENUE", "Trailer # 44", "12 N EXAMPLE AVENUE TRLR 44"),
        ("12 N EXAMPLE AVENUE", "APT4", "12 N EXAMPLE AVENUE APT 4"),
        ("12 N EXAMPLE AVENUE", "APT#4", "12 N EXAMPLE AVENUE APT 4"),
        ("12 N EXAMPLE AVENUE", "3rd Floor, #308", "12 N EXAMPLE AVENUE FL 3 APT 308"),
        ("12 N EXAMPLE AVENUE", "N", "12 N EXAMPLE AVENUE APT N"),
        ("12 N EXAMPLE AVENUE", "A", "12 N EXAMPLE AVENUE APT A"),
        *(("12 N EXAMPLE AVENUE", nothing, "12 N EXAMPLE AVENUE") for nothing in NOTHING),
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
def test_a_unit_is_part_of_the_street_line_once(street: str, unit: str, line: str) -> None:
    assert street_line(street, unit) == line


@pytest.mark.parametrize(
    ("text", "zip_code"),
    [
        ("84057", "84057"),
        (" 84057 ", "84057"),
        ("84057.0", "84057"),
        ("84057.00", "84057"),
        ("840 57", "84057"),
        ("84057 1234", "84057-1234"),
        ("84057 - 1234", "84057-1234"),
        ("84057-1234", "84057-1234"),
        ("840571234", "84057-1234"),
        ("84057.5", "84057.5"),
        ("8405", "8405"),
        ("8 4057", "8 4057"),
        ("", ""),
    ],
)
def test_a_zip_is_mended_where_it_is_certain(text: str, zip_code: str) -> None:
    assert mended_zip(text) == zip_code


def test_each_short_form_stands_for_itself() -> None:
    for table in (SUFFIXES, DESIGNATORS):
        assert all(table[short] == short for short in table.values())


@given(st.text(st.sampled_from("12 4aBnw#.-/'é\tST"), max_size=20), st.text(max_size=8))
def test_a_line_that_has_its_unit_stays_as_it_is(street: str, unit: str) -> None:
    assert street_line(street_line(street, unit), "") == street_line(street, unit)


@given(HOUSES, STREETS, UNITS | st.just(""), st.sampled_from(["", "Apt ", "APT. ", "#", "Unit ", "No. ", "Ste "]))
def test_the_unit_is_written_once_and_read_again(house: str, street: str, unit: str, designator: str) -> None:
    line = street_line(f"{house} {street}", designator + unit)
    assert street_line(line, unit) == line
    assert read_street(line)[0].unit >= read_street(f"{house} {street}")[0].unit
