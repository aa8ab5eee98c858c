"""What tables of the index are made of: for the migrations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op


def key() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, autoincrement=False, nullable=False)


def numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=nullable) for name in names]


def texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


def flag(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False)


def span() -> list[sa.Column[int]]:
    return numbers("file_id", "document", "line", "column", "end_line", "end_column", nullable=True)


def primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def foreign(table: str, other: str, *, owner: bool = True) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [f"{other}_id"], [f"{other}.id"], name=f"fk_{table}_{other}_id", ondelete="CASCADE" if owner else None
    )


def table(name: str, *columns: sa.Column[Any], owner: str = "", refers: tuple[str, ...] = ()) -> None:
    """Makes a table with a key; ``owner`` is the table whose rows take these along when they are deleted."""
    owned = numbers(f"{owner}_id") if owner else []
    constraints = [foreign(name, owner)] if owner else []
    constraints += [foreign(name, other, owner=False) for other in refers]
    op.create_table(name, key(), *owned, *columns, primary(name, "id"), *constraints)
