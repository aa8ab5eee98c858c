"""What the rules have to know of each object beyond its identity, read from its tree once.

Facts are small and plain, so that they can be kept when the trees are gone: a unit that did not change has the facts
that it had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from indexer.deferred import regex
from indexer.flux.model import ObjectId, RenderedObject, Unit, UnitId
from indexer.flux.postbuild import NOT_SET
from indexer.flux.resources import (
    HELM,
    KUSTOMIZE,
    OPERATOR,
    group_of,
    is_kind,
    is_kustomization,
    items_of,
    kind_of,
    marks_of,
    name_of,
    namespace_of,
    read_kustomization,
    told,
    truth,
)
from indexer.kustomize.nodes import find, string_map, text_at
from indexer.manifest.node import NOWHERE, Mapping, Node, Role, Scalar, Sequence, Source, Span, overridden, span_of
from indexer.query.rules.durations import BadDuration, bad_durations
from indexer.query.rules.references import Reference, references_of

_NAME: Final = regex(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
"""What can be the name of an object."""
_UNEXPANDED: Final = regex(r"\$\{([_A-Za-z]\w*)[^}]*\}")
KEEPING: Final = (("prune", "disabled"), ("reconcile", "disabled"), ("ssa", "ignore"))
"""Annotations and labels of an object that is not pruned, in any case of letters."""
_BY_OPERATOR: Final = frozenset({"ResourceSet", "FluxInstance"})


def prefix_of(unit: UnitId) -> str:
    """What the annotations and labels begin with that the controller of a unit looks at."""
    return OPERATOR if unit.kind in _BY_OPERATOR else KUSTOMIZE


@dataclass(frozen=True, slots=True)
class Setting:
    """A name with the place where it is given: a variable of ``postBuild.substitute``, a key of a ConfigMap."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class KustomizationFacts:
    """What a Flux Kustomization says of how it applies."""

    prune: bool
    force: bool
    """Whether it deletes and makes anew what it cannot change."""
    deletion_policy: str
    substitutes: bool
    """Whether it has a ``postBuild``."""
    settings: tuple[Setting, ...]
    """``postBuild.substitute``."""
    suppliers: tuple[tuple[str, str, str], ...]
    """(kind, namespace, name) of ``postBuild.substituteFrom``."""
    entries: frozenset[Span]
    """Its own patches and images."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """One object of one unit."""

    id: ObjectId
    definition: Span | None
    generated: bool
    api_version: Span | None
    references: tuple[Reference, ...]
    marks: frozenset[str]
    """Keys of its labels and annotations."""
    kept_by: str
    """The annotation or label that keeps it from being pruned: ``prune: disabled``; empty where there is none."""
    forced: bool
    """Whether an annotation has it deleted and made anew where it cannot be changed."""
    applied: bool
    """False where an annotation says that Flux only adds to it, or leaves it alone."""
    left: bool
    """Whether an annotation has what is there already left as it is."""
    keys: tuple[Setting, ...]
    """Of a ConfigMap or Secret."""
    kustomization: KustomizationFacts | None
    unset: tuple[Setting, ...]
    """Variables in its texts that nothing sets, though others were filled in."""
    unexpanded: tuple[Setting, ...]
    """Variables that are left in its texts."""
    installs: str
    """The namespace that the chart of a HelmRelease goes to; "" for anything else."""
    claims: tuple[str, ...]
    """What the names of the claims begin with that a StatefulSet makes: ``data-db-``."""
    mismatch: tuple[Span | None, str] | None
    """Where its selector does not match its own pods, and which label is at fault."""
    bad_durations: tuple[BadDuration, ...]
    grows: bool
    """Whether it is a StorageClass whose volumes can be made larger."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A value of a definition that a patch replaced."""

    source: Source
    span: Span
    by: Span | None
    """The first patch that replaced it."""


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """All objects of one unit."""

    objects: tuple[ObjectFacts, ...]
    mentions: dict[ObjectId, frozenset[str]]
    """Every text that may be a name, by the object that holds it."""
    words: frozenset[str]
    """Every other text that holds a hyphen, for names inside of longer texts."""
    drawn: dict[Source, int]
    """Documents, with how many objects each defines."""
    lost: dict[Lost, int]
    """In how many objects each of these values was replaced."""


