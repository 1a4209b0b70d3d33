"""Faults that a test or a developer arms on a simulated server, and the plan that hands them out."""

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

EVERY_ACTION = "*"


@dataclass
class Fault:
    """One armed fault: it applies to the next `times` calls whose action matches (None: until cleared)."""

    action: str
    kind: str
    times: int | None = 1
    args: dict[str, Any] = field(default_factory=dict)
    taken: int = 0

    @property
    def active(self) -> bool:
        """Whether the fault still applies to further calls."""
        return self.times is None or self.taken < self.times

    def matches(self, action: str) -> bool:
        """Whether this fault hits `action`; `*` and `?` in the armed action are wildcards."""
        return self.active and fnmatchcase(action, self.action)


class FaultPlan:
    """The faults armed on one server, in the order in which they were armed; safe to use from any thread."""

    def __init__(self, kinds: dict[str, frozenset[str]]) -> None:
        """`kinds`: each kind that the server knows, with the names of the arguments it takes."""
        self._kinds = kinds
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, action: str, kind: str, times: int | None, args: dict[str, Any]) -> Fault:
        """Arm a fault and return it. Raises ValueError for an unknown kind or argument."""
        if kind not in self._kinds:
            raise ValueError(f"unknown fault kind {kind!r}; known: {', '.join(sorted(self._kinds))}")
        unknown = set(args) - self._kinds[kind]
        if unknown:
            raise ValueError(f"fault {kind!r} takes no {', '.join(sorted(unknown))}")
        fault = Fault(action, kind, times, dict(args))
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, action: str) -> Fault | None:
        """The fault for this call of `action`, counted as used; None when no fault applies."""
        with self._lock:
            return self._count(next((fault for fault in self._faults if fault.matches(action)), None))

    def take_refusal(self) -> Fault | None:
        """The `refuse` fault for a connection whose request is not read yet: only one that hits every action."""
        with self._lock:
            fault = next((fault for fault in self._faults if fault.active and fault.action == EVERY_ACTION), None)
            return self._count(fault if fault and fault.kind == "refuse" else None)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._faults.clear()

    def _count(self, fault: Fault | None) -> Fault | None:
        if fault:
            fault.taken += 1
            self._faults = [each for each in self._faults if each.active]
        return fault
