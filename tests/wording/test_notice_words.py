"""What an order's story tells has names that people say."""

from app.models import CallbackOutcome, NoticeKind
from app.provisioning import timeline
from app.wording.notice_words import NOTICE_WORDS


def test_every_mail_to_staff_has_a_name() -> None:
    assert set(NOTICE_WORDS) == {kind.value for kind in NoticeKind}
    assert not [words for words in NOTICE_WORDS.values() if "_" in words]


def test_whatever_was_done_with_a_callback_has_words() -> None:
    assert set(timeline.CALLBACKS) == set(CallbackOutcome)
