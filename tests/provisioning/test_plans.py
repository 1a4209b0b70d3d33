from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.plans.mapping import (
    PlanFault,
    ServicePlan,
    UnknownPlan,
    additional_plans,
    check_apart,
    match_plans,
    plan_key,
)

SERVICES = {"1 Gbps": 164, "250 Mbps": 163}
ADDITIONAL = {"Bond fee": 172}


@dataclass(frozen=True)
class Item:
    description: str | None
    charge_type: str | None = "mrc"
    quantity: str = "1"


def plans_for_new_account(
    items: Iterable[Item], services: dict[str, int], additional: dict[str, int]
) -> list[ServicePlan]:
    ordered = match_plans(items, services)
    return [*ordered, *additional_plans(ordered, additional)]


def ids(plans: Iterable[ServicePlan]) -> list[int]:
    return [plan.service_id for plan in plans]


@pytest.mark.parametrize("description", ["1 Gbps", "1 gbps", "1 Gbps ", " 1  GBPS", "1Gbps", "1\u00a0Gbps"])
def test_a_plan_is_known_in_any_case_and_with_any_blanks(description: str) -> None:
    assert ids(match_plans([Item(description)], SERVICES)) == [164]


@pytest.mark.parametrize("charge_type", ["mrc", "MRC", " Mrc "])
def test_a_monthly_item_is_known_in_any_case(charge_type: str) -> None:
    assert ids(match_plans([Item("1 Gbps", charge_type)], SERVICES)) == [164]


@pytest.mark.parametrize(
    "items", [[], [Item("1 Gbps", "nrc")], [Item("1 Gbps", None)], [Item("1 Gbps", "")], [Item("1 Gbps", "mrcx")]]
)
def test_an_order_without_a_monthly_item_is_not_billed(items: list[Item]) -> None:
    with pytest.raises(PlanFault, match="no monthly plan"):
        match_plans(items, SERVICES)


def test_one_unknown_plan_beside_a_known_one_stops_both_and_all_unknown_ones_are_named_once() -> None:
    items = [Item("1 Gbps"), Item("2  Gbps"), Item("Static IP"), Item("2 gbps")]
    with pytest.raises(UnknownPlan) as fault:
        match_plans(items, SERVICES)
    assert [plan_key(name) for name in fault.value.descriptions] == ["2gbps", "staticip"]


@pytest.mark.parametrize("description", [None, "", "  "])
def test_a_monthly_item_without_a_description_is_unknown_whatever_the_mapping_says(description: str | None) -> None:
    with pytest.raises(UnknownPlan, match="an item without a description"):
        match_plans([Item(description)], SERVICES | {"": 1})


def test_the_same_plan_ordered_twice_is_billed_once() -> None:
    assert ids(match_plans([Item("1 Gbps"), Item("1 gbps")], SERVICES)) == [164]


def test_two_plans_of_one_service_are_billed_once() -> None:
    assert ids(match_plans([Item("1 Gbps"), Item("Gigabit")], SERVICES | {"Gigabit": 164})) == [164]


def test_a_mapping_that_names_two_services_for_one_plan_is_not_guessed_from() -> None:
    mapping = {"1 Gbps": 164, "1gbps": 999, "250 Mbps": 163}
    with pytest.raises(PlanFault, match='"1 Gbps"'):
        match_plans([Item("1 Gbps")], mapping)
    assert ids(match_plans([Item("250 Mbps")], mapping)) == [163]


def test_a_plan_spelt_in_two_ways_for_one_service_is_no_fault() -> None:
    assert ids(match_plans([Item("1 Gbps")], {"1 Gbps": 164, "1gbps": 164})) == [164]


def test_a_new_account_gets_the_ordered_plan_and_each_additional_one() -> None:
    plans = plans_for_new_account([Item("1 Gbps")], SERVICES, ADDITIONAL | {"Router": 180})
    assert plans == [ServicePlan(164, "1 Gbps"), ServicePlan(172, "Bond fee"), ServicePlan(180, "Router")]


def test_an_additional_plan_that_was_ordered_as_well_is_billed_once() -> None:
    items = [Item("1 Gbps"), Item("Bond fee")]
    assert ids(plans_for_new_account(items, SERVICES | ADDITIONAL, ADDITIONAL)) == [164, 172]


def test_additional_plans_do_not_hide_an_unknown_one() -> None:
    with pytest.raises(UnknownPlan):
        plans_for_new_account([Item("Bond fee")], SERVICES, ADDITIONAL)


@given(st.text(), st.sampled_from([" ", "\t", "\u00a0", ""]))
def test_a_plans_key_has_no_blanks_and_stays_as_it_is(description: str, blank: str) -> None:
    key = plan_key(description)
    assert plan_key(blank.join(description)) == key or any(not letter.isascii() for letter in description)
    assert not any(letter.isspace() for letter in key)


@given(st.lists(st.sampled_from(["1 Gbps", "250 Mbps", "1gbps", " 250 MBPS"]), min_size=1), st.booleans())
def test_no_service_is_added_twice(descriptions: list[str], with_fee: bool) -> None:
    items = [Item("Setup", "nrc")] * with_fee + [Item(each) for each in descriptions]
    found = ids(plans_for_new_account(items, SERVICES, ADDITIONAL))
    assert len(found) == len(set(found))
    assert set(found) == {SERVICES[name] for name in SERVICES if plan_key(name) in map(plan_key, descriptions)} | {172}


def test_a_plan_that_is_sold_as_what_every_account_gets_anyway_is_a_fault() -> None:
    """It would be folded into that, and the internet never billed."""
    with pytest.raises(PlanFault, match='service 172, which every new account gets as "Bond fee"'):
        check_apart([ServicePlan(172, "10 Gbps")], ADDITIONAL)
    check_apart([ServicePlan(164, "1 Gbps"), ServicePlan(172, "bond  FEE")], ADDITIONAL)
