"""How often the comparison of doors is wrong, over made-up streets, and what a decision costs.

`python -m benchmarks.doors [--pairs 100000] [--quick]` prints two rates: of one door in two spellings, how many are
taken for another door (a second account), and of two doors, how many are not told apart (a stop for nothing). Exits
with 1 when there is any of the first, more than one in a thousand of the second, or a decision takes a millisecond.
"""

import argparse
import sys
import time
from collections import Counter
from random import Random

from app.provisioning.matching import Candidate, Door, Person, compare, decide
from benchmarks.generated_doors import GeneratedDoor, a_door, changes

MOST_STOPS = 0.001
MOST_MILLISECONDS = 1.0


def main() -> None:
    """Measure, print, and say whether the promises are kept."""
    parser = argparse.ArgumentParser(description="How often the comparison of doors is wrong.")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--quick", action="store_true", help="10,000 pairs")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    pairs = 10_000 if arguments.quick else arguments.pairs
    same = Counter(_compared(door, door, random) for door in (a_door(random) for _ in range(pairs // 2)))
    other = Counter(_compared(door, another, random) for door, another in _others(pairs // 2, random))
    milliseconds = _milliseconds_a_decision(random)
    lost = same[Door.ANOTHER] / same.total()
    stopped = 1 - other[Door.ANOTHER] / other.total()
    print(f"one door in two spellings: {same.total()} pairs, taken for another {lost:.4%}", end="")
    print(f", not certain {same[Door.NOT_CERTAIN] / same.total():.4%}")
    print(f"two doors: {other.total()} pairs, not told apart {stopped:.4%}, taken for one {other[Door.SAME]}")
    print(f"processor time a decision: {milliseconds:.3f} ms")
    sys.exit(0 if not lost and stopped <= MOST_STOPS and milliseconds < MOST_MILLISECONDS else 1)


def _others(count: int, random: Random) -> list[tuple[GeneratedDoor, GeneratedDoor]]:
    doors = [a_door(random) for _ in range(count)]
    return [(door, random.choice(changes(door, random))) for door in doors]


def _compared(door: GeneratedDoor, other: GeneratedDoor, random: Random) -> Door:
    return compare(_person(door, random), [_customer(other, random)])[0].door


def _milliseconds_a_decision(random: Random, decisions: int = 2000) -> float:
    """With one customer to compare."""
    doors = [a_door(random) for _ in range(decisions)]
    pairs = [(_person(door, random), _customer(door, random)) for door in doors]
    start = time.process_time()
    for person, customer in pairs:
        decide(person, [customer])
    return (time.process_time() - start) * 1000 / decisions


def _person(door: GeneratedDoor, random: Random) -> Person:
    return Person(
        name="Ada Lind",
        email="ada.lind@example.com",
        phone="4065550143",
        street=door.street(random),
        city=door.city(random),
        site_id="714780",
    )


def _customer(door: GeneratedDoor, random: Random) -> Candidate:
    return Candidate("101", name="Lind, Ada", address=door.street(random), city=door.city(random))


if __name__ == "__main__":
    main()
