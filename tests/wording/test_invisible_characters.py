"""What nobody sees is shown as a mark."""

import pytest
from markupsafe import Markup

from app.wording.invisible_characters import visible


@pytest.mark.parametrize("code", [0x202E, 0x2066, 0x200F, 0x200B, 0xFEFF, 0x00AD])
def test_an_unseen_character_becomes_a_mark(code: int) -> None:
    assert visible(f"Ada{chr(code)}Lind") == f"Ada[U+{code:04X}]Lind"


@pytest.mark.parametrize("value", ["José Muñoz", "Ngọc Nguyễn", "Ада", "", 7, None])
def test_other_texts_and_values_stay_as_they_are(value: object) -> None:
    assert visible(value) is value


def test_markup_stays_markup() -> None:
    assert isinstance(visible(Markup("<b>\u202e</b>")), Markup)
