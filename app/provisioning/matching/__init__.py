"""Whether a person is a PowerCode customer already: pure decisions with their reasons. Looks nothing up."""

from app.provisioning.matching.decision import Candidate, Decision, Kind, Person, Problem, decide, shares_contact

__all__ = ["Candidate", "Decision", "Kind", "Person", "Problem", "decide", "shares_contact"]
