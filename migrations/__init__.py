"""The history of the index's schema: Alembic migrations, which run by themselves when an old index is written to."""
