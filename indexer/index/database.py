"""What SQLAlchemy says when a database cannot be used, as one message for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from indexer.index.errors import IndexUnusable
from indexer.index.location import Location


def engine_of(location: Location) -> Engine:
    """An engine that keeps no connection open. Raises IndexUnusable."""
    try:
        engine = create_engine(location.url, poolclass=NullPool)
    except (ArgumentError, ValueError):
        # SQLAlchemy's own message would show the URL, password included.
        raise IndexUnusable(f"--index {location}: not the URL of a database that SQLAlchemy knows") from None
    except ImportError as error:
        raise IndexUnusable(
            f"--index {location}: {error}: install the database's driver (for PostgreSQL: fluxidx[postgresql])"
        ) from None
    if "@" in (engine.url.host or ""):
        # The driver would say which host it did not find: the rest of the password.
        raise IndexUnusable(f"--index {location}: more than one @ in it: write @ in a password as %40")
    return engine


@contextmanager
def failures(location: Location, done: str) -> Iterator[None]:
    """Turns errors of the database into IndexUnusable: the index cannot be ``done``."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = str(cause).strip().splitlines()[0]
        raise IndexUnusable(f"{location}: the index cannot be {done}: {reason}") from error
