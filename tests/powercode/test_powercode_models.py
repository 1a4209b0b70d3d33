"""Customers as PowerCode shows them, and the order number in their notes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powercode import order_notes
from powercode.models import Customer, record_of

REFS = st.from_regex(r"\A[A-Z0-9][A-Z0-9-]{0,15}\Z")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.long
@given(REFS, st.sampled_from(["\n", "\r\n", "<br>", "<br />\n", "\r"]), st.text(max_size=20))
def test_an_account_made_for_an_order_is_recognised_by_its_notes(ref: str, line_break: str, site_id: str) -> None:
    notes = line_break.join(" ".join(line.split()) for line in order_notes(ref, site_id, ""))
    assert Customer.read({"CustomerID": 1, "customerNotes": notes}).mentions_order(ref)


@given(REFS, st.from_regex(r"\A[A-Z0-9]\Z"))
def test_a_longer_order_number_is_another_order(ref: str, more: str) -> None:
    customer = Customer.read({"CustomerID": 1, "customerNotes": f"Order# {ref}{more}"})
    assert not customer.mentions_order(ref)


@pytest.mark.parametrize(
    ("notes", "mentioned"),
    [
        ("Order# X1", True),
        ("  Order#X1  ", True),
        ("Order#&nbsp;X1<BR/>Called on Monday", True),
        ("Order# X11", False),
        ("Order# AX1", False),
        ("see Order# X1", False),
        ("Order# X1 was cancelled", False),
        ("X1", False),
        ("", False),
    ],
)
def test_only_a_line_of_its_own_names_the_order(notes: str, mentioned: bool) -> None:
    assert Customer.read({"CustomerID": 1, "deep": [{"memo": notes}]}).mentions_order("X1") is mentioned


@pytest.mark.parametrize("ref", ["", "  "])
def test_an_empty_order_number_is_mentioned_nowhere(ref: str) -> None:
    assert not Customer.read({"CustomerID": 1, "customerNotes": "Order#"}).mentions_order(ref)


@given(st.dictionaries(st.sampled_from(["CustomerID", "customer", "customers", "phone", "City", "x"]), JSON))
def test_a_record_of_any_json_is_read(answer: dict[str, Any]) -> None:
    _, found = record_of(answer)
    for raw in found:
        customer = Customer.read(raw)
        assert all(each == each.strip() and each for each in customer.texts)


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("406-555-0143", "406-555-0143"),
        (4065550143, "4065550143"),
        ([{"Type": "Home", "Number": "4065550143"}], "4065550143"),
        ('[{"Type": "Home", "Number": 4065550143}]', "4065550143"),
        (
            '[{"Type": "Home", "Number": "4065550143"}, {"Type": "Cell", "Number": "4065550144"}]',
            "4065550143, 4065550144",
        ),
        ("[broken", "[broken"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_phone_is_a_number_or_a_list_of_numbers(phone: object, number: str) -> None:
    assert Customer.read({"CustomerID": 1, "phone": phone}).phone == number