def facts_of(unit: Unit) -> UnitFacts:
    """The facts of a unit whose objects have their trees."""
    mentions: dict[ObjectId, frozenset[str]] = {}
    words: set[str] = set()
    drawn: Counter[Source] = Counter()
    lost: Counter[Lost] = Counter()
    objects = []
    for obj in unit.objects:
        root = obj.tree
        if root is None:
            continue
        objects.append(_of_object(obj, root, prefix_of(unit.id)))
        texts = {leaf.text for leaf in _scalars(root)}
        mentions[obj.id] = frozenset(text for text in texts if _NAME.fullmatch(text))
        words |= {text for text in texts if "-" in text and text not in mentions[obj.id]}
        if obj.role is Role.DEFINES and root.source is not NOWHERE:
            drawn[root.source] += 1
            lost.update(set(_lost(root, root.source)))
    return UnitFacts(tuple(objects), mentions, frozenset(words), dict(drawn), dict(lost))


def _of_object(obj: RenderedObject, root: Mapping, prefix: str) -> ObjectFacts:
    labels, annotations = marks = marks_of(root)
    version = root.get("apiVersion")
    reconcile, ssa = told(marks, f"{prefix}/reconcile"), told(marks, f"{prefix}/ssa")
    return ObjectFacts(
        id=obj.id,
        definition=obj.definition,
        generated=obj.role is Role.GENERATES,
        api_version=version.span if version is not None else None,
        references=tuple(references_of(root)),
        marks=frozenset({*labels, *annotations}),
        kept_by=next((f"{key}: {value}" for key, value in KEEPING if value in told(marks, f"{prefix}/{key}")), ""),
        forced="enabled" in told(marks, f"{prefix}/force"),
        applied=ssa <= {"override"} and "disabled" not in reconcile,
        left=bool(ssa & {"ignore", "ifnotpresent"}) or "disabled" in reconcile,
        keys=tuple(_keys(root)),
        kustomization=_kustomization(root) if is_kustomization(root) else None,
        unset=tuple(_unset(obj, root)),
        unexpanded=tuple(_unexpanded(root)),
        installs=_installs(root),
        claims=tuple(_claims(root)),
        mismatch=_mismatch(root),
        bad_durations=tuple(bad_durations(root)),
        grows=truth(root, "allowVolumeExpansion"),
    )


def _keys(root: Mapping) -> Iterator[Setting]:
    if group_of(root) or kind_of(root) not in ("ConfigMap", "Secret"):
        return
    for field in ("data", "stringData"):
        data = root.get(field)
        if isinstance(data, Mapping):
            for key, value in data.items():
                span = value.span or key.span
                if span is not None:
                    yield Setting(key.text, span)


def _kustomization(root: Mapping) -> KustomizationFacts:
    spec = read_kustomization(root)
    entries = [*items_of(spec.at("patches")), *items_of(spec.at("images")), *items_of(spec.at("patchesJson6902"))]
    return KustomizationFacts(
        prune=text_at(spec.spec, "prune") == "true",
        force=text_at(spec.spec, "force") == "true",
        deletion_policy=text_at(spec.spec, "deletionPolicy") or "MirrorPrune",
        substitutes=spec.substitutes,
        settings=tuple(
            Setting(key.text, span)
            for key, value in (spec.substitute.items() if spec.substitute is not None else ())
            if (span := key.span or value.span) is not None
        ),
        suppliers=tuple(
            (one.reference.kind, one.reference.namespace, one.reference.name) for one in spec.substitute_from
        ),
        entries=frozenset(entry.span for entry in entries if entry.span is not None),
    )


