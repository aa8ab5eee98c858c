"""The tables of the index, as the newest migration leaves them; the views over them are the migration's own.

Rules for every table: no column holds two kinds of "nothing" (NULL: there is none, or it is not known; an empty
namespace: cluster-scoped); flags are 0 or 1, so that the same SQL works on every database; JSON is text. Texts that
repeat for every object (paths, kinds) are rows of their own, numbers elsewhere.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _id() -> Column[int]:
    """A key that the writer hands out, so that rows can point at each other before they are inserted."""
    return Column("id", Integer, primary_key=True, autoincrement=False)


def _owner(table: str) -> Column[int]:
    """The row this one goes with: deleting a repository deletes all that was built from it."""
    return Column(f"{table}_id", Integer, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False)


def _key(table: str) -> Column[int]:
    """The same, where it is half of the key."""
    owner = ForeignKey(f"{table}.id", ondelete="CASCADE")
    return Column(f"{table}_id", Integer, owner, primary_key=True, autoincrement=False)


def _bundled() -> list[Column[int]]:
    """The bundle that a row is in, and its place: of a contribution, that among all contributions to an object (which
    the views' keys leave room for a million of).
    """
    return [_key("bundle"), Column("place", Integer, primary_key=True, autoincrement=False)]


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _span() -> list[Column[int]]:
    """Where a text stands, all NULL where that is unknown: lines and columns from 1, the end inclusive."""
    numbers = ("document", "line", "column", "end_line", "end_column")
    file = Column("file_id", Integer, ForeignKey("file.id"), nullable=True)
    return [file, *(Column(name, Integer, nullable=True) for name in numbers)]


REPOSITORY: Final = Table(
    "repository",
    METADATA,
    _id(),
    _text("name"),  # unique: the path of its common git directory
    _text("root"),
    _text("revision", nullable=True),
    _text("head", nullable=True),
    _text("fingerprint"),
    _text("engine"),
    _text("built_at"),
    _text("refs"),
)
FILE: Final = Table("file", METADATA, _id(), _owner("repository"), _text("origin"), _text("path"))
GVK: Final = Table("gvk", METADATA, _id(), _text("group"), _text("version"), _text("kind"))
CLUSTER: Final = Table(
    "cluster",
    METADATA,
    _id(),
    _owner("repository"),
    _text("name"),
    _text("entry"),
    _text("digest", nullable=True),  # equal as long as a build would write the same rows below the cluster
)
UNIT: Final = Table(
    "unit",
    METADATA,
    _id(),
    _owner("cluster"),
    _text("kind"),
    _text("namespace"),
    _text("name"),
    _text("state"),
    _text("reason", nullable=True),
    _text("source_kind", nullable=True),
    _text("source_namespace", nullable=True),
    _text("source_name", nullable=True),
    _text("source_url", nullable=True),
    _text("source_ref", nullable=True),
    _text("path", nullable=True),
    _text("directory", nullable=True),
    _text("parent_kind", nullable=True),
    _text("parent_namespace", nullable=True),
    _text("parent_name", nullable=True),
    _text("target", nullable=True),
    Column("parent_id", Integer, nullable=True),
    Column("objects", Integer, nullable=False),
    _text("digest", nullable=True),  # equal as long as a build would write the same rows below the unit
    *_span(),
)
OBJECT: Final = Table(
    "object",
    METADATA,
    _id(),
    _owner("unit"),
    Column("gvk_id", Integer, ForeignKey("gvk.id"), nullable=False),
    _text("namespace"),
    _text("name"),
    _text("role"),
    _text("digest"),
    *_span(),
)
# What one directory has to do with an object, or with a unit: rows that are the same for many of them are here once.
BUNDLE: Final = Table(
    "bundle",
    METADATA,
    _id(),
    _owner("repository"),
    Column("digest", LargeBinary, nullable=False),  # of its rows: there are no two with the same
)
CONTRIBUTION: Final = Table(
    "contribution",
    METADATA,
    *_bundled(),
    _text("role"),
    _text("operation"),
    _text("fields"),
    Column("overridden", SmallInteger, nullable=False),
    *_span(),
    sqlite_with_rowid=False,
)
SUBSTITUTION: Final = Table(
    "substitution",
    METADATA,
    *_bundled(),
    _text("variable"),
    _text("fields"),
    _text("supplied_by"),
    Column("redacted", SmallInteger, nullable=False),
    *_span(),
    sqlite_with_rowid=False,
)
# What a build saw of the repository: a file's blob, a directory's listing, a path with nothing at it.
SIGHT: Final = Table(
    "sight", METADATA, *_bundled(), _text("access"), _text("path"), _text("blob"), sqlite_with_rowid=False
)
# Which objects and which units a bundle is of.
PART: Final = Table("part", METADATA, _key("object"), _key("bundle"), sqlite_with_rowid=False)
INPUT: Final = Table("input", METADATA, _key("unit"), _key("bundle"), sqlite_with_rowid=False)
# What live clusters said when they were last asked, each under its context and server. A build leaves these alone.
LIVE_CLUSTER: Final = Table(
    "live_cluster",
    METADATA,
    _id(),
    _text("context"),
    _text("server"),
    _text("read_at"),
    Column("complete", SmallInteger, nullable=False),
    _text("discovery"),
    _text("unreadable"),
)
LIVE_UNIT: Final = Table(
    "live_unit",
    METADATA,
    _id(),
    _owner("live_cluster"),
    _text("kind"),
    _text("namespace"),
    _text("name"),
    Column("suspended", SmallInteger, nullable=False),
    _text("ready", nullable=True),
    _text("reason", nullable=True),
    _text("message", nullable=True),
    _text("applied", nullable=True),
    _text("attempted", nullable=True),
    _text("path", nullable=True),
    _text("document"),
)
LIVE_SOURCE: Final = Table(
    "live_source",
    METADATA,
    _id(),
    _owner("live_cluster"),
    _text("kind"),
    _text("namespace"),
    _text("name"),
    _text("ready", nullable=True),
    _text("reason", nullable=True),
    _text("message", nullable=True),
    _text("url", nullable=True),
    _text("ref", nullable=True),
    _text("revision", nullable=True),
    _text("document"),
)
LIVE_OBJECT: Final = Table(
    "live_object",
    METADATA,
    _id(),
    _owner("live_cluster"),
    Column("gvk_id", Integer, ForeignKey("gvk.id"), nullable=False),
    _text("namespace"),
    _text("name"),
    _text("uid"),
    _text("created"),
    _text("document"),
)

# What the shards of a build hand on to the last one, until that has published the index.
SHARD: Final = Table(
    "shard",
    METADATA,
    _id(),
    _text("repository"),
    _text("fingerprint"),
    Column("shards", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    _text("handed_in_at"),
)
SHARD_RECORD: Final = Table(
    "shard_record",
    METADATA,
    _key("shard"),
    Column("place", Integer, primary_key=True, autoincrement=False),
    *(Column(name, LargeBinary, nullable=False) for name in ("unit", "record", "inputs", "outcome", "contents")),
)

Index("ix_repository_name", REPOSITORY.c.name, unique=True)
Index("ix_file_path", FILE.c.path, FILE.c.origin, FILE.c.repository_id, unique=True)
Index("ix_cluster_repository_id", CLUSTER.c.repository_id)
Index("ix_unit_cluster_id", UNIT.c.cluster_id)
Index("ix_unit_file_id", UNIT.c.file_id)
Index("ix_unit_parent_id", UNIT.c.parent_id)
Index("ix_object_unit_id", OBJECT.c.unit_id)
Index("ix_object_gvk_id", OBJECT.c.gvk_id)
Index("ix_object_name", OBJECT.c.name)
Index("ix_object_file_id", OBJECT.c.file_id)
Index("ix_bundle_repository_id", BUNDLE.c.repository_id, BUNDLE.c.digest, unique=True)
Index("ix_contribution_file_id", CONTRIBUTION.c.file_id)
Index("ix_substitution_file_id", SUBSTITUTION.c.file_id)
Index("ix_sight_path", SIGHT.c.path)
Index("ix_part_bundle_id", PART.c.bundle_id)
Index("ix_input_bundle_id", INPUT.c.bundle_id)
Index("ix_live_unit_live_cluster_id", LIVE_UNIT.c.live_cluster_id)
Index("ix_live_source_live_cluster_id", LIVE_SOURCE.c.live_cluster_id)
Index("ix_live_object_live_cluster_id", LIVE_OBJECT.c.live_cluster_id)
Index("ix_live_object_name", LIVE_OBJECT.c.name)
