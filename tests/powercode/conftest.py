import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "utopia"))  # the raw server and its fixtures serve both clients

from wire_fixtures import authority, refusing_url, unanswering_url, unresolvable_url

__all__ = ["authority", "refusing_url", "unanswering_url", "unresolvable_url"]
