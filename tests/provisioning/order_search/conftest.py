"""A database of each kind, empty, and one with Ada's order among others."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from app.models import Base
from app.storage.database import Database
from tests.provisioning.order_search.searched_orders import an_order, empty


@pytest.fixture(scope="package", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("search")
    url = f"sqlite:///{folder}/orders.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_url")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'create database "{folder.name}"')
        address = make_url(server).set(drivername="postgresql+psycopg", database=folder.name)
        url = address.render_as_string(hide_password=False)
    database = Database(url)
    Base.metadata.create_all(database.engine)
    yield database
    database.dispose()


@pytest.fixture
def database(shared: Database) -> Database:
    empty(shared)
    return shared


@pytest.fixture
def ada(database: Database) -> Database:
    """Ada's order among others."""
    an_order(database, "UIA-1", first_name="Grace", last_name="Moe", customer_id="1001", street="1 OAK STREET")
    an_order(
        database,
        "UIA202411-001186",
        first_name="Ada",
        last_name="Líndström",
        email="ada.lind@example.com",
        phone="4065550143",
        street="12 N EXAMPLE AVENUE",
        unit="APT 4",
        city="Bozeman",
        state_code="Montana",
        zip="59715",
        customer_id="2345",
        ticket_id="98765",
        site_id="714786",
    )
    an_order(database, "UIA-3", first_name="Ole", last_name="Berg", customer_id="1003")
    return database
