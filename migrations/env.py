"""Alembic's entry: runs on the connection that app/storage/migrate.py hands over, else on DATABASE_URL."""

from alembic import context

from app.models import Base
from app.storage.database import Database


def run(connection) -> None:
    """Migrate in one transaction; SQLite can't alter tables in place, so they are rebuilt in batches."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        include_object=only_our_tables,
        user_module_prefix="app.models.",
    )
    with context.begin_transaction():
        context.run_migrations()


def only_our_tables(_object, _name, kind, reflected, compare_to) -> bool:
    """The engine's tables live in the same database and are not ours to migrate."""
    return not (kind == "table" and reflected and compare_to is None)


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    from config import load_settings

    with Database(load_settings().database_url).engine.begin() as own:
        run(own)
