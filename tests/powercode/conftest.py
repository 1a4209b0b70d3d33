from tests.tools.wire_fixtures import authority, refusing_url, unanswering_url, unresolvable_url

__all__ = ["authority", "refusing_url", "unanswering_url", "unresolvable_url"]
