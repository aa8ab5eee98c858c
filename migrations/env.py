"""How Alembic reaches an index: through the connection of the program, or through ``alembic -x index=PATH|URL``."""

from __future__ import annotations

from pathlib import Path

from alembic import context
from sqlalchemy import Connection, create_engine

from indexer.index.location import locate
from indexer.index.schema import METADATA


def migrate(connection: Connection) -> None:
    # SQLite changes tables by making new ones: batch mode does it.
    context.configure(
        connection=connection, target_metadata=METADATA, render_as_batch=connection.dialect.name == "sqlite"
    )
    with context.begin_transaction():
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is not None:
    migrate(connection)
else:
    index = context.get_x_argument(as_dictionary=True).get("index")
    with create_engine(locate(index, Path.cwd() / ".git").url).begin() as connection:
        migrate(connection)
