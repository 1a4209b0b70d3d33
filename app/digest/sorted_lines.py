"""Many lines of text, kept in little memory and returned in order."""

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice

A_RUN = 16_384
"""Lines, at least, that are sorted and compressed together."""
A_PART = 512
"""Lines that are decompressed together."""


class SortedLines:
    """Takes lines in any order, and yields them sorted. A line holds no line break.

    The lines share most of their text: compressed, half a million of 75 letters take some 6 MB instead of 70. They are
    kept in memory and not in a file, because they hold customers' data.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._runs: list[list[bytes]] = []
        self._packed = 0

    def __len__(self) -> int:
        """How many there are."""
        return self._packed + len(self._waiting)

    def extend(self, lines: Iterable[str]) -> None:
        """Keep more."""
        self._waiting += lines
        if len(self._waiting) >= A_RUN:
            self._runs.append([*map(_packed, _parts(self._waiting))])
            self._packed += len(self._waiting)
            self._waiting.clear()

    def parts(self) -> Iterator[list[str]]:
        """All lines in order, some at a time; can be repeated."""
        return _merged([map(_unpacked, run) for run in self._runs] + [_parts(self._waiting)])


def _parts(lines: list[str]) -> Iterator[list[str]]:
    in_order = sorted(lines)
    return (in_order[at : at + A_PART] for at in range(0, len(in_order), A_PART))


def _packed(lines: list[str]) -> bytes:
    return zlib.compress("\n".join(lines).encode(), level=1)


def _unpacked(packed: bytes) -> list[str]:
    return zlib.decompress(packed).decode().split("\n")


def _merged(runs: list[Iterator[list[str]]]) -> Iterator[list[str]]:
    """Merge the sorted runs. No line still to come sorts before the smallest of the parts' last lines.

    heapq.merge works line by line, and takes four times as long.
    """
    at_hand = [(part, run) for run in runs for part in islice(run, 1)]
    while at_hand:
        least, due = min(part[-1] for part, _ in at_hand), list[str]()
        for place, (part, run) in enumerate(at_hand):
            end = bisect_right(part, least)
            due += part[:end]
            at_hand[place] = part[end:] or next(run, []), run
        yield sorted(due)
        at_hand = [(part, run) for part, run in at_hand if part]
