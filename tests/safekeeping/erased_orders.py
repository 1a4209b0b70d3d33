"""An order that is forgotten, and where its person is still found."""

import json
import re
from typing import Any

from sqlalchemy import select

from app.models import Base
from tests.conftest import Service, wait_for
from tests.tools.command_runs import ORDER, printed, run

PERSON = ("Ada", "Lind", "ada.lind@example.com", "4065550143", "12 N EXAMPLE", "714780", "250 Mbps")
NEIGHBOUR = {"siteid": "7", "firstname": "Ole", "lastname": "Berg", "email": "ole@example.com", "phone": "4065550127"}


def settled(service: Service) -> None:
    """Nothing is on its way any more."""
    service.mail_settled()
    client = service.services.work_queue.client
    wait_for(lambda: not client.list_workflows(status=["PENDING", "ENQUEUED"], load_input=False))


def forget(service: Service, *options: str) -> dict[str, Any]:
    settled(service)
    return printed(run(service, "orders", "forget", ORDER, "--yes", "--json", *options))


def stored(service: Service) -> str:
    """Every value of every row of our tables, and of the engine's on SQLite."""
    database = service.services.database
    with database.read() as session:
        rows = [row for table in Base.metadata.sorted_tables for row in session.execute(select(table)).all()]
        tables = {table.name for table in Base.metadata.sorted_tables}
        if database.is_sqlite:
            names = (
                session.connection().exec_driver_sql("select name from sqlite_master where type = 'table'").scalars()
            )
            others = [name for name in names if name not in tables]
            rows += [row for name in others for row in session.connection().exec_driver_sql(f"select * from {name}")]
    return "\n".join(json.dumps([str(value) for value in row], ensure_ascii=False) for row in rows)


def found_in(text: str) -> list[str]:
    """As words of their own: random ids have any three letters in them."""
    return [
        word for word in PERSON if re.search(rf"(?<![a-z0-9]){re.escape(word.casefold())}(?![a-z0-9])", text.casefold())
    ]