def _installs(root: Mapping) -> str:
    if not is_kind(root, HELM, "HelmRelease"):
        return ""
    return text_at(root, "spec", "targetNamespace") or namespace_of(root)


def _unset(obj: RenderedObject, root: Mapping) -> Iterator[Setting]:
    is_definition = kind_of(root) == "CustomResourceDefinition"
    for one in obj.substitutions:
        if one.supplied_by == NOT_SET:
            for field in one.fields:
                if is_definition and field.endswith("/description"):
                    continue  # The words of a definition have no effect, and are not the author's.
                span = _at(root, field).span or obj.definition
                if span is not None:
                    yield Setting(one.variable, span)


def _at(root: Node, field: str) -> Node:
    """The node at a JSON pointer, or the nearest one above."""
    for part in field.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(root, Mapping) and key in root.fields:
            root = root.fields[key][1]
        elif isinstance(root, Sequence) and key.isdecimal() and int(key) < len(root.items):
            root = root.items[int(key)]
    return root


def _unexpanded(root: Mapping) -> Iterator[Setting]:
    for leaf in _scalars(root):
        if "${" in leaf.text and leaf.span is not None:
            for found in _UNEXPANDED.finditer(leaf.text):
                yield Setting(found[1], leaf.span)


def _claims(root: Mapping) -> Iterator[str]:
    if is_kind(root, "apps", "StatefulSet"):
        for template in items_of(find(root, "spec", "volumeClaimTemplates")):
            yield f"{text_at(template, 'metadata', 'name')}-{name_of(root)}-"


_SELECTING: Final = {("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")}


def _mismatch(root: Mapping) -> tuple[Span | None, str] | None:
    if (group_of(root), kind_of(root)) not in _SELECTING:
        return None
    wanted = find(root, "spec", "selector", "matchLabels")
    labels = string_map(find(root, "spec", "template", "metadata", "labels"))
    for key, value in wanted.items() if isinstance(wanted, Mapping) else ():
        if labels.get(key.text) != text_at(value):
            return value.span, f"{key.text}: {text_at(value)}"
    for one in items_of(find(root, "spec", "selector", "matchExpressions")):
        name, operator = text_at(one, "key"), text_at(one, "operator")
        values = [text_at(value) for value in items_of(find(one, "values"))]
        given = labels.get(name)
        if (
            (operator == "In" and given not in values)
            or (operator == "NotIn" and given in values)
            or (operator == "Exists" and given is None)
            or (operator == "DoesNotExist" and given is not None)
        ):
            return one.span, " ".join(filter(None, (name, operator, ", ".join(values))))
    return None


def _scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar value and key."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield key
            yield from _scalars(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _scalars(item)


_IDENTITY: Final = frozenset({"apiVersion", "kind", "name", "namespace"})
"""Fields that a base has to give, whatever becomes of them."""


def _lost(node: Node, source: Source) -> Iterator[Lost]:
    """The scalars of the document ``source`` that a patch replaced with another value."""
    if isinstance(node, Scalar):
        past = list(overridden(node))
        first = past[-1] if past else None
        if (
            isinstance(first, Scalar)
            and first.source == source
            and first.op is None
            and first.text not in ("", node.text)
            and all(one.op is None or one.op.role is Role.PATCHES for one in (node, *past))
        ):
            by = past[-2] if len(past) > 1 else node
            yield Lost(source, span_of(first.source, first.pos), by.span)
        return
    if not getattr(node, "touched", True) and node.prev is None:
        return
    children: Iterable[Node] = ()
    if isinstance(node, Mapping):
        children = (value for key, value in node.items() if key.text not in _IDENTITY)
    elif isinstance(node, Sequence):
        children = node.items
    for child in children:
        yield from _lost(child, source)
