"""An outage is told by what it is."""

import pytest

from app.wording.outage_words import in_trouble, key_refused, usable_again, why_it_waits


@pytest.mark.parametrize(
    ("system", "error", "begins", "ends"),
    [
        (
            "UTOPIA",
            key_refused("UTOPIA"),
            "UTOPIA refuses our API key (UTOPIA_API_KEY)",
            "UTOPIA accepts our API key again (UTOPIA_API_KEY)",
        ),
        (
            "PowerCode",
            key_refused("PowerCode", "Invalid API key"),
            "PowerCode refuses our API key (PC_API_KEY)",
            "PowerCode accepts our API key again (PC_API_KEY)",
        ),
        ("PowerCode", "PowerCode can't be reached: no route", "PowerCode does not answer", "PowerCode answers again"),
        ("PowerCode", None, "PowerCode does not answer", "PowerCode answers again"),
        ("the mail server", "535 refused", "the mail server does not answer", "the mail server answers again"),
    ],
)
def test_a_refused_key_is_no_silence(system: str, error: str | None, begins: str, ends: str) -> None:
    assert (in_trouble(system, error), usable_again(system, error)) == (begins, ends)


def test_an_order_says_what_it_waits_for() -> None:
    assert why_it_waits("UTOPIA", key_refused("UTOPIA")) == (
        "UTOPIA refuses our API key; check UTOPIA_API_KEY; it is asked again and again until it accepts the key"
    )
    assert why_it_waits("PowerCode", "PowerCode can't be reached") == (
        "PowerCode does not answer (PowerCode can't be reached); it is asked again and again until it does"
    )
