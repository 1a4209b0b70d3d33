"""States as people say them, on pages and in commands alike."""

from collections.abc import Mapping

STATE_WORDS: Mapping[str, str] = {
    "needs_review": "needs you",
    "not_ours": "not ours",
    "never_arrived": "never arrived",
    "not_sent": "not sent",
    "read_only": "read-only",
    "dismissed": "closed",
    "stopped": "stopped here",
}


def in_words(state: str) -> str:
    """A state's name as people say it."""
    return STATE_WORDS.get(str(state), str(state))
