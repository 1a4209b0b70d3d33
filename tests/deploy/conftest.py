"""A server for each test, from one remote that holds the project as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.deploy.server import Server, make_remote


@pytest.fixture(scope="session")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a bare repository."""
    return make_remote(tmp_path_factory.mktemp("remote"))


@pytest.fixture
def server(remote: Path, tmp_path: Path) -> Iterator[Server]:
    """A server on which the service runs."""
    with Sandbox() as sandbox, Server(remote, tmp_path, sandbox) as running:
        yield running


@pytest.fixture
def before(server: Server) -> tuple[int, str]:
    """The process and the commit that run before."""
    return server.main, server.runs
