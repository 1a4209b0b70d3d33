"""Many lines of text that are handed back in order, and take little memory while they wait."""

import zlib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice

A_RUN = 16_384
"""So many lines are sorted and packed together."""
A_PART = 512
"""So many of them are unpacked together."""


class SortedLines:
    """Takes lines in any order, and gives them in theirs. A line holds no line break.

    Lines of a kind share most of their text: packed, half a million of 75 letters take some 6 MB, and not 70. In memory
    and not in a file, as customers are in them.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._runs: list[list[bytes]] = []

    def __len__(self) -> int:
        """How many there are."""
        return A_RUN * len(self._runs) + len(self._waiting)

    def add(self, line: str) -> None:
        """Keep one more."""
        self._waiting.append(line)
        if len(self._waiting) == A_RUN:
            self._runs.append([*map(_packed, _parts(self._waiting))])
            self._waiting.clear()

    def __iter__(self) -> Iterator[str]:
        """All of them in order, as often as is asked for."""
        return _merged([map(_unpacked, run) for run in self._runs] + [_parts(self._waiting)])


def _parts(lines: list[str]) -> Iterator[list[str]]:
    in_order = sorted(lines)
    return (in_order[at : at + A_PART] for at in range(0, len(in_order), A_PART))


def _packed(lines: list[str]) -> bytes:
    return zlib.compress("\n".join(lines).encode(), level=1)


def _unpacked(packed: bytes) -> list[str]:
    return zlib.decompress(packed).decode().split("\n")


def _merged(runs: list[Iterator[list[str]]]) -> Iterator[str]:
    """The lines of all runs in order. What is not above the least of the parts' last lines comes before all others.

    heapq.merge does it a line at a time, and takes four times as long.
    """
    at_hand = [(part, run) for run in runs for part in islice(run, 1)]
    while at_hand:
        least, due = min(part[-1] for part, _ in at_hand), list[str]()
        for place, (part, run) in enumerate(at_hand):
            end = bisect_right(part, least)
            due += part[:end]
            at_hand[place] = part[end:] or next(run, []), run
        yield from sorted(due)
        at_hand = [(part, run) for part, run in at_hand if part]
