"""The version of the service, as in pyproject.toml and CHANGELOG.md, and the commit that this process started from."""

from pathlib import Path

from config import PROJECT

VERSION = "0.1.0"


def commit_of(checkout: Path) -> str | None:
    """The commit that a checkout is at; None for a folder that is none. Read by hand: the service needs no git."""
    git = checkout / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        return _commit_of_branch(git, head.removeprefix("ref: ")) if head.startswith("ref: ") else head
    except OSError:
        return None


def _commit_of_branch(git: Path, branch: str) -> str | None:
    if (git / branch).is_file():
        return (git / branch).read_text().strip()
    lines = (line.partition(" ") for line in (git / "packed-refs").read_text().splitlines())
    return next((commit for commit, _, name in lines if name == branch), None)


COMMIT = commit_of(PROJECT)
"""Read once: a commit that is pulled later does not run yet."""
