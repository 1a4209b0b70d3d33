"""The mails to staff as people call them, on pages and in commands alike."""

from collections.abc import Mapping

NOTICE_WORDS: Mapping[str, str] = {
    "account_created": "account created",
    "customer_exists": "customer exists",
    "needs_you": "needs you",
    "test_callback": "test callback",
    "still_waiting": "still waiting",
    "contract": "the contract",
    "digest_report": "report on the digest",
    "digest_trouble": "the digest is held up",
    "answers_again": "a system can be used again",
    "mail_was_stuck": "mails were held up",
    "disk_nearly_full": "the disk is nearly full",
    "disk_has_room": "the disk has room again",
    "callback_flood": "callbacks flood in",
    "flood_is_over": "the flood of callbacks is over",
    "certificate_trouble": "trouble with a certificate",
    "certificate_fine": "the certificate is fine again",
    "work_stands_still": "work stood still",
    "backup_trouble": "trouble with the backup",
    "backup_fine": "there is a new backup",
    "orders_missing": "orders are missing",
    "callback_message": "UTOPIA has said something",
    "morning_summary": "the morning summary",
}


def mail_in_words(kind: str) -> str:
    """The name of a mail; its code for a kind that only a newer version knows."""
    return NOTICE_WORDS.get(str(kind), str(kind).replace("_", " "))
