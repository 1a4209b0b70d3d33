"""What PowerCode is searched for: a part that is alike in every way in which somebody may have typed a customer in."""

import pytest

from app.provisioning.customer_search.terms import phone_term, search_terms, street_term, surname_term


@pytest.mark.parametrize(
    "ordered", ["4065550143", "(406) 555-0143", "+1 406.555.0143", "406 555 0143", "406-555-0143 ext. 12"]
)
@pytest.mark.parametrize("typed", ["4065550143", "(406) 555-0143", "406.555.0143", "406 555 0143", "555-0143"])
def test_a_phone_number_is_found_however_it_is_grouped(ordered: str, typed: str) -> None:
    assert phone_term(ordered)
    assert phone_term(ordered) in typed


@pytest.mark.parametrize("phone", ["", "0143", "0000000000", "none"])
def test_what_is_no_phone_number_is_not_searched(phone: str) -> None:
    assert phone_term(phone) == ""


@pytest.mark.parametrize(
    ("ordered", "typed"),
    [
        ("Lind", "Ada Lind"),
        ("LIND", "Lind, Ada"),
        ("lind", "Ada & Bo Lind"),
        ("Lind Jr", "Ada Lind"),
        ("Garcia-Lopez", "Ana Garcia"),
        ("O'Brien", "Sean O Brien"),
        ("O’BRIEN", "Sean O'Brien"),
        ("O´Brien", "Sean OBrien"),
        ("Muñoz", "Jose Munoz"),
        ("Nguyễn", "Ngoc Nguyen"),
        ("Nguyễn", "Ngọc Nguyễn"),
        ("Müller", "Juergen Mueller"),
        ("Müller", "Jürgen Müller"),
        ("Mu\u0308ller", "Jurgen Muller"),
        ("De La Cruz", "Maria DeLaCruz"),
        ("DeLaCruz", "Maria De La Cruz"),
        ("MacDonald", "Ian McDonald"),
        ("MCDONALD", "Ian McDonald"),
        ("Ødegård", "Ola Odegard"),
        ("Acme LLC", "Acme L.L.C."),
        ("Li III", "LIND FAMILY TRUST"),
    ],
)
def test_a_surname_is_found_as_somebody_typed_it(ordered: str, typed: str) -> None:
    assert surname_term(ordered) in typed


@pytest.mark.parametrize("last_name", ["Li", "Ng", "III", "-", ""])
def test_a_surname_that_is_a_part_of_every_other_name_is_not_searched(last_name: str) -> None:
    assert surname_term(last_name) == ""


@pytest.mark.parametrize(
    ("ordered", "typed"),
    [
        ("12 N EXAMPLE AVENUE", "12 North Example Ave"),
        ("12 n example", "12 N. Example Ave"),
        ("1940 EAST 5625 SOUTH", "1940 E 5625 S"),
        ("1991S 900 E", "1991 S 900 E"),
        ("50W 100 N", "50 West 100 N"),
        ("450 S 900 E", "450 S. 900 EAST ST."),
        ("12 E Fort Union Blvd", "12 E Ft Union Blvd"),
        ("123½ S Main St", "123 1/2 S Main St"),
        ("123 1/2 S Main St", "123½ S Main St"),
        ("241 W 1430 N Apt C", "241 W 1430 N #C"),
        ("3892 # 3 Scott Lane", "3892 Scott Ln #3"),
        ("PO BOX 342", "P.O. Box 342"),
        ("RR 2 Box 17", "Rural Route 2 Box 17"),
        ("HC64 Box 123", "HC 64 BOX 123"),
        ("1234 W 5600 S", "1234-W 5600-S"),
        ("W5600 S", "W 5600 South"),
        ("412 7 th Ave", "412 Seventh Avenue"),
    ],
)
def test_a_street_is_found_as_somebody_typed_it(ordered: str, typed: str) -> None:
    assert street_term(ordered)
    assert street_term(ordered) in typed


def test_a_street_without_a_number_is_not_searched() -> None:
    assert street_term("Somewhere Lane") == ""


def test_the_same_is_not_searched_twice() -> None:
    terms = search_terms("Lind", "Lind", "4065551940", "1940 E 5625 S")
    assert terms == ["Lind", "1940"]
