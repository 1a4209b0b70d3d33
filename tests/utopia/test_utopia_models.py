"""Contracts in all the shapes that UTOPIA sends."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utopia.models import Contract, text

CUSTOMER = {"firstname": "Ada"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CONTRACTS = st.fixed_dictionaries(
    {"customer": st.dictionaries(st.sampled_from(["firstname", "phone", "x"]), JSON, min_size=1)},
    optional={
        name: JSON | st.dictionaries(st.sampled_from(["siteid", "apt", "zip", "sp_terms_agree_date"]), JSON)
        for name in ("status", "address", "billingaddress", "orderitems", "termsagreement", "contractdownload")
    },
)


@pytest.mark.long
@given(CONTRACTS)
def test_a_contract_of_any_json_is_read_stored_and_read_again(raw: dict[str, Any]) -> None:
    contract = Contract.read(raw)
    if contract is not None:
        assert Contract.from_dict(json.loads(json.dumps(contract.to_dict()).encode())) == contract


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("None", ""),
        (" None ", ""),
        ("Nonesuch", "Nonesuch"),
        ("  12 N EXAMPLE AVENUE ", "12 N EXAMPLE AVENUE"),
        (714780, "714780"),
        (65.0, "65"),
        (65.5, "65.5"),
        (True, ""),
        ([], ""),
        ({}, ""),
        ("two\r\nlines", "two lines"),
        ("a\x00b", "a b"),
        ("half \ud83d", "half"),
    ],
)
def test_any_value_is_a_stripped_line_or_missing(value: object, expected: str) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    "items",
    [
        [{"chargetype": "mrc", "description": "1 Gbps"}],
        {"chargetype": "mrc", "description": "1 Gbps"},
        {"0": {"chargetype": "mrc", "description": "1 Gbps"}},
        [None, {"chargetype": " mrc", "description": "1 Gbps "}, "x"],
    ],
)
def test_order_items_come_as_a_list_an_object_or_numbered(items: object) -> None:
    contract = Contract.read({"customer": CUSTOMER, "orderitems": items})
    assert [(item.charge_type, item.description) for item in contract.items] == [("mrc", "1 Gbps")]


@pytest.mark.parametrize("missing", [{}, {"orderitems": None}, {"orderitems": []}, {"orderitems": "None"}])
def test_an_order_without_items_has_none(missing: dict[str, Any]) -> None:
    assert Contract.read({"customer": CUSTOMER, **missing}).items == ()


@pytest.mark.parametrize(
    "terms", [None, [], {}, "None", {"sp_terms_agree_date": None}, {"sp_terms_agree_date": "None"}]
)
def test_terms_that_nobody_agreed_on_have_no_date(terms: object) -> None:
    assert Contract.read({"customer": CUSTOMER, "termsagreement": terms}).terms_agreed_on == ""


@pytest.mark.parametrize(("said", "ready"), [("Ready", True), (" ready ", True), ("Not Ready", False), (None, False)])
def test_a_contract_is_ready_only_when_utopia_says_just_that(said: str | None, ready: bool) -> None:
    assert Contract.read({"customer": CUSTOMER, "contractdownload": said}).contract_ready is ready


def test_the_billing_address_is_kept_apart() -> None:
    raw = {"customer": CUSTOMER, "address": {"siteid": 5}, "billingaddress": {"name": "Bo Lind", "zip": 59715}}
    contract = Contract.read(raw)
    assert (contract.billing_name, contract.billing_address.zip, contract.address.zip) == ("Bo Lind", "59715", "")
