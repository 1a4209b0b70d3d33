"""Pairs of an order and a PowerCode customer, with what is right. `pairs-from-the-field.tsv` comes from the field,
`pairs-made-up.tsv` was written down before the rules were, in the same spirit."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.provisioning.matching import Candidate, Kind, Person, decide, is_new_beside
from app.provisioning.matching.powercode_addresses import street_line

HERE = Path(__file__).parent
MAIL, PHONE = "ada.lind@example.com", "4065550143"
ZIPS = {"Orem": "84057", "Provo": "84601", "Layton": "84041", "Idaho Falls": "83401", "Bozeman": "59715"}
TEXTS = {"mail": (MAIL,), "phone": ("(406) 555-0143",)}


def pairs(name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table, with their line numbers."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        yield from enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 2)


def zips(ours: str, theirs: str) -> list[str]:
    """The ZIP is the same unless the towns say otherwise."""
    found = [next((code for town, code in ZIPS.items() if town in city), "84105") for city in (ours, theirs)]
    return found if all(any(town in city for town in ZIPS) for city in (ours, theirs)) else [found[0]] * 2


@pytest.mark.parametrize("zips_known", [True, pytest.param(False, marks=pytest.mark.long)], ids=["zips", "no-zips"])
@pytest.mark.parametrize("name", ["pairs-from-the-field.tsv", "pairs-made-up.tsv"])
def test_each_pair_is_decided_as_is_right(name: str, zips_known: bool) -> None:
    decided = {number: (decision(row, zips_known), row) for number, row in pairs(name)}

    wrong = [
        f"line {number}: {kind}, and not {row['want']}: {row}"
        for number, (kind, row) in decided.items()
        if kind not in row["want"].split("|")
    ]

    assert len(decided) > 100
    assert wrong == []


def decision(row: dict[str, str], zips_known: bool) -> str:
    """What is decided about the order and the customer of a row."""
    zip_code, their_zip = zips(row["order city"], row["PowerCode city"]) if zips_known else ("", "")
    person = Person(
        name=row["order name"],
        email=MAIL,
        phone=PHONE,
        street=street_line(row["order street"], row["order unit"]),
        city=row["order city"],
        site_id="714780",
        zip=zip_code,
    )
    customer = Candidate(
        "101",
        name=row["PowerCode name"],
        address=row["PowerCode street"],
        city=row["PowerCode city"],
        texts=TEXTS.get(row["shared contact"], ()),
        same_site=row["same site"] == "site",
        zip=their_zip,
    )
    kind = decide(person, [customer]).kind
    assert is_new_beside(person, customer) == (kind is Kind.NEW)
    return kind
