"""Whether a person is a PowerCode customer already: pure decisions with their reasons. Looks nothing up."""

from app.provisioning.matching.account_decision import Decision, Kind, MatchProblem, decide, is_new_beside, kind_of
from app.provisioning.matching.comparison import Candidate, Comparison, Person, compare, phone_digits
from app.provisioning.matching.comparison_marks import STREET_LINE, Aspect, Mark
from app.provisioning.matching.doors import Door
from app.provisioning.matching.names import Identity
