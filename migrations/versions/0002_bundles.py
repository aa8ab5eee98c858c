"""What a directory does to objects is there once; clusters as they are live; parts of a build that is divided.

Every row of the first index can be made again from its repository, and few of them fit: it is dropped, and the next
build of each repository fills the new tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.columns import flag, foreign, numbers, primary, span, table, texts

revision = "0002"
down_revision = "0001"

_FIRST = import_module("migrations.versions.0001_index")

VIEWS = {
    "builds": """
        SELECT name AS repository, root, revision, head, fingerprint, engine, built_at, refs FROM repository""",
    "clusters": """
        SELECT cluster.name AS cluster, cluster.entry AS entry, repository.name AS build
        FROM cluster JOIN repository ON repository.id = cluster.repository_id""",
    "units": """
        SELECT unit.id AS unit_id, cluster.name AS cluster, unit.kind AS kind, unit.namespace AS namespace,
               unit.name AS name, unit.state AS state, unit.reason AS reason, unit.source_kind AS source_kind,
               unit.source_namespace AS source_namespace, unit.source_name AS source_name,
               unit.source_url AS source_url, unit.source_ref AS source_ref, unit.path AS path,
               unit.directory AS directory, unit.parent_kind AS parent_kind,
               unit.parent_namespace AS parent_namespace, unit.parent_name AS parent_name,
               unit.parent_id AS parent_id, unit.target AS target,
               file.origin AS repository, file.path AS file,
               unit.document AS document, unit.line AS line, unit."column" AS column_,
               unit.end_line AS end_line, unit.end_column AS end_column,
               unit.objects AS objects, repository.name AS build
        FROM unit JOIN cluster ON cluster.id = unit.cluster_id JOIN repository ON repository.id = cluster.repository_id
             LEFT JOIN file ON file.id = unit.file_id""",
    "objects": """
        SELECT object.id AS object_id, unit.id AS unit_id, coalesce(unit.target, cluster.name) AS cluster,
               CASE WHEN unit.target IS NOT NULL THEN cluster.name END AS applied_by, unit.kind AS unit_kind,
               unit.namespace AS unit_namespace, unit.name AS unit_name, gvk."group" AS group_,
               gvk.version AS version, gvk.kind AS kind, object.namespace AS namespace, object.name AS name,
               object.role AS role, object.digest AS digest,
               file.origin AS repository, file.path AS file,
               object.document AS document, object.line AS line, object."column" AS column_,
               object.end_line AS end_line, object.end_column AS end_column
        FROM object JOIN gvk ON gvk.id = object.gvk_id JOIN unit ON unit.id = object.unit_id
             JOIN cluster ON cluster.id = unit.cluster_id LEFT JOIN file ON file.id = object.file_id""",
    "kinds": """
        SELECT gvk."group" AS group_, gvk.version AS version, gvk.kind AS kind
        FROM gvk WHERE EXISTS (SELECT 1 FROM object WHERE object.gvk_id = gvk.id)""",
    "contributions": """
        SELECT CAST(object.id AS BIGINT) * 1048576 + contribution.place AS contribution_id,
               object.id AS object_id, object.unit_id AS unit_id,
               contribution.role AS role, contribution.operation AS operation,
               file.origin AS repository, file.path AS file,
               contribution.document AS document, contribution.line AS line, contribution."column" AS column_,
               contribution.end_line AS end_line, contribution.end_column AS end_column, contribution.fields AS fields,
               contribution.overridden AS overridden
        FROM part JOIN object ON object.id = part.object_id JOIN contribution ON contribution.bundle_id = part.bundle_id
             LEFT JOIN file ON file.id = contribution.file_id""",
    "substitutions": """
        SELECT object.id AS object_id, object.unit_id AS unit_id, substitution.variable AS variable,
               substitution.fields AS fields, substitution.supplied_by AS supplied_by,
               substitution.redacted AS redacted,
               file.origin AS repository, file.path AS file,
               substitution.document AS document, substitution.line AS line, substitution."column" AS column_,
               substitution.end_line AS end_line, substitution.end_column AS end_column
        FROM part JOIN object ON object.id = part.object_id JOIN substitution ON substitution.bundle_id = part.bundle_id
             LEFT JOIN file ON file.id = substitution.file_id""",
    "inputs": """
        SELECT input.unit_id AS unit_id, sight.access AS access, sight.path AS path, sight.blob AS blob
        FROM input JOIN sight ON sight.bundle_id = input.bundle_id""",
    "live_clusters": """
        SELECT live_cluster.id AS live_cluster_id, context, server, read_at, complete FROM live_cluster""",
    "live_units": """
        SELECT live_cluster.context AS context, live_unit.live_cluster_id AS live_cluster_id, kind, namespace, name,
               suspended, ready, reason, message, applied, attempted, path
        FROM live_unit JOIN live_cluster ON live_cluster.id = live_unit.live_cluster_id""",
    "live_sources": """
        SELECT live_cluster.context AS context, live_source.live_cluster_id AS live_cluster_id, kind, namespace, name,
               ready, reason, message, url, ref, revision
        FROM live_source JOIN live_cluster ON live_cluster.id = live_source.live_cluster_id""",
    "live_objects": """
        SELECT live_cluster.context AS context, live_object.live_cluster_id AS live_cluster_id, gvk."group" AS group_,
               gvk.version AS version, gvk.kind AS kind, live_object.namespace AS namespace, live_object.name AS name,
               live_object.uid AS uid, live_object.created AS created
        FROM live_object JOIN live_cluster ON live_cluster.id = live_object.live_cluster_id
             JOIN gvk ON gvk.id = live_object.gvk_id""",
}

INDEXES: dict[str, tuple[str, ...]] = {
    "cluster": ("repository_id",),
    "unit": ("cluster_id", "file_id", "parent_id"),
    "object": ("unit_id", "gvk_id", "name", "file_id"),
    "contribution": ("file_id",),
    "substitution": ("file_id",),
    "sight": ("path",),
    "part": ("bundle_id",),
    "input": ("bundle_id",),
    "live_unit": ("live_cluster_id",),
    "live_source": ("live_cluster_id",),
    "live_object": ("live_cluster_id", "name"),
}


def bundled(name: str, *more: sa.Column[Any] | sa.ForeignKeyConstraint) -> None:
    """Makes a table of rows in bundles."""
    own = primary(name, "bundle_id", "place"), foreign(name, "bundle")
    op.create_table(name, *numbers("bundle_id", "place"), *more, *own, sqlite_with_rowid=False)


def joint(name: str, one: str, other: str) -> None:
    """Makes a table that says which rows of two tables belong together."""
    columns = f"{one}_id", f"{other}_id"
    own = primary(name, *columns), foreign(name, one), foreign(name, other)
    op.create_table(name, *numbers(*columns), *own, sqlite_with_rowid=False)


def upgrade() -> None:
    _FIRST.downgrade()
    table(
        "repository",
        *texts("name", "root"),
        *texts("revision", "head", nullable=True),
        *texts("fingerprint", "engine", "built_at", "refs"),
    )
    table("file", *texts("origin", "path"), owner="repository")
    table("gvk", *texts("group", "version", "kind"))
    table("cluster", *texts("name", "entry"), *texts("digest", nullable=True), owner="repository")
    source = ("source_kind", "source_namespace", "source_name", "source_url", "source_ref")
    parent = ("parent_kind", "parent_namespace", "parent_name")
    table(
        "unit",
        *texts("kind", "namespace", "name", "state"),
        *texts("reason", *source, "path", "directory", *parent, "target", nullable=True),
        *numbers("parent_id", nullable=True),
        *numbers("objects"),
        *texts("digest", nullable=True),
        *span(),
        owner="cluster",
        refers=("file",),
    )
    table(
        "object",
        *numbers("gvk_id"),
        *texts("namespace", "name", "role", "digest"),
        *span(),
        owner="unit",
        refers=("gvk", "file"),
    )
    table("bundle", sa.Column("digest", sa.LargeBinary, nullable=False), owner="repository")
    bundled(
        "contribution",
        *texts("role", "operation", "fields"),
        flag("overridden"),
        *span(),
        foreign("contribution", "file", owner=False),
    )
    bundled(
        "substitution",
        *texts("variable", "fields", "supplied_by"),
        flag("redacted"),
        *span(),
        foreign("substitution", "file", owner=False),
    )
    bundled("sight", *texts("access", "path", "blob"))
    joint("part", "object", "bundle")
    joint("input", "unit", "bundle")
    table(
        "live_cluster",
        *texts("context", "server", "read_at"),
        flag("complete"),
        *texts("discovery", "unreadable"),
    )
    told = ("ready", "reason", "message")
    table(
        "live_unit",
        *texts("kind", "namespace", "name"),
        flag("suspended"),
        *texts(*told, "applied", "attempted", "path", nullable=True),
        *texts("document"),
        owner="live_cluster",
    )
    table(
        "live_source",
        *texts("kind", "namespace", "name"),
        *texts(*told, "url", "ref", "revision", nullable=True),
        *texts("document"),
        owner="live_cluster",
    )
    table(
        "live_object",
        *numbers("gvk_id"),
        *texts("namespace", "name", "uid", "created", "document"),
        owner="live_cluster",
        refers=("gvk",),
    )
    table(
        "shard",
        *texts("repository", "fingerprint"),
        *numbers("shards", "number"),
        *texts("handed_in_at"),
    )
    op.create_table(
        "shard_record",
        *numbers("shard_id", "place"),
        *(
            sa.Column(name, sa.LargeBinary, nullable=False)
            for name in ("unit", "record", "inputs", "outcome", "contents")
        ),
        primary("shard_record", "shard_id", "place"),
        foreign("shard_record", "shard"),
    )
    op.create_index("ix_repository_name", "repository", ["name"], unique=True)
    op.create_index("ix_bundle_repository_id", "bundle", ["repository_id", "digest"], unique=True)
    op.create_index("ix_file_path", "file", ["path", "origin", "repository_id"], unique=True)
    for name, columns in INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{name}_{column}", name, [column])
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    for name in ("live_object", "live_source", "live_unit", "live_cluster"):
        op.drop_table(name)
    for name in (
        "shard_record",
        "shard",
        "input",
        "part",
        "sight",
        "substitution",
        "contribution",
        "bundle",
        "object",
        "unit",
        "cluster",
        "gvk",
        "file",
    ):
        op.drop_table(name)
    op.drop_table("repository")
    _FIRST.upgrade()
