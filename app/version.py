"""The version of the service, as in pyproject.toml and CHANGELOG.md."""

VERSION = "0.1.0"
