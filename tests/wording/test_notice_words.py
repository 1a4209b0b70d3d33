"""Each mail to staff has a name that people say."""

from app.models import NoticeKind
from app.wording.notice_words import NOTICE_WORDS


def test_every_mail_to_staff_has_a_name() -> None:
    assert set(NOTICE_WORDS) == {kind.value for kind in NoticeKind}
    assert not [words for words in NOTICE_WORDS.values() if "_" in words]
