"""Routes write the addresses that Werkzeug's own would."""

from typing import Any

import pytest
from werkzeug.routing import BuildError, Map, MapAdapter, Rule

from app.running.routing import Route


def addresses(rule: type[Rule]) -> MapAdapter:
    rules = [
        rule("/", endpoint="home"),
        rule("/orders/<orderref>", endpoint="order"),
        rule("/pages/", defaults={"number": 1}, endpoint="pages"),
        rule("/pages/<int:number>", endpoint="pages"),
        rule("/cases/<int:number>/<action>", methods=["POST"], endpoint="decide"),
        rule("/texts/<path:file>", endpoint="text"),
    ]
    return Map(rules).bind("example.com")


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("home", {}),
        ("home", {"q": "Bond fee", "self": "1", "rule": "2"}),
        ("order", {"orderref": "UIA202411-001186"}),
        ("order", {"orderref": "a/b ü?&", "tab": "calls"}),
        ("pages", {"number": 1}),
        ("pages", {"number": 2, "q": ["a", "b"]}),
        ("decide", {"number": 7, "action": "close"}),
        ("text", {"file": "new/desc.txt"}),
    ],
)
def test_an_address_is_the_one_that_werkzeugs_own_rule_writes(endpoint: str, values: dict[str, Any]) -> None:
    ours, theirs = addresses(Route), addresses(Rule)

    for _ in range(2):
        assert ours.build(endpoint, values) == theirs.build(endpoint, values)
    assert ours.build(endpoint, values, append_unknown=False) == theirs.build(endpoint, values, append_unknown=False)


def test_where_a_value_is_missing_there_is_no_address() -> None:
    for values in ({}, {"action": "close"}):
        with pytest.raises(BuildError):
            addresses(Route).build("decide", values)


def test_nothing_is_compiled_for_a_route_that_is_asked_for_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiled(*_arguments: Any) -> None:
        pytest.fail("compiled as it was added")

    with monkeypatch.context() as patched:
        patched.setattr(Rule, "_compile_builder", compiled)
        ours = addresses(Route)
    assert ours.build("order", {"orderref": "UIA-1"}) == "/orders/UIA-1"
