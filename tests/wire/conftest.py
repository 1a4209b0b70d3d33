from tests.tools.wire_fixtures import authority, publicly_trusted, refusing_url, unanswering_url, unresolvable_url

__all__ = ["authority", "publicly_trusted", "refusing_url", "unanswering_url", "unresolvable_url"]
