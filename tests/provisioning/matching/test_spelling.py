import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wording.spelling import distance, folded, is_shortened, unspoilt


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


@pytest.mark.parametrize(
    ("spoilt", "typed"),
    [
        ("O&#39;Brien", "O'Brien"),
        ("O&#039;Brien &amp; Sons", "O'Brien & Sons"),
        ("Jos&eacute;", "José"),
        ("JosÃ© MuÃ±oz", "José Muñoz"),
    ],
)
def test_what_a_system_spoilt_in_storing_it_is_read_as_it_was_typed(spoilt: str, typed: str) -> None:
    assert unspoilt(spoilt) == typed
    assert folded(spoilt) == folded(typed)


@pytest.mark.parametrize("text", ["José Muñoz", "Ngọc Nguyễn", "AT&T", "Smith &copy", "A&B; Lind", "李伟", ""])
def test_a_text_that_was_not_spoilt_stays_as_it_is(text: str) -> None:
    assert unspoilt(text) == text
