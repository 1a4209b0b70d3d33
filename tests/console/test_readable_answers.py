"""Whatever JSON comes becomes something to read, with an end, and without links that run scripts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.console import readable_answers
from app.console.readable_answers import Facts, Items, Table, Text, masked, raw, readable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def texts(node: Any) -> list[Text]:
    match node:
        case Text():
            return [node]
        case Facts():
            return [text for _, value in node.pairs for text in texts(value)]
        case Table():
            return [text for row in node.rows for cell in row for text in texts(cell)]
        case Items():
            return [text for entry in node.entries for text in texts(entry)]
    raise AssertionError(node)


def test_records_of_one_kind_become_a_table_and_others_facts() -> None:
    table = readable([{"pid": "259", "cost": 65}, {"pid": "261", "new": True}])

    assert isinstance(table, Table)
    assert table.columns == ("pid", "cost", "new")
    assert [[cell.value for cell in row] for row in table.rows] == [["259", "65", ""], ["261", "", "yes"]]
    assert readable({"first_name": "Ada"}) == Facts((("first name", Text("Ada")),))


@pytest.mark.parametrize(
    ("value", "is_link"),
    [
        ("https://example.com/a?b=c", True),
        ("http://example.com", True),
        ("javascript:alert(1)", False),
        ("https://good.example.com@bad.example.com", False),
        ("https://example.com\nX", False),
        ("data:text/html,x", False),
        ("https://[bad", False),
        ('https://example.com/"onclick=', False),
        ("see https://example.com", False),
    ],
)
def test_only_plain_web_addresses_become_links(value: str, is_link: bool) -> None:
    assert (texts(readable({"x": value}))[0].outside is not None) is is_link


def test_a_huge_answer_is_cut_and_says_how_much_is_left_out() -> None:
    table = readable([{"a": "x" * 10_000} for _ in range(5_000)])

    assert isinstance(table, Table)
    assert len(table.rows) + table.left_out == 5_000
    assert (
        sum(len(text.value) for text in texts(table))
        <= readable_answers.MOST_CHARACTERS + readable_answers.LONGEST_TEXT
    )


def test_a_deep_answer_ends_somewhere() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]

    assert "more inside" in texts(readable(deep))[0].value
    assert raw(deep)[0].startswith("[")
    assert masked(deep, ["secret"]) is not None


@pytest.mark.long
@given(JSON)
def test_whatever_comes_can_be_shown_and_sent(content: Any) -> None:
    for text in texts(readable(content)):
        assert text.value == text.value.encode().decode()
        assert "\n" not in text.value
    shown, _ = raw(content)
    assert shown == shown.encode().decode()


def test_characters_that_turn_or_hide_text_are_made_visible() -> None:
    assert texts(readable({"x": "a\u202eb\x00c\ud800"}))[0].value == "a\ufffdb\ufffdc\ufffd"


def test_a_secret_that_a_remote_system_repeats_is_not_shown() -> None:
    content = {"echo": ['the key is s3cret"key'], "n": 1}

    assert 's3cret\\"key' not in json.dumps(masked(content, ['s3cret"key']))
    assert masked({"n": 1}, ["s3cret"]) == {"n": 1}


def test_a_secret_of_digits_does_not_break_an_answer_with_that_number_in_it() -> None:
    content = {"customerID": 120245, "rate": 1.5, "paid": True, "note": None, "2024": ["since 2024"]}

    assert masked(content, ["2024"]) == {
        **{"customerID": "1***5", "rate": 1.5, "paid": True, "note": None, "***": ["since ***"]}
    }
