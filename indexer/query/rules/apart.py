"""Objects that a cluster lacks, though a file of the repository has them: one that no unit of that cluster applies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final

from indexer.flux.model import Cluster, ObjectId
from indexer.flux.resources import group_of, kind_of, name_of, namespace_of
from indexer.git.tree import Tree, TreeError
from indexer.manifest.compose import parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Span
from indexer.query.findings import Finding
from indexer.query.places import files_below
from indexer.query.rules.files import Reached
from indexer.query.rules.missing import NOWHERE, OF_MISSING

_Place = tuple[ObjectId, Span]


def located(findings: Iterable[Finding], tree: Tree, clusters: Sequence[Cluster]) -> Iterator[Finding]:
    """The findings, those about missing objects with the file that has the object."""
    findings = list(findings)
    missing = [one for one in findings if one.rule in OF_MISSING and one.object is not None]
    reached = {name: _reached(name, clusters) for name in {one.cluster for one in missing}}
    places = list(_places(tree, missing, reached.values()))
    for finding in findings:
        one, known = finding.object, reached.get(finding.cluster)
        if finding.rule not in OF_MISSING or one is None or known is None:
            yield finding
            continue
        there = [(id_, span) for id_, span in places if _is(id_, one) and not known.knows(span.source.file)]
        nearest = max(there, key=lambda place: _nearness(place, finding), default=None)
        yield finding if nearest is None else _at(finding, nearest[1])


def _reached(name: str | None, clusters: Sequence[Cluster]) -> Reached:
    """What the units read that apply to a cluster."""
    return Reached.by(one for one in clusters if one.name == name or any(unit.target == name for unit in one.units))


def _places(tree: Tree, missing: Sequence[Finding], reached: Iterable[Reached]) -> Iterator[_Place]:
    """Where objects of these names stand, in files that not all of the clusters read."""
    names = {re.escape(one.object.name.encode()) for one in missing if one.object is not None}
    if not names:
        return
    any_name, reached = re.compile(b"|".join(sorted(names))), list(reached)
    for path in files_below(tree, ""):
        if not path.endswith((".yaml", ".yml")) or all(one.knows(path) for one in reached):
            continue
        try:
            text = tree.read(path)
            documents = parse(text, path) if any_name.search(text) else []
        except (TreeError, ManifestError):
            continue
        for root in (document.node for document in documents):
            if isinstance(root, Mapping) and root.span is not None:
                yield ObjectId(group_of(root), "", kind_of(root), namespace_of(root) or None, name_of(root)), root.span


def _is(there: ObjectId, wanted: ObjectId) -> bool:
    """Whether a document is a missing object; one without a namespace may be given it."""
    same = (there.group, there.kind, there.name) == (wanted.group, wanted.kind, wanted.name)
    return same and there.namespace in (None, wanted.namespace)


def _nearness(place: _Place, finding: Finding) -> tuple[bool, bool, int]:
    """How likely it is that a document is meant: by its namespace, by the cluster in its path, by its directory."""
    id_, span = place
    steps, others = span.source.file.split("/"), (finding.file or "").split("/")
    common = takewhile(lambda pair: pair[0] == pair[1], zip(steps, others, strict=False))
    return id_.namespace is not None, finding.cluster in steps, sum(1 for _ in common)


_BUT: Final = "{nowhere} but in {file}:{line}, which no unit of this cluster applies"


def _at(finding: Finding, span: Span) -> Finding:
    where = _BUT.format(nowhere=NOWHERE, file=span.source.file, line=span.line)
    return replace(finding, message=finding.message.replace(NOWHERE, where, 1), related=(span, *finding.related))
