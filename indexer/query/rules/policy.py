"""A repository's own rules: SQL over the documented views of the index, each row of which is a finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from indexer.deferred import regex
from indexer.errors import FluxidxError
from indexer.flux.config import Config, ConfigError, PolicyConfig
from indexer.flux.model import ObjectId, UnitId
from indexer.index.read import Index
from indexer.manifest.node import Source, Span
from indexer.query.findings import Finding, Severity

_COLUMN: Final = regex(r"\{(\w+)\}")

Row = dict[str, Any]


def policy_findings(config: Config, index: Index) -> Iterator[Finding]:
    """A finding for each row of each ``[[policy]]``. Raises ConfigError where its SQL cannot be run.

    Columns that are called as in the views say what a row is about: ``cluster``; ``file``, ``line`` … for the place;
    ``group_``, ``version``, ``kind``, ``namespace``, ``name`` for the object; ``unit_kind`` … for the unit.
    """
    for policy in config.policies:
        try:
            columns, rows = index.ask(policy.sql)
            for row in rows:
                yield _finding(policy, dict(zip(columns, row, strict=True)))
        except FluxidxError as error:
            raise ConfigError(str(config.path), policy.line, f'policy "{policy.name}": {error}') from None


def _finding(policy: PolicyConfig, row: Row) -> Finding:
    message = _COLUMN.sub(lambda found: str(row.get(found[1], found[0])), policy.message)
    cluster = row.get("cluster")
    unit = (
        UnitId(*(str(row[f"unit_{part}"]) for part in UnitId._fields)) if _has(row, "unit_kind", "unit_name") else None
    )
    return Finding(
        policy.name,
        Severity(policy.severity),
        message,
        _object(row) if _has(row, "kind", "name") else None,
        _span(row) if _has(row, "file", "line") else None,
        (),
        str(cluster) if cluster else None,
        unit,
    )


def _has(row: Row, *columns: str) -> bool:
    return all(row.get(column) not in (None, "") for column in columns)


def _object(row: Row) -> ObjectId:
    group, version, kind, namespace, name = (
        str(row.get(column) or "") for column in ("group_", "version", "kind", "namespace", "name")
    )
    return ObjectId(group, version, kind, namespace or None, name)


def _span(row: Row) -> Span:
    line, column = int(row["line"]), int(row.get("column_") or 1)
    source = Source(str(row.get("repository") or "") or None, str(row["file"]), int(row.get("document") or 0))
    return Span(source, line, column, int(row.get("end_line") or line), int(row.get("end_column") or column))
