import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.matching import Identity
from app.provisioning.matching.names import compare_names


@pytest.mark.parametrize(
    ("first", "second", "identity"),
    [
        ("Ada Lind", "ada  LIND ", Identity.SAME),
        ("Ada Lind", "Lind, Ada", Identity.SAME),
        ("Zoë Müller", "Zoe Muller", Identity.SAME),
        ("Søren Łuk", "Soren Luk", Identity.SAME),
        ("Ada O'Brien", "Ada OBrien", Identity.SAME),
        ("Ada O’Brien", "Ada O'Brien", Identity.SAME),
        ("Ada Smith-Jones", "Ada Smith Jones", Identity.SAME),
        ("A.J. Lind", "A J Lind", Identity.SAME),
        ("A.J. Lind", "AJ Lind", Identity.SAME),
        ("Ada St. John", "Ada St John", Identity.SAME),
        ("Ada Smith-Jones", "Ada SmithJones", Identity.SAME),
        ("Ann Alee", "Anna Lee", Identity.MAY_BE),
        ("Ada Lind", "Lind Ada", Identity.MAY_BE),
        ("Ada Lind", "Ada & Bo Lind", Identity.MAY_BE),
        ("Ada Lind", "Lind", Identity.MAY_BE),
        ("Ada Lind", "Ida Lindh", Identity.MAY_BE),
        ("Ada M Lind", "Ada Marie Lind", Identity.MAY_BE),
        ("Christopher Lind", "C Lind", Identity.MAY_BE),
        ("Ada Lind", "Bo Holm", Identity.SOMEBODY_ELSE),
        ("Ada Lind", "Christopher Lind", Identity.SOMEBODY_ELSE),
        ("Al Li", "Bo Li", Identity.SOMEBODY_ELSE),
        ("Al Li", "Al Lu", Identity.MAY_BE),
        ("Ada Lind", "Bo Lind", Identity.SOMEBODY_ELSE),
        ("Ada Lind", "Ada Lind-Holm", Identity.MAY_BE),
        ("Robert Lind", "Bob Lind", Identity.MAY_BE),
        ("R Lind", "Bob Lind", Identity.MAY_BE),
        ("Kathryn Lind", "Catherine Lind", Identity.MAY_BE),
        ("Ian MacDonald", "Ian McDonald", Identity.MAY_BE),
        ("Ada Lind", "Estate of Ada Lind", Identity.MAY_BE),
        ("Ada Lind", "Lind Family Trust", Identity.MAY_BE),
        ("Ada Lind", "Ada Lind (Deceased)", Identity.MAY_BE),
        ("Ada Lind", "Ada Lind Consulting LLC", Identity.MAY_BE),
        ("Acme Plumbing LLC", "Acme Plumbing Inc", Identity.MAY_BE),
        ("Acme Plumbing LLC", "Acme Plumbing", Identity.SAME),
        ("李伟", "Li Wei", Identity.MAY_BE),
        ("Jürgen Müller", "Juergen Mueller", Identity.SAME),
        ("Jürgen Müller", "Jurgen Muller", Identity.SAME),
        ("Mrs. Ada Lind", "Ada Lind, CPA", Identity.SAME),
        ("Ada Lind\u200b", "Ada\u00a0Lind", Identity.SAME),
        ("Ada & Bo Lind", "Bo Lind", Identity.MAY_BE),
        ("Ada & Bo Lind", "Cy Lind", Identity.SOMEBODY_ELSE),
        ("William Lind", "Robert Lind", Identity.SOMEBODY_ELSE),
        ("Michael Lind", "Michelle Lind", Identity.SOMEBODY_ELSE),
        ("Daniel Lind", "Danielle Lind", Identity.SOMEBODY_ELSE),
        ("John Lind Jr", "John Lind Sr", Identity.SOMEBODY_ELSE),
        ("John Lind Jr", "John Lind III", Identity.SOMEBODY_ELSE),
        ("Ada Lind", "Ada Holm", Identity.SOMEBODY_ELSE),
        ("Ada Lind", "Family Trust", Identity.SOMEBODY_ELSE),
        ("Ada Lind", "Ada Lind LLC", Identity.MAY_BE),
        ("Ada Lind", "Lind Plumbing LLC", Identity.MAY_BE),
        ("Ada Lind", "Holm Plumbing LLC", Identity.SOMEBODY_ELSE),
        ("Acme Dental LLC", "Acme Towing LLC", Identity.SOMEBODY_ELSE),
        ("", "Ada Lind", Identity.MAY_BE),
        ("Ada Lind", " - ", Identity.MAY_BE),
    ],
)
def test_names_are_compared_as_people_would(first: str, second: str, identity: Identity) -> None:
    assert compare_names(first, second) is identity
    assert compare_names(second, first) is identity


OWN_NAMES = ["Ada", "Bo", "Oliver", "Emma", "Susan", "Christopher", "Michael", "Wei", "Priya", "José"]


@pytest.mark.parametrize("one", OWN_NAMES)
@pytest.mark.parametrize("two", OWN_NAMES)
def test_members_of_a_family_with_names_of_their_own_are_different_people(one: str, two: str) -> None:
    same = Identity.SAME if one == two else Identity.SOMEBODY_ELSE
    assert compare_names(f"{one} Lind", f"{two} Lind") is same


@pytest.mark.long
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_can_be_compared_and_in_both_directions(first: str, second: str) -> None:
    assert compare_names(first, second) is compare_names(second, first)
    assert compare_names(first, first) is not Identity.SOMEBODY_ELSE


@given(st.text("ab -.,&'", max_size=12), st.text("ab -.,&'", max_size=12))
def test_punctuation_never_breaks_a_comparison(first: str, second: str) -> None:
    assert compare_names(first, second) is compare_names(second, first)
