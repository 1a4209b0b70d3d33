import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wording.spelling import distance, is_shortened


@pytest.mark.parametrize(
    ("first", "second", "letters"),
    [("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1), ("abcd", "bac", 2)],
)
def test_the_distance_counts_letters(first: str, second: str, letters: int) -> None:
    assert distance(first, second) == letters


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_distance_is_the_same_both_ways_and_zero_only_for_equal_texts(first: str, second: str) -> None:
    found = distance(first, second)
    assert found == distance(second, first)
    assert (found == 0) == (first == second)
    assert abs(len(first) - len(second)) <= found <= max(len(first), len(second))


@pytest.mark.parametrize(
    ("one", "two", "shortened"),
    [("PLSNT", "PLEASANT", True), ("JORDAN", "JRDN", True), ("MN", "MAIN", False), ("MAIN", "MAPLE", False)],
)
def test_a_word_without_its_vowels_is_that_word(one: str, two: str, shortened: bool) -> None:
    assert is_shortened(one, two) is shortened
