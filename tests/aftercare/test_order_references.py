"""References are found wherever they stand in an answer, and nothing else is taken for one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.aftercare.order_references import references_in

ONE, TWO = "UIA202411-001186", "UIA202411-001187"


@pytest.mark.parametrize(
    "content",
    [
        [{"orderref": ONE, "status": "Signed"}, {"orderref": TWO}],
        {"data": [{"id": 1, "order": {"ref": ONE}}, {"id": 2, "order": {"ref": [TWO, ONE]}}]},
        {"orders": {ONE: {"status": "Signed"}, TWO: {}}},
        {"result": f"Order {ONE} (Signed), replaces {TWO}."},
        {"0": f"\n{ONE}\t", "1": {"deep": [[[{"er": f"{TWO};{ONE}"}]]]}},
    ],
    ids=["rows", "nested", "keyed", "texts", "odd"],
)
def test_each_reference_is_found_once_whatever_the_shape(content: object) -> None:
    assert references_in(content) == [ONE, TWO]


@pytest.mark.parametrize(
    "text",
    ["", "406555-014300", "UIA202411", "XUIA202411-0011861186", "UIA202411-001186X", "uia202411-001186", "UIA2024-11"],
)
def test_what_is_written_otherwise_is_no_reference(text: str) -> None:
    assert references_in([text, {text: None}, 202411, True, None]) == []


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(ONE)
ANSWERS = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=10), inner), max_leaves=12
)


@pytest.mark.long
@given(ANSWERS)
def test_a_reference_that_stands_alone_anywhere_is_found(content: object) -> None:
    assert (ONE in references_in(content)) == (f'"{ONE}"' in json.dumps(content))


def test_an_answer_that_is_nested_ten_thousand_times_is_read() -> None:
    content: object = ONE
    for _ in range(10_000):
        content = [content]

    assert references_in(content) == [ONE]
