"""Staff read when something is due, and no cron line."""

import pytest

from app.wording.schedule_words import in_words


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 8 * * mon", "every Monday at 8:00"),
        ("30 6 * * *", "every day at 6:30"),
        ("0 7 * * mon-fri", "Monday to Friday at 7:00"),
        ("5 16 * * TUE,thu", "every Tuesday and Thursday at 16:05"),
        ("0 8 * * mon,wed,fri", "every Monday, Wednesday and Friday at 8:00"),
        *((odd, "at times of its own") for odd in ("*/5 * * * *", "0 8 1 * *", "0 8 * * 1", "0 8 * * xyz", "", "x")),
    ],
)
def test_a_schedule_is_told_as_people_say_it(cron: str, words: str) -> None:
    assert in_words(cron) == words
