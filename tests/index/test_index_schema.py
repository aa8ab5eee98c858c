"""The schema: made by migrations, equal to the writer's tables, documented, and checked before it is read."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

import migrations
from indexer.errors import ExitCode, IndexMissing
from indexer.index.database import engine_of
from indexer.index.errors import IndexNewer, IndexStale, IndexUnusable
from indexer.index.location import at_path, locate
from indexer.index.read import SCHEMA, connect
from indexer.index.rows import REPOSITORY, UNIT
from indexer.index.schema import METADATA
from indexer.index.write import replace
from indexer.index.writer import writing
from migrations.__main__ import migrated, statements

ROOT = Path(__file__).parents[2]
DOCUMENTATION = (ROOT / "docs" / "index-schema.md").read_text(encoding="utf-8")

VIEWS = {
    "builds": "repository root revision head fingerprint engine built_at refs",
    "clusters": "cluster entry build",
    "units": "unit_id cluster kind namespace name state reason source_kind source_namespace source_name source_url "
    "source_ref path directory parent_kind parent_namespace parent_name parent_id target repository file document line "
    "column_ end_line end_column objects build",
    "objects": "object_id unit_id cluster applied_by unit_kind unit_namespace unit_name group_ version kind namespace "
    "name role digest repository file document line column_ end_line end_column",
    "kinds": "group_ version kind",
    "contributions": "contribution_id object_id unit_id role operation repository file document line column_ end_line "
    "end_column fields overridden",
    "substitutions": "object_id unit_id variable fields supplied_by redacted repository file document line column_ "
    "end_line end_column",
    "inputs": "unit_id access path blob",
    "live_clusters": "live_cluster_id context server read_at complete",
    "live_units": "context live_cluster_id kind namespace name suspended ready reason message applied attempted path",
    "live_sources": "context live_cluster_id kind namespace name ready reason message url ref revision",
    "live_objects": "context live_cluster_id group_ version kind namespace name uid created",
}


@pytest.fixture
def index(tmp_path, cluster, build):
    return filled(at_path(tmp_path / "index.db"), cluster, build)


@pytest.fixture
def location(any_index, tmp_path):
    return locate(any_index, tmp_path)


def filled(location, cluster, build):
    replace(location, build(), [cluster("prod"), cluster("staging")])
    return location


def set_version(location, version):
    with engine_of(location).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_the_newest_migration_is_the_one_that_readers_expect():
    scripts = ScriptDirectory(migrations.__path__[0])
    assert scripts.get_heads() == [SCHEMA]
    assert all(re.fullmatch(r"\d{4}", revision.revision) for revision in scripts.walk_revisions())


def test_migrations_make_the_tables_that_the_writer_fills(tmp_path):
    migrated(tmp_path)
    with create_engine(at_path(tmp_path / "migrated.db").url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        tables = inspect(connection)
        for table in METADATA.tables.values():
            assert [column["name"] for column in tables.get_columns(table.name)] == table.columns.keys()


def test_a_new_index_is_what_the_migrations_make(tmp_path):
    with writing(at_path(tmp_path / "new.db")):
        pass
    assert statements(tmp_path / "new.db") == migrated(tmp_path), "run `python -m migrations`"


@contextmanager
def migrations_of(location):
    """What Alembic's commands take to migrate an index."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with engine_of(location).begin() as connection:
        config.attributes["connection"] = connection
        yield config


def test_an_index_of_the_first_schema_is_told_to_be_old_and_built_again(location, cluster, build):
    if location.path is not None:
        location.path.parent.mkdir(parents=True, exist_ok=True)
    with migrations_of(location) as first:
        command.upgrade(first, "0001")
    with engine_of(location).begin() as connection:
        connection.execute(text("INSERT INTO repository VALUES (1, 'fleet', '/fleet', NULL, NULL, 'f', 'e', 'now')"))
        connection.execute(text("INSERT INTO gvk VALUES (1, '', 'v1', 'Namespace')"))
    with pytest.raises(IndexStale, match=r"the index has the old schema 0001: run `fluxidx build`"):
        connect(location)
    replace(location, build(), [cluster("prod")])
    with connect(location) as opened:
        assert [row["cluster"] for row in opened.rows("SELECT cluster FROM clusters")] == ["prod"]


def test_an_index_of_an_unknown_schema_is_left_alone(location, cluster, build):
    filled(location, cluster, build)
    set_version(location, "0000x")
    with pytest.raises(IndexUnusable, match=r"'0000x': delete the index, or name another with --index"):
        replace(location, build(), [cluster("prod")])


def test_migrations_can_be_undone(location):
    with writing(location):
        pass
    with migrations_of(location) as all_of_them:
        command.downgrade(all_of_them, "base")
    with engine_of(location).connect() as connection:
        found = inspect(connection)
        assert (found.get_table_names(), found.get_view_names()) == (["alembic_version"], [])


def test_views_have_exactly_the_public_columns(index):
    with connect(index) as opened:
        views = {row["name"] for row in opened.rows("SELECT name FROM sqlite_master WHERE type = 'view'")}
        assert views == set(VIEWS)
        for view, columns in VIEWS.items():
            assert opened.ask(f"SELECT * FROM {view}")[0] == columns.split()  # noqa: S608 - our own names


def test_every_view_and_column_is_documented():
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", DOCUMENTATION, re.MULTILINE | re.DOTALL))
    documented = {
        name: [
            column for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for column in re.findall(r"`(\w+)`", row)
        ]
        for name, text in sections.items()
    }
    for view, columns in VIEWS.items():
        assert documented[view] == columns.split()


def test_every_documented_query_runs(index):
    queries = re.findall(r"```sql\n(.*?)```", DOCUMENTATION, re.DOTALL)
    queries += re.findall(r'fluxidx sql (?:-o \w+ )?"(.*)"', DOCUMENTATION)
    assert len(queries) >= 2 + len(VIEWS)
    with connect(index) as opened:
        for query in queries:
            columns, rows = opened.ask(query.strip().rstrip(";"))
            assert columns
            list(rows)


def test_a_newer_index_is_refused_by_readers_and_writers(location, cluster, build):
    set_version(filled(location, cluster, build), "9999")
    with pytest.raises(IndexNewer, match=r"schema 9999 and this program knows .*: upgrade fluxidx") as error:
        connect(location)
    assert error.value.exit_code is ExitCode.ENVIRONMENT
    with pytest.raises(IndexNewer):
        replace(location, build(), [cluster()])


def test_an_older_index_is_stale_to_readers(location, cluster, build):
    set_version(filled(location, cluster, build), "0000")
    with pytest.raises(IndexStale, match="old schema 0000: run `fluxidx build`") as error:
        connect(location)
    assert error.value.exit_code is ExitCode.INDEX


def test_a_writer_migrates_what_an_older_program_left(location, cluster, build):
    with writing(location):
        pass
    with migrations_of(location) as all_of_them:
        command.downgrade(all_of_them, "base")
    with pytest.raises(IndexMissing, match="there is no index"):
        connect(location)
    replace(location, build(), [cluster()])
    with connect(location) as opened:
        assert opened.rows("SELECT cluster FROM clusters") == [{"cluster": "prod"}]


def test_an_index_without_a_build_is_missing(location):
    with writing(location):
        pass
    with pytest.raises(IndexMissing, match="is empty"):
        connect(location)


@pytest.mark.parametrize(("table", "columns"), [("unit", UNIT), ("repository", REPOSITORY)])
def test_rows_are_written_in_the_order_of_the_columns(table, columns):
    assert ("id", *columns) == tuple(METADATA.tables[table].columns.keys())
