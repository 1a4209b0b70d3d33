"""What a remote system says, as it is shown."""

import pytest

from wire.masking import safe_text


def test_what_a_remote_says_is_shown_short_on_one_line_and_masked():
    assert safe_text("Ada  Lind\x00\r\nat 12 N Example Ave", private=("ADA LIND", "12 n example ave")) == "*** at ***"
    assert safe_text("Adam is here", private=("Ada",)) == "Adam is here"
    assert safe_text({"code": 5, "key": "abc"}, secrets=("abc",)) == '{"code": 5, "key": "***"}'
    assert len(safe_text("x" * 900)) == 200
    assert safe_text(None) == ""


@pytest.mark.parametrize(
    "said",
    ["login failed (password: hunter2-x)", 'mysql://root password="hunter2-x"', "Authorization: hunter2-x"],
)
def test_what_a_remote_names_a_password_is_not_shown(said):
    assert "hunter2" not in safe_text(said)
