"""What a remote system says, as it is shown and stored."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.masking import is_sensitive, json_text, masked, safe_text, without_secrets

SECRETS = ("k3y", "1234")
PARTS = ["pass", "to", "ken", "api key=", "pwd: x", "-", "\n", '"', "\\", "é", "\x1f", "1", "234", "k3y", " ", ":", "a"]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=4).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 12345) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


def test_what_a_remote_says_is_shown_short_on_one_line_and_masked() -> None:
    assert safe_text("Ada  Lind\x00\r\nat 12 N Example Ave", private=("ADA LIND", "12 n example ave")) == "*** at ***"
    assert safe_text("Adam is here", private=("Ada",)) == "Adam is here"
    assert safe_text({"code": 5, "key": "abc"}, secrets=("abc",)) == '{"code": 5, "key": "***"}'
    assert len(safe_text("x" * 900)) == 200
    assert safe_text(None) == ""


@pytest.mark.parametrize(
    "said",
    ["login failed (password: hunter2-x)", 'mysql://root password="hunter2-x"', "Authorization: hunter2-x"],
)
def test_what_a_remote_names_a_password_is_not_shown(said: str) -> None:
    assert "hunter2" not in safe_text(said)


@pytest.mark.parametrize(
    "name",
    [
        "customerPortalPassword",
        "apiKey",
        "UTOPIA_API_KEY",
        "X-Callback-Token",
        "passcode",
        "admin_pass",
        "Set-Cookie",
        "passphrase",
        "PWD",
        "client_secret",
        "api key",
        "private-key",
        "Authorisation",
        "authorization",
        "credentials",
    ],
)
def test_what_stands_under_a_secrets_name_is_masked_everywhere(name: str) -> None:
    assert is_sensitive(name)
    assert without_secrets({name: ["hunter2-x"]}, ()) == {name: "***"}
    assert json_text({"said": f"{name}: hunter2", name: 5}, ()) == json.dumps({"said": f"{name}: ***", name: "***"})
    assert "hunter2" not in masked(f"sent {name}=hunter2-x&b=1")
    assert "hunter2" not in masked(f'{{"{name}"   :   "hunter2-x", "cut')


@pytest.mark.parametrize("secret", [" &oPP", "a/ü\\b", "x" * 201, "abc"])
def test_a_secret_with_blanks_or_of_any_length_is_masked(secret: str) -> None:
    for written in (secret, json.dumps(secret, ensure_ascii=False).replace("/", "\\/"), base64_of(secret)):
        assert masked(f"<b>{written}</b>", (secret,)).count("***") == 1


def test_numbers_and_names_are_masked_too_and_the_rest_stays_as_it_is() -> None:
    content = {"id": 120245, "2024": (1.5, True, None)}

    assert without_secrets(content, ("2024",)) == {"id": "***".join("15"), "***": [1.5, True, None]}
    assert json_text({"tokens": 0, "plan": "Basic 250M"}, ()) == '{"tokens": 0, "plan": "Basic 250M"}'


@given(value=VALUES)
def test_a_json_text_is_masked_as_its_value_is(value: Any) -> None:
    assert json_text(value, SECRETS) == json.dumps(without_secrets(value, SECRETS), ensure_ascii=False)


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
