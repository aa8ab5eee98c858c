"""The index: repositories, clusters, units, objects and every span that made them, with the public views."""

from __future__ import annotations

from alembic import op

from migrations.columns import flag, foreign, numbers, primary, span, table, texts

revision = "0001"
down_revision = None

VIEWS = {
    "builds": """
        SELECT name AS repository, root, revision, head, fingerprint, engine, built_at FROM repository""",
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
    "contributions": """
        SELECT contribution.id AS contribution_id, object.id AS object_id, object.unit_id AS unit_id,
               contribution.role AS role, contribution.operation AS operation,
               file.origin AS repository, file.path AS file,
               contribution.document AS document, contribution.line AS line, contribution."column" AS column_,
               contribution.end_line AS end_line, contribution.end_column AS end_column, contribution.fields AS fields,
               contribution.overridden AS overridden
        FROM contribution JOIN object ON object.id = contribution.object_id
             LEFT JOIN file ON file.id = contribution.file_id""",
    "substitutions": """
        SELECT object.id AS object_id, object.unit_id AS unit_id, substitution.variable AS variable,
               substitution.fields AS fields, substitution.supplied_by AS supplied_by,
               substitution.redacted AS redacted,
               file.origin AS repository, file.path AS file,
               substitution.document AS document, substitution.line AS line, substitution."column" AS column_,
               substitution.end_line AS end_line, substitution.end_column AS end_column
        FROM substitution JOIN object ON object.id = substitution.object_id
             LEFT JOIN file ON file.id = substitution.file_id""",
    "inputs": """
        SELECT input.unit_id AS unit_id, sight.access AS access, sight.path AS path, sight.blob AS blob
        FROM input JOIN sight ON sight.id = input.sight_id""",
}

INDEXES: dict[str, tuple[str, ...]] = {
    "cluster": ("repository_id",),
    "unit": ("cluster_id", "file_id"),
    "object": ("unit_id", "name", "file_id"),
    "contribution": ("object_id", "file_id"),
    "substitution": ("object_id", "file_id"),
    "sight": ("path",),
    "input": ("sight_id",),
}


def upgrade() -> None:
    table(
        "repository",
        *texts("name", "root"),
        *texts("revision", "head", nullable=True),
        *texts("fingerprint", "engine", "built_at"),
    )
    table("file", *texts("origin", "path"), owner="repository")
    table("gvk", *texts("group", "version", "kind"))
    table("cluster", *texts("name", "entry"), owner="repository")
    source = ("source_kind", "source_namespace", "source_name", "source_url", "source_ref")
    parent = ("parent_kind", "parent_namespace", "parent_name")
    table(
        "unit",
        *texts("kind", "namespace", "name", "state"),
        *texts("reason", *source, "path", "directory", *parent, "target", nullable=True),
        *numbers("parent_id", nullable=True),
        *numbers("objects"),
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
    table(
        "contribution",
        *texts("role", "operation", "fields"),
        flag("overridden"),
        *span(),
        owner="object",
        refers=("file",),
    )
    table(
        "substitution",
        *texts("variable", "fields", "supplied_by"),
        flag("redacted"),
        *span(),
        owner="object",
        refers=("file",),
    )
    table("sight", *texts("access", "path", "blob"), owner="repository")
    op.create_table(
        "input",
        *numbers("unit_id", "sight_id"),
        primary("input", "unit_id", "sight_id"),
        foreign("input", "unit"),
        foreign("input", "sight"),
    )
    op.create_index("ix_repository_name", "repository", ["name"], unique=True)
    op.create_index("ix_file_path", "file", ["path", "origin", "repository_id"], unique=True)
    for name, columns in INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{name}_{column}", name, [column])
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    for name in ("input", "sight", "substitution", "contribution", "object", "unit", "cluster", "gvk", "file"):
        op.drop_table(name)
    op.drop_table("repository")
